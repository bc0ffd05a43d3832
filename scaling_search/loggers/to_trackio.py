"""trackio: each trial is a run, and the search one beside them, in one group of a project."""

import os
from collections.abc import Sequence
from contextlib import redirect_stdout
from contextvars import Context
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

from scaling_search.evidence import Reading, Status
from scaling_search.loggers import facts
from scaling_search.loggers.facts import Value
from scaling_search.loggers.tracker import Child, Tracker

PROJECT, SEARCH = "scaling-search", "search"
_ELSEWHERE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL")


class Trackio(Tracker):
    """Where trackio keeps things ($TRACKIO_DIR, else beside Hugging Face's cache), or on the Space or server of its own
    variables TRACKIO_SPACE_ID and TRACKIO_SERVER_URL. Look at it with `trackio show --project scaling-search`.

    Args:
        project: its name; $TRACKIO_PROJECT goes before the default.
    """

    name: ClassVar[str] = "trackio"
    needs: ClassVar[tuple[str, ...]] = ("trackio",)

    def __init__(self, project: str | None = None) -> None:
        super().__init__()
        self.project = project or os.environ.get("TRACKIO_PROJECT") or PROJECT
        self._runs: dict[str, Any] = {}
        self._group = ""

    def begin(self) -> None:
        """The run of the search, with what the search is as text."""
        import trackio

        self._group = self.notes.get("group") or self._free_group()
        if "group" in self.notes:
            return
        record = self.begun.record
        known = {**facts.of_run(record), **facts.about_run(record)}
        self._log(SEARCH, known, {"about": trackio.Markdown(facts.as_markdown(known))})
        self.notes.keep("group", self._group)

    def log(self, child: Child, reading: Reading, values: dict[str, float]) -> None:
        """One step, which is the epoch."""
        self._log(child.name, child.facts, values, step=reading.epoch)

    def rest(self, child: Child, status: Status, reason: str) -> None:
        """Ends the trial's run, with an alert where it failed; one that is trained further goes on under its name."""
        import trackio

        if status == "failed":
            with redirect_stdout(StringIO()):
                self._run(child.name, child.facts).alert(
                    f"{child.name} failed", reason or None, level=trackio.AlertLevel.ERROR
                )
        self._finish(child.name)

    def answer(self, numbers: dict[str, float], words: dict[str, str]) -> None:
        """Numbers, and all of it as text, in the search's run."""
        import trackio

        text = trackio.Markdown(facts.as_markdown({**words, **numbers}))
        self._log(SEARCH, {}, {**{f"answer/{name}": value for name, value in numbers.items()}, "answer": text})

    def end(self, figures: Sequence[Path], files: Sequence[Path]) -> None:
        """Figures as images, and the page; all runs are finished."""
        import trackio

        shown: dict[str, Any] = {f"figures/{path.stem}": trackio.Image(str(path)) for path in figures}
        for path in files:
            if path.name == "report.html":
                shown["report"] = trackio.Html(path, inject=False)
        if shown:
            self._log(SEARCH, {}, shown)
        for name in list(self._runs):
            self._finish(name)

    def _log(self, name: str, config: dict[str, Value], values: dict[str, Any], *, step: int | None = None) -> None:
        self._run(name, config).log(values, step=step)

    def _finish(self, name: str) -> None:
        """Waits until all is kept."""
        if name in self._runs:
            with redirect_stdout(StringIO()):
                self._runs.pop(name).finish()

    def _run(self, name: str, config: dict[str, Value]) -> Any:
        """The run of that name, opened in a context of its own: `init` ends the run that it finds in its context."""
        import trackio

        if name not in self._runs:
            with redirect_stdout(StringIO()):
                self._runs[name] = Context().run(
                    trackio.init, self.project, name=f"{self._group}-{name}", group=self._group, config=dict(config),
                    resume="allow", embed=False, auto_log_gpu=False, auto_log_cpu=False,
                )  # fmt: skip
        return self._runs[name]

    def _free_group(self) -> str:
        """The folder's name; with the run's begin, where another run has that name or that cannot be seen from here."""
        import trackio

        try:
            names = {run.name for run in trackio.Api().runs(self.project)}
        except ValueError:  # there is no such project yet
            names = set()
        name = self.run_name
        elsewhere = any(os.environ.get(variable) for variable in _ELSEWHERE)
        return f"{name} {self.begun.record.started}" if elsewhere or f"{name}-{SEARCH}" in names else name
