"""An Optuna study in a storage: the trials of any strategy, for optuna-dashboard and Optuna's own plots."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading, Status
from scaling_search.loggers import facts
from scaling_search.loggers.tracker import Child, Tracker

if TYPE_CHECKING:
    import optuna

AXES = ("share_depth", "share_width", "share_resolution")
_MOST = 31
"""More answers than any question of a space of stages has."""


class OptunaStorage(Tracker):
    """A study that maximises top-1 over the shares, named as the run's folder. Proposals never depend on it.

    A trial's readings are its intermediate values, and its last top-1 its value. One that is paused stays «running»
    until the search ends; trained further after that, it is a trial anew, with all its readings.

    Args:
        storage: as Optuna takes it, «sqlite:///study.db».

    Raises:
        InvalidInput: the storage cannot be opened, or its URL holds a password, which the run's folder would keep.
    """

    name: ClassVar[str] = "optuna"

    def __init__(self, storage: str) -> None:
        super().__init__()
        self.storage = _absolute(storage)
        self._backend = _opened(self.storage)
        self._study: Any = None

    def begin(self) -> None:
        """The study, made or opened again."""
        import optuna

        record = self.begun.record
        name = self.notes.get("study") or self._free_name()
        self._study = optuna.create_study(
            study_name=name, storage=self._backend, direction="maximize", load_if_exists=True
        )
        self.notes.keep("storage", self.storage)
        if "study" not in self.notes:
            for key, value in {**facts.of_run(record), **facts.about_run(record)}.items():
                self._study.set_user_attr(key, value)
            self.notes.keep("study", name)

    def log(self, child: Child, reading: Reading, values: dict[str, float]) -> None:
        """Reports top-1; the other metrics of the newest epoch are user attributes."""
        import optuna

        trial = optuna.trial.Trial(self._study, self._number_of(child)._trial_id)
        if "top1" in values:
            trial.report(values["top1"], reading.epoch)
        for name, value in values.items():
            trial.set_user_attr(name, value)

    def rest(self, child: Child, status: Status, reason: str) -> None:
        """Ends a trial that is never trained again."""
        import optuna

        found = self._number_of(child)
        trial = optuna.trial.Trial(self._study, found._trial_id)
        trial.set_user_attr("status", status)
        if reason:
            trial.set_user_attr("reason", reason)
        if status != "paused":
            self._tell(found.number, status)

    def answer(self, numbers: dict[str, float], words: dict[str, str]) -> None:
        """User attributes of the study."""
        for name, value in {**numbers, **words}.items():
            self._study.set_user_attr(f"answer {name}", value)

    def end(self, figures: Sequence[Path], files: Sequence[Path]) -> None:
        """Paused trials are complete, until they are trained further. A storage keeps no files."""
        for trial in self._running():
            if trial.user_attrs.get("status") == "paused":
                self._tell(trial.number, "paused")

    def _running(self) -> "list[optuna.trial.FrozenTrial]":
        import optuna

        states = (optuna.trial.TrialState.RUNNING,)
        found: list[optuna.trial.FrozenTrial] = self._study.get_trials(deepcopy=False, states=states)
        return found

    def _number_of(self, child: Child) -> "optuna.trial.FrozenTrial":
        """The trial that is open for this one; made if there is none."""
        trial = self._find(child)
        if trial is None:
            self._study.add_trial(self._made(child))
            trial = self._find(child)
        assert trial is not None, "it has just been added"
        return trial

    def _find(self, child: Child) -> "optuna.trial.FrozenTrial | None":
        return next((one for one in self._running() if one.user_attrs.get("trial") == child.name), None)

    def _made(self, child: Child) -> "optuna.trial.FrozenTrial":
        """A running trial; with what is known already, where it was complete once and is trained further."""
        import optuna

        params, distributions = _parameters(child.facts)
        others = {name: value for name, value in child.facts.items() if name not in params}
        former = [one for one in self._study.get_trials(deepcopy=False) if one.user_attrs.get("trial") == child.name]
        known = former[-1].intermediate_values if former else {}
        return optuna.trial.create_trial(
            state=optuna.trial.TrialState.RUNNING, params=params, intermediate_values=dict(known),
            distributions=distributions,
            user_attrs={"trial": child.name, **others, **({"continues": former[-1].number} if former else {})},
        )  # fmt: skip

    def _tell(self, number: int, status: Status) -> None:
        import optuna

        states = optuna.trial.TrialState
        values = self._study.get_trials(deepcopy=False)[number].intermediate_values
        if status == "failed" or not values:
            self._study.tell(number, state=states.FAIL)
        elif status == "stopped":
            self._study.tell(number, state=states.PRUNED)
        else:
            self._study.tell(number, values[max(values)])

    def _free_name(self) -> str:
        """The folder's name; with the run's begin, where another run has that name."""
        import optuna

        taken = set(optuna.get_all_study_names(self._backend))
        name = self.run_name
        return f"{name} {self.begun.record.started}" if name in taken else name


def _opened(storage: str) -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if urlsplit(storage).password is not None:
        raise InvalidInput(
            "--optuna-storage with a password would be kept in the run's folder; give it by the database's own means"
        )
    try:
        return optuna.storages.get_storage(storage)
    except Exception as error:
        why = " ".join(str(error).split())[:200]
        raise InvalidInput(f"--optuna-storage {storage} cannot be opened ({why}); write sqlite:///study.db") from error


def _parameters(known: Mapping[str, facts.Value]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The shares, or the number of the answer to each question of a space of stages; and their distributions."""
    from optuna.distributions import FloatDistribution, IntDistribution

    if "choices" in known:
        answers = {f"question_{number}": int(text) for number, text in enumerate(str(known["choices"]).split("-"))}
        return answers, {name: IntDistribution(0, _MOST) for name in answers}
    shares = {axis: min(1.0, max(0.0, float(known[axis]))) for axis in AXES}
    return shares, {axis: FloatDistribution(0.0, 1.0) for axis in AXES}


def _absolute(storage: str) -> str:
    """A file of SQLite by its whole path: the run may be resumed from elsewhere."""
    scheme, found, path = storage.partition(":///")
    if scheme == "sqlite" and found and path and not path.startswith((":memory:", "/")):
        return f"{scheme}:///{Path(path).absolute()}"
    return storage
