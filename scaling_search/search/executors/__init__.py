"""How trials run: Ray Tune, inline, or replayed from a record. Importing this starts nothing heavy."""

from scaling_search.search.executors.base import Executor, Job, Planned, Source, Train, Work
from scaling_search.search.executors.inline import InlineExecutor
from scaling_search.search.executors.ray_tune import RayTuneExecutor
from scaling_search.search.executors.trial import Replay, train_trial

__all__ = [
    "Executor",
    "InlineExecutor",
    "Job",
    "Planned",
    "RayTuneExecutor",
    "Replay",
    "Source",
    "Train",
    "Work",
    "train_trial",
]
