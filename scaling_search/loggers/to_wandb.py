"""Weights & Biases: each trial is a run, and the search one beside them, in one group."""

import os
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any, ClassVar, Literal, cast

from scaling_search.evidence import Reading, Status
from scaling_search.loggers import facts
from scaling_search.loggers.facts import Value
from scaling_search.loggers.tracker import Child, Tracker

PROJECT, SEARCH = "scaling-search", "search"


class WandB(Tracker):
    """Into RUN/wandb/ on this machine, until `wandb sync --include-offline RUN/wandb/offline-run-*` sends it on;
    WANDB_MODE=online sends it at once.

    Args:
        project: its name; $WANDB_PROJECT goes before the default.
    """

    name: ClassVar[str] = "wandb"
    needs: ClassVar[tuple[str, ...]] = ("wandb",)

    def __init__(self, project: str | None = None) -> None:
        super().__init__()
        self.project = project or os.environ.get("WANDB_PROJECT") or PROJECT
        self._runs: dict[str, Any] = {}

    def begin(self) -> None:
        """The run of the search."""
        record = self.begun.record
        self._run(SEARCH, {**facts.of_run(record), **facts.about_run(record)})

    def log(self, child: Child, reading: Reading, values: dict[str, float]) -> None:
        """One step, which is the epoch."""
        self._run(child.name, child.facts).log(values, step=reading.epoch)

    def rest(self, child: Child, status: Status, reason: str) -> None:
        """Ends the trial's run; one that is trained further goes on under the same id."""
        run = self._run(child.name, child.facts)
        run.summary.update({"status": status, **({"reason": reason} if reason else {})})
        del self._runs[child.name]
        run.finish(exit_code=1 if status == "failed" else 0)

    def answer(self, numbers: dict[str, float], words: dict[str, str]) -> None:
        """The summary of the search's run."""
        self._search().summary.update({**numbers, **words})

    def end(self, figures: Sequence[Path], files: Sequence[Path]) -> None:
        """Figures as images, and the page; all runs are finished, and their files whole."""
        import wandb

        shown: dict[str, Any] = {f"figures/{path.stem}": wandb.Image(str(path)) for path in figures}
        for path in files:
            if path.name == "report.html":
                shown["report"] = wandb.Html(str(path), inject=False)
        if shown:
            self._search().log(shown)
        for one in self._runs.values():
            one.finish()
        self._runs = {}
        if wandb.setup().most_recent_active_run is None:  # a person's own would be finished too
            wandb.teardown()  # `finish` only asks the service to write; this waits until it has

    def _search(self) -> Any:
        return self._run(SEARCH, {})

    def _run(self, name: str, config: dict[str, Value]) -> Any:
        if name not in self._runs:
            self._runs[name] = self._init(name, config)
        return self._runs[name]

    def _init(self, name: str, config: dict[str, Value]) -> Any:
        import wandb

        mode = cast(Literal["online", "offline", "disabled"], os.environ.get("WANDB_MODE") or "offline")
        known = self.notes.get(f"run {name}")
        if known is None:
            known = token_hex(4)
            self.notes.keep(f"run {name}", known)
        return wandb.init(
            project=self.project, group=self.run_name, name=f"{self.run_name}/{name}", id=known, config=config,
            job_type="search" if name == SEARCH else "trial", dir=str(self.begun.folder), mode=mode,
            resume="allow" if mode == "online" else None, reinit="create_new",
            settings=wandb.Settings(silent=True, console="off", disable_git=True, save_code=False),
        )  # fmt: skip
