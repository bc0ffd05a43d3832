"""How trials run: Ray Tune, inline, or replayed from a record. Importing this starts nothing heavy."""

from scaling_search.search.executors.base import Conditions, Executor, Job, JobSource, Scheduler, Train
from scaling_search.search.executors.inline import Inline
from scaling_search.search.executors.ray import Ray
from scaling_search.search.executors.trial import Replay, train_trial

__all__ = ["Conditions", "Executor", "Inline", "Job", "JobSource", "Ray", "Replay", "Scheduler", "Train", "train_trial"]
