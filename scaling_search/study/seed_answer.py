"""What a search for a baseline has found, and what is written of it: mine.yaml, baseline.yaml, figures, a page."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from scaling_search.analysis.seeds import Final, Ranked, last_round, plain, rank
from scaling_search.analysis.wording import count, percent, points
from scaling_search.architecture import Architecture
from scaling_search.configuration import to_yaml
from scaling_search.errors import InvalidInput
from scaling_search.files import write_atomically
from scaling_search.search.folder import RECORD, RunFolder
from scaling_search.search.record import RunRecord
from scaling_search.search.searchspace import load
from scaling_search.search.staged import FOUND, Seeking
from scaling_search.search.table import read_table
from scaling_search.study.finals import FOLDER, RIVALS
from scaling_search.study.network import ScalableNetwork
from scaling_search.study.reading import read_trials
from scaling_search.units import format_count

if TYPE_CHECKING:
    from scaling_search.report.baseline_page import BaselinePage

MINE = "mine.yaml"
_HEADER = (
    "# What a search for a baseline found; written by `scaling-search baseline` (docs/baseline.md). Accuracies are "
    "fractions, intervals hold 95 %.\n"
)


@dataclass(frozen=True, repr=False)
class BaselineAnswer:
    """What a search for a baseline found, with its doubt.

    Attributes:
        ranked: the candidates of the search, best reward first.
        final: the last round with fresh seeds; None while nothing of it has finished.
        network: the pick at full size.
        seeking: what was searched.
        folder: where it was written.
    """

    ranked: Ranked
    final: Final | None
    network: Architecture
    seeking: Seeking
    folder: Path

    @property
    def baseline(self) -> ScalableNetwork:
        """The pick, to be scaled, costed, built; `load` of mine.yaml gives it again."""
        return ScalableNetwork(self.network)

    @property
    def kind(self) -> str:
        """«better», «worse», «not told apart» or «one seed»: the pick against B0 at its cost; «open» before that."""
        return self.final.kind if self.final else "open"

    @property
    def sentence(self) -> str:
        """What was found, in two or three sentences."""
        return f"{self.found} {self.judged}"

    @property
    def found(self) -> str:
        """What the search says of its pick."""
        best, macs = self.ranked.table.iloc[0], self.network.cost().macs
        return (
            f"The best reward of {count(len(self.ranked.table), 'network')} has {best.name}: "
            f"{percent(best['top1'])} after {count(self.ranked.epochs, 'epoch')}; at full size it has "
            f"{format_count(macs)} multiply-adds, {macs / self.seeking.target:.2f} of the target."
        )

    @property
    def judged(self) -> str:
        """What fresh seeds say of it."""
        return self.final.sentence if self.final else "Fresh seeds have not judged it yet."

    @property
    def table(self) -> pd.DataFrame:
        """A row for each candidate that was trained to the end, best reward first."""
        return self.ranked.table

    def lines(self) -> list[str]:
        """The verdict and the best few; then the last round."""
        head = f"{'':<16}{'top-1':<16}{'reward':<9}{'MACs':<10}{'trained':<10}network"
        shown = [*map(_line, self.ranked.table.head(8).reset_index().to_dict("records"))]
        if self.final is None:
            return [self.sentence, "", head, *shown]
        last = self.final.table.reset_index().to_dict("records")
        named = [_line({**row, "candidate": " = ".join(row["named"])}) for row in last]
        apart = [
            f"pick over {one.second:<14}{points(one.difference)}"
            + ("" if pd.isna(one.low) else f" ({points(one.low)} to {points(one.high)})")
            for one in self.final.differences
        ]
        again = f"again, {count(self.final.epochs, 'epoch')} with fresh seeds, at the cost of the pick:"
        return [self.sentence, "", head, *shown, "", again, *named, "", *apart]

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        return f"<p>{self.sentence}</p>{self.table.drop(columns='named').to_html(float_format='{:.4g}'.format)}"


def read_baseline(folder: RunFolder) -> BaselineAnswer:
    """What a search for a baseline has measured so far. Writes nothing.

    Raises:
        InvalidInput: the folder is no such search, or nothing has finished in it.
    """
    record = folder.record()
    seeking = seeking_of(record, folder.path)
    ranked = rank(read_trials(folder), seeking.goal.reward)
    known = {one.id: one for one in read_table(folder.candidates, record.base_network())}
    network = seeking.space.build(known[str(ranked.table.index[0])].choices)
    return BaselineAnswer(ranked, _final(folder, seeking), network.replaced(name="mine"), seeking, folder.path)


def write_baseline(folder: RunFolder) -> BaselineAnswer:
    """The same, written into the folder: mine.yaml, baseline.yaml, baseline.csv, figures and report.html."""
    answer = read_baseline(folder)
    write_atomically(folder.path / MINE, mine(answer, folder.record()))
    load(str(folder.path / MINE))  # what is handed on can be opened
    write_atomically(folder.path / FOUND, _HEADER + to_yaml(to_dict(answer)))
    write_atomically(folder.path / "baseline.csv", answer.table.drop(columns="named").to_csv())
    baseline_page(folder, answer).write()
    return answer


def baseline_page(folder: RunFolder, answer: BaselineAnswer) -> "BaselinePage":
    """The page of what was found."""
    from scaling_search.report.baseline_page import BaselinePage

    return BaselinePage(
        run=folder.path, record=folder.record(), seeking=answer.seeking, ranked=answer.ranked, final=answer.final,
        network=answer.network, sentences=(answer.judged, answer.found), failed=read_trials(folder).failed,
    )  # fmt: skip


def mine(answer: BaselineAnswer, record: RunRecord) -> str:
    """The pick as the file of a baseline, which every command takes."""
    cost, network = answer.network.cost(), answer.network.to_dict()
    network.pop("name")
    content = {
        "name": "mine",
        "source": f"found by scaling-search in {answer.seeking.space.name}",
        "baseline": {**{key: value for key, value in network.items() if key != "stages"}, "stages": network["stages"]},
        "proxy": answer.seeking.space.proxy.model_dump(mode="json", exclude_defaults=True),
    }
    head = (
        f"# A baseline that was searched for in {answer.seeking.space.name}, on {record.data.name}.\n#\n"
        "#   scaling-search run --baseline mine.yaml --phi 1\n#   scaling-search cost mine.yaml --per-stage\n#\n"
        f"# {cost.params:,} parameters, {cost.macs:,} multiply-adds at {answer.network.resolution} px.\n\n"
    )
    return head + to_yaml(content)


def to_dict(answer: BaselineAnswer) -> dict[str, Any]:
    """The content of baseline.yaml."""
    seeking, final = answer.seeking, answer.final
    return {
        "version": 1,
        "verdict": answer.kind,
        "sentence": answer.sentence,
        "target": {"macs": seeking.target, **seeking.goal.model_dump(mode="json", exclude={"target"})},
        "epochs": answer.ranked.epochs,
        "tried": answer.ranked.tried,
        "networks": _rows(answer.ranked.table),
        "finals": None
        if final is None
        else {
            "epochs": final.epochs,
            "differences": [plain(asdict(one)) for one in final.differences],
            "networks": _rows(final.table),
        },
    }


def seeking_of(record: RunRecord, folder: Path) -> Seeking:
    """What the run searches for.

    Raises:
        InvalidInput: it searches divisions, or compares.
    """
    if record.seeking is None:
        raise InvalidInput(f"{folder} is no search for a baseline")
    return record.seeking


def _final(folder: RunFolder, seeking: Seeking) -> Final | None:
    """The last round, as far as it has come."""
    last = RunFolder(folder.path / FOLDER)
    if not (last.path / RECORD).is_file():
        return None
    try:
        return last_round(read_trials(last), seeking.goal.reward, RIVALS)
    except InvalidInput:  # nothing that could be compared has finished
        return None


def _rows(table: pd.DataFrame) -> list[dict[str, object]]:
    return [plain({str(key): value for key, value in row.items()}) for row in table.reset_index().to_dict("records")]


def _line(row: Mapping[Any, Any]) -> str:
    full, small = format_count(row["full_macs"]), format_count(row["macs"])
    return (
        f"{row['candidate']:<16}{percent(row['top1'], row['top1_se']):<16}{row['reward']:<9.4f}"
        f"{full:<10}{small:<10}{row['full_network']}"
    )
