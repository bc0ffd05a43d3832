"""The answer of a search, as an object; and what is written of it into the run folder."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal

import pandas as pd

from scaling_search.analysis import Analysis, analyze, summary_lines, write_best
from scaling_search.analysis.decision import Pick
from scaling_search.analysis.metric import Name
from scaling_search.analysis.verdict import Verdict
from scaling_search.architecture.family import Member, by_rule
from scaling_search.errors import InvalidInput
from scaling_search.report import write_report
from scaling_search.search.counts import count_record
from scaling_search.search.folder import RunFolder
from scaling_search.search.record import RunRecord
from scaling_search.search.verification import OwnGrowth, read_verification
from scaling_search.study.family import write_family
from scaling_search.study.network import FamilyMember, ScalableNetwork
from scaling_search.study.reading import read_trials


@dataclass(frozen=True, repr=False)
class Answer:
    """What a search found, with its doubt.

    Attributes:
        analysis: every number behind it.
        baseline: the network that was scaled, at full size.
        folder: where it was written.
    """

    analysis: Analysis
    baseline: ScalableNetwork
    folder: Path

    @property
    def verdict(self) -> Verdict:
        """How sure it is: a kind and a sentence."""
        return self.analysis.verdict

    @property
    def pick(self) -> Pick:
        """The division to build the family from; its `coefficients` are (α, β, γ)."""
        return self.analysis.pick

    @property
    def table(self) -> pd.DataFrame:
        """A row for each candidate that was judged, indexed by candidate."""
        return self.analysis.table

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know before believing the answer."""
        return self.analysis.warnings

    def family(self, phis: Iterable[float] | None = None) -> list[FamilyMember]:
        """The baseline scaled by the pick's coefficients, one network for each φ; None: those that are written."""
        return self.baseline.family(self.pick.coefficients, self.levels if phis is None else phis)

    @property
    def levels(self) -> tuple[int, ...]:
        """φ of the members that are written: 1 … 7, or −1 … −3 where compute is saved."""
        return RunFolder(self.folder).record().question.levels

    @property
    def own_growth(self) -> OwnGrowth | None:
        """What the pick loses at the growth that was asked for, 2^φ; None where no such networks were trained."""
        verified = read_verification(self.folder)
        return None if verified is None else verified.transfer.own_growth

    def __repr__(self) -> str:
        own = self.own_growth
        tried = () if own is None else ("", f"{own.sentence.capitalize()}.")
        return "\n".join((*summary_lines(self.analysis), *tried))

    def _repr_html_(self) -> str:
        warnings = "".join(f"<li>{escape(warning)}</li>" for warning in self.warnings)
        table = self.analysis.references().to_html(float_format="{:.4g}".format)
        return f"<p>{escape(self.verdict.sentence)}</p>{table}<ul>{warnings}</ul>"


def read_answer(folder: RunFolder, *, epsilon: float | None = None, metric: Literal["auto"] | Name = "auto") -> Answer:
    """The answer of what a run has measured so far. Writes nothing.

    Args:
        epsilon: loss of accuracy, as a fraction, that does not matter; None: what the run was asked with.

    Raises:
        InvalidInput: the folder is not a run, or no trial has finished.
    """
    record = folder.record()
    if record.seeks:
        raise InvalidInput(
            f"{folder.path} is a search for a baseline, which divides nothing: `scaling-search analyze` reads it"
        )
    epsilon = record.question.epsilon if epsilon is None else epsilon
    analysis = analyze(read_trials(folder), epsilon=epsilon, metric=metric)
    return Answer(analysis, ScalableNetwork(record.full_network()), folder.path)


def write_answer(folder: RunFolder, *, epsilon: float | None = None, metric: Literal["auto"] | Name = "auto") -> Answer:
    """The same, with all that follows from it written into the folder: best.yaml, the family, figures, the page."""
    record, answer = folder.record(), read_answer(folder, epsilon=epsilon, metric=metric)
    write_best(folder.path, answer.analysis)
    members = by_rule(answer.baseline.network, answer.pick.coefficients, record.question.levels)
    write_family(folder.family, members)
    record = with_count(record, members[0].name.lower(), members[0])
    folder.write_record(record)
    write_report(folder.path, answer.analysis, record)
    return answer


def rewrite_report(folder: RunFolder) -> Path:
    """Draws the figures and writes report.html again from what is in the folder; returns its path."""
    return write_report(folder.path, read_answer(folder).analysis, folder.record())


def with_count(record: RunRecord, name: str, member: Member) -> RunRecord:
    """The record with the pick's first network counted by an independent witness, unless that was done before."""
    if any(count.network == name and count.ours == member.cost.macs for count in record.counts):
        return record
    others = tuple(count for count in record.counts if count.network != name)
    return record.model_copy(update={"counts": (*others, count_record(name, member.network))})
