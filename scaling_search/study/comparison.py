"""A comparison as an object: each dimension alone against compound divisions, planned, run and resumed as a search is.

found = ss.compare("mobilenet_v2", "photos/", phi=2, budget="10m")
found.sentence, found.table
"""

import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack

import pandas as pd

from scaling_search.analysis.comparison import Compared, compare_trials, to_dict
from scaling_search.analysis.wording import percent, points
from scaling_search.coefficients import PAPER, REFERENCES, Coefficients
from scaling_search.configuration import to_yaml
from scaling_search.errors import InvalidInput
from scaling_search.files import write_atomically
from scaling_search.search.executors import Executor, Train, train_trial
from scaling_search.search.folder import RECORD, RunFolder
from scaling_search.search.listener import Listener
from scaling_search.search.record import RunRecord
from scaling_search.strategies import Compare, Compound
from scaling_search.strategies.compare import AXES, Axis
from scaling_search.study.answer import read_answer
from scaling_search.study.options import ExecutorName, StudyOptions
from scaling_search.study.preparation import Prepared
from scaling_search.study.reading import read_trials
from scaling_search.study.study import Study

if TYPE_CHECKING:
    from scaling_search.study.dataset import Data
    from scaling_search.study.network import NetworkLike

COMPARISON = "comparison.yaml"
_HEADER = (
    "# What a comparison found; written by `scaling-search compare` (docs/compare.md). Accuracies are fractions, "
    "intervals hold 95 %.\n"
)


@dataclass(frozen=True, repr=False)
class CompareAnswer:
    """What a comparison found, with its doubt.

    Attributes:
        found: every number behind it.
        folder: where it was written.
    """

    found: Compared
    folder: Path

    @property
    def kind(self) -> str:
        """«better», «worse», «not told apart» or «one seed»: the first compound against the best single dimension."""
        return self.found.kind

    @property
    def sentence(self) -> str:
        return self.found.sentence

    @property
    def table(self) -> pd.DataFrame:
        """A row for each trained network, indexed by candidate."""
        return self.found.table

    def lines(self) -> list[str]:
        """The verdict, and what was compared, best first."""
        head = f"{'':<24}{'top-1':<16}{'MACs':<8}{'pixels':<8}{'over the unscaled (95 %)':<28}as built (d / w / r)"
        return [self.sentence, "", head, *map(_line, self.found.compared.to_dict("records")), *self._unscaled(), "",
                *(_difference(one.first, one.second, one.difference, one.low, one.high)
                  for one in self.found.differences)]  # fmt: skip

    def _unscaled(self) -> list[str]:
        return [_line(row) for row in self.table[self.table["division"] == "unscaled"].to_dict("records")]

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        return f"<p>{self.sentence}</p>{self.table.drop(columns='named').to_html(float_format='{:.4g}'.format)}"


class Comparison:
    """A comparison in a folder.

    Args:
        baseline, data, executor, folder: as of `Study`.
        axes: the dimensions that are scaled alone.
        coefficients: (α, β, γ) of a compound division; it is then what the comparison is about.
        run: the folder of a search, whose pick is compared; without coefficients it is about that.
        steps: costs at which each dimension alone is trained, the largest being 2^φ; None: as the budget allows.
        options: see `Options`; phi is 2 unless said otherwise, and those of a search's strategy are refused, but seeds
            and epochs.

    Raises:
        InvalidInput: something that was asked for cannot be done; the message says what would work.
    """

    def __init__(
        self,
        baseline: "NetworkLike" = "b0",
        data: "Data" = None,
        *,
        axes: Sequence[str] = AXES,
        coefficients: Sequence[float] | Coefficients | None = None,
        run: str | Path | None = None,
        steps: int | None = None,
        executor: Executor | ExecutorName | None = None,
        folder: str | Path | None = None,
        **options: Unpack[StudyOptions],
    ) -> None:
        phi = options.setdefault("phi", 2.0)
        if phi <= 0:
            raise InvalidInput(f"a comparison adds compute: φ is above 0, not {phi:g}")
        strategy = Compare(
            axes=_axes(axes),
            compounds=_compounds(coefficients, None if run is None else Path(run)),
            steps=steps,
            seeds=options.pop("seeds", None),
            epochs=options.pop("epochs", None),
        )
        options["leverage"] = options.get("leverage") or 2.0**phi
        self.study = Study(baseline, data, strategy=strategy, executor=executor, folder=folder, **options)

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """A comparison that was begun, to be run to its end or looked at.

        Raises:
            InvalidInput: the folder is not a comparison.
        """
        _strategy_of(RunFolder(Path(folder)).record(), Path(folder))
        return cls.of(Study.open(folder))

    @classmethod
    def of(cls, study: Study) -> Self:
        """The comparison that a study of one is."""
        comparison = cls.__new__(cls)
        comparison.study = study
        return comparison

    def plan(self, budget: str | float | None = None, *, listeners: Sequence[Listener] = ()) -> Prepared:
        """Packs the data, measures the speed and makes the plan; trains nothing. See `Study.plan`."""
        return self.study.plan(budget, listeners=listeners)

    def run(self, listeners: Sequence[Listener] = (), *, train: Train = train_trial) -> bool:
        """Trains what is missing; True when nothing is missing at the end. See `Study.run`."""
        return self.study.run(listeners, train=train)

    def analyze(self) -> CompareAnswer:
        """What is there so far, written into the folder: comparison.yaml and figures/.

        Raises:
            InvalidInput: nothing that could be compared has finished.
        """
        if self.folder is None or not (self.folder / RECORD).exists():
            raise InvalidInput("nothing has been trained yet: call run() first")
        return write_comparison(RunFolder(self.folder))

    @property
    def folder(self) -> Path | None:
        """Where it lies; None before it has begun and where no folder was named."""
        return self.study.folder


def compare(
    baseline: "NetworkLike" = "b0",
    data: "Data" = None,
    *,
    axes: Sequence[str] = AXES,
    coefficients: Sequence[float] | Coefficients | None = None,
    run: str | Path | None = None,
    steps: int | None = None,
    executor: Executor | ExecutorName | None = None,
    folder: str | Path | None = None,
    listeners: Sequence[Listener] = (),
    **options: Unpack[StudyOptions],
) -> CompareAnswer:
    """Plans, runs and analyses a comparison; the arguments are those of `Comparison`.

    Raises:
        InvalidInput: something that was asked for cannot be done, or nothing was trained to its end.
    """
    comparison = Comparison(
        baseline, data, axes=axes, coefficients=coefficients, run=run, steps=steps,
        executor=executor, folder=folder, **options,
    )  # fmt: skip
    if not comparison.run(listeners) and (reason := comparison.study.shortfall()):
        warnings.warn(f"{reason}; ss.Comparison.open({str(comparison.folder)!r}).run() goes on", stacklevel=2)
    return comparison.analyze()


def read_comparison(folder: RunFolder) -> CompareAnswer:
    """What a comparison has measured so far. Writes nothing.

    Raises:
        InvalidInput: the folder is not a comparison, or nothing that could be compared has finished.
    """
    record = folder.record()
    strategy = _strategy_of(record, folder.path)
    base = {"macs": record.base.macs, "params": record.base.params, "pixels": int(record.base.network["resolution"])}
    found = compare_trials(read_trials(folder), base=dict(base), headline=strategy.compounds[0].name)
    return CompareAnswer(found, folder.path)


def write_comparison(folder: RunFolder) -> CompareAnswer:
    """The same, written into the folder: comparison.yaml, comparison.csv and two figures."""
    from scaling_search.report.bars import compared
    from scaling_search.report.saturation import saturation

    answer = read_comparison(folder)
    write_atomically(folder.path / COMPARISON, _HEADER + to_yaml(to_dict(answer.found)))
    table = answer.table.drop(columns="named")
    write_atomically(folder.path / "comparison.csv", table.to_csv())
    figures = folder.path / "figures"
    figures.mkdir(exist_ok=True)
    for plot in (saturation(answer.found), compared(answer.found)):
        plot.write(figures)
    return answer


def _strategy_of(record: RunRecord, folder: Path) -> Compare:
    strategy = record.make_strategy() if record.compares else None
    if not isinstance(strategy, Compare):
        raise InvalidInput(f"{folder} is a search, not a comparison: `scaling-search analyze {folder}` reads it")
    return strategy


def _axes(names: Sequence[str]) -> tuple[Axis, ...]:
    wrong = [name for name in names if name not in AXES]
    if wrong or not names:
        raise InvalidInput(f"axes are among {', '.join(AXES)}, not {', '.join(wrong) or 'none'}")
    return tuple(axis for axis in AXES if axis in names)


def _compounds(coefficients: Sequence[float] | Coefficients | None, run: Path | None) -> tuple[Compound, ...]:
    """What is compared with the dimensions alone; the first one is what the comparison is about."""
    found: dict[str, Coefficients] = {}
    if coefficients is not None:
        found["given"] = _triple(coefficients)
    if run is not None:
        record = RunFolder(run).record()
        if record.compares:
            raise InvalidInput(f"{run} is a comparison, which has no pick; name the folder of a search")
        found["pick"] = read_answer(RunFolder(run)).pick.coefficients
    found |= {"paper": PAPER, "uniform": REFERENCES["uniform"].coefficients()}
    return tuple(
        Compound(name=name, alpha=max(1.0, one.alpha), beta=max(1.0, one.beta), gamma=max(1.0, one.gamma))
        for name, one in found.items()
    )


def _triple(coefficients: Sequence[float] | Coefficients) -> Coefficients:
    if isinstance(coefficients, Coefficients):
        return coefficients
    if len(coefficients) != 3:
        raise InvalidInput(f"coefficients are α, β and γ, not {len(coefficients)} numbers")
    found = Coefficients(alpha=coefficients[0], beta=coefficients[1], gamma=coefficients[2])
    found.shares()  # raises where nothing is added
    return found


def _line(row: Mapping[Hashable, Any]) -> str:
    """A network of the table in a line."""
    values = dict(row)
    gain = (
        _interval(values["gain"], values["gain_low"], values["gain_high"]) if values["division"] != "unscaled" else ""
    )
    shares = [values[f"share_{axis}"] for axis in AXES]
    built = " / ".join(f"{100 * share:.0f}" for share in shares) if not pd.isna(shares).any() else "nothing added"
    reached = percent(values["top1"], values["top1_se"])
    return f"{values['division']:<24}{reached:<16}{values['macs_ratio']:<8.3g}{values['pixels']:<8}{gain:<28}{built}"


def _difference(first: str, second: str, apart: float, low: float, high: float) -> str:
    return f"{f'{first} over {second}':<28}{_interval(apart, low, high)}"


def _interval(value: float, low: float, high: float) -> str:
    sure = "" if pd.isna(low) else f" ({points(low)} to {points(high)})"
    return f"{points(value)}{sure}"
