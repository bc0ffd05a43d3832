"""MLflow: the search is a run, and each trial a run below it."""

import logging
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from scaling_search.evidence import Reading, Status
from scaling_search.loggers import facts
from scaling_search.loggers.facts import Value
from scaling_search.loggers.tracker import Child, Tracker

EXPERIMENT = "scaling-search"
_LONGEST = 5000  # characters of a tag
_ENDS: dict[Status, str] = {"failed": "FAILED", "stopped": "KILLED"}


class MLflow(Tracker):
    """Into $MLFLOW_TRACKING_URI or what `mlflow.set_tracking_uri` was given, else mlflow.db and mlruns/ where the
    program was started. Metrics have the epoch as their step.

    Args:
        experiment: the experiment's name; $MLFLOW_EXPERIMENT_NAME goes before the default.
    """

    name: ClassVar[str] = "mlflow"
    needs: ClassVar[tuple[str, ...]] = ("mlflow", "sqlalchemy", "alembic")

    def __init__(self, experiment: str | None = None) -> None:
        super().__init__()
        self.experiment = experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
        self._client: Any = None
        self._run = ""

    def begin(self) -> None:
        """The run of the search, made or taken up again."""
        self._connect()
        if (known := self.notes.get("run")) is not None:
            self._run = known
            self._client.update_run(known, status="RUNNING")
            return
        record = self.begun.record
        self._run = self._make_run(self.run_name, {})
        self._write(self._run, params=facts.of_run(record), tags=facts.about_run(record))
        self.notes.keep("run", self._run)

    def log(self, child: Child, reading: Reading, values: dict[str, float]) -> None:
        """One batch of metrics."""
        self._write(self._child(child), metrics=values, step=reading.epoch)

    def rest(self, child: Child, status: Status, reason: str) -> None:
        """Ends the trial's run; one that is trained further is taken up again."""
        run = self._child(child)
        self._write(run, tags={"status": status, **({"reason": reason} if reason else {})})
        self._client.set_terminated(run, status=_ENDS.get(status, "FINISHED"))

    def answer(self, numbers: dict[str, float], words: dict[str, str]) -> None:
        """Metrics and tags of the search's run."""
        self._write(self._run, metrics=numbers, tags=words)

    def end(self, figures: Sequence[Path], files: Sequence[Path]) -> None:
        """Artifacts, and the end of the run."""
        for path in figures:
            self._client.log_artifact(self._run, str(path), "figures")
        for path in files:
            self._client.log_artifact(self._run, str(path))
        self._client.set_terminated(self._run)

    def _connect(self) -> None:
        import mlflow
        from mlflow.tracking import MlflowClient

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        known = self.notes.get("store")
        chosen = mlflow.get_tracking_uri() if mlflow.tracking.is_tracking_uri_set() else None
        here = Path.cwd()
        uri = chosen or known or f"sqlite:///{here / 'mlflow.db'}"
        self._client = MlflowClient(tracking_uri=uri)
        found = self._client.get_experiment_by_name(self.experiment)
        place = None if chosen else (here / "mlruns").as_uri()
        self._experiment_id = (
            found.experiment_id if found else self._client.create_experiment(self.experiment, artifact_location=place)
        )
        if known is None and urlsplit(uri).password is None:
            self.notes.keep("store", uri)

    def _child(self, child: Child) -> str:
        key = f"trial {child.name}"
        if (known := self.notes.get(key)) is not None:
            return known
        run = self._make_run(child.name, {"mlflow.parentRunId": self._run})
        self._write(run, params=child.facts)
        self.notes.keep(key, run)
        return run

    def _make_run(self, name: str, tags: dict[str, str]) -> str:
        return str(self._client.create_run(self._experiment_id, tags=tags, run_name=name).info.run_id)

    def _write(
        self, run: str, *, metrics: Mapping[str, float] | None = None, params: Mapping[str, Value] | None = None,
        tags: Mapping[str, str] | None = None, step: int = 0,
    ) -> None:  # fmt: skip
        from mlflow.entities import Metric, Param, RunTag

        now = int(1000 * time.time())
        self._client.log_batch(
            run,
            metrics=[Metric(name, value, now, step) for name, value in (metrics or {}).items()],
            params=[Param(name, str(value)) for name, value in (params or {}).items()],
            tags=[RunTag(name, value[:_LONGEST]) for name, value in (tags or {}).items()],
        )
