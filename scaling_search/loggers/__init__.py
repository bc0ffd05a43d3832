"""Programs that keep experiments, as listeners of a search: TensorBoard, MLflow, Weights & Biases, trackio, Optuna.

study.run(listeners=[tensorboard := ss.loggers.TensorBoard()])
study.analyze(listeners=[tensorboard])
"""

from scaling_search.loggers.registry import make_trackers
from scaling_search.loggers.to_mlflow import MLflow
from scaling_search.loggers.to_optuna import OptunaStorage
from scaling_search.loggers.to_tensorboard import TensorBoard
from scaling_search.loggers.to_trackio import Trackio
from scaling_search.loggers.to_wandb import WandB
from scaling_search.loggers.tracker import Child, Tracker

__all__ = ["Child", "MLflow", "OptunaStorage", "TensorBoard", "Tracker", "Trackio", "WandB", "make_trackers"]
