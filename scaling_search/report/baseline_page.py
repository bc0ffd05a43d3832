"""report.html of a search for a baseline: the verdict, all candidates over their cost, the last round, the pick."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from scaling_search.analysis.seeds import PICK, Final, Ranked
from scaling_search.analysis.wording import count, percent, points
from scaling_search.architecture import Architecture
from scaling_search.files import write_atomically
from scaling_search.report import rewards
from scaling_search.report.figure import Plot, rows
from scaling_search.report.frame import records, render
from scaling_search.report.web import rewards as drawn
from scaling_search.report.web.drawn import Drawn, files_of
from scaling_search.report.web.facts import to_json
from scaling_search.search.record import RunRecord
from scaling_search.search.staged import Seeking
from scaling_search.units import format_count

_LABELS = (
    "accuracy measured", "reward", "multiply-adds at full size", "parameters at full size", "multiply-adds as trained",
)  # fmt: skip
_FIRST = ("block", "layers", "channels", "stride", "kernel", "expansion", "se", "skip")
"""Of a stage's options, in this order; what else is asked comes after."""


@dataclass(frozen=True, kw_only=True)
class BaselinePage:
    """The page of a search for a baseline.

    Attributes:
        run: its folder.
        ranked: what the search has found.
        final: its last round, as far as it has come.
        network: the pick at full size.
        sentences: what fresh seeds say, and what the search has found.
        failed: trials that could not be trained, with the reason of each.
    """

    run: Path
    record: RunRecord
    seeking: Seeking
    ranked: Ranked
    final: Final | None
    network: Architecture
    sentences: tuple[str, str]
    failed: pd.DataFrame

    def write(self) -> Path:
        """Writes figures/ (each as png, svg and csv) and report.html into the folder; returns the page's path."""
        folder = self.run / "figures"
        folder.mkdir(exist_ok=True)
        self._rewards().write(folder)
        if self.final:
            rewards.finals(self.final).write(folder)
        path = self.run / "report.html"
        write_atomically(path, self.html())
        return path

    def html(self) -> str:
        """The page; it links to the files that lie in the folder."""
        final = self.final
        stages = [stage.model_dump(mode="json", exclude_none=True) for stage in self.network.stages]
        shown = {*_FIRST, *(question.option for question in self.seeking.space.questions)}
        return render(
            "baseline.html.j2",
            self.run,
            self.record,
            heading="A baseline that was searched for",
            title=f"{self.seeking.space.name}, {format_count(self.seeking.target)} multiply-adds, on "
            f"{self.record.data.name}",
            kind=final.kind if final else "",
            sentences=self.sentences,
            numbers=self._numbers(),
            marked=to_json(_LABELS, _values(self.ranked.table) | (_values(_named(final.table)) if final else {})),
            figures=self._figures(),
            epochs=self.ranked.epochs,
            finals=_finals(final) if final else [],
            final_epochs=final.epochs if final else 0,
            network=self.network,
            stages=stages,
            options=sorted({option for stage in stages for option in stage} & shown, key=_place),
            candidates=records(self.ranked.table),
            target=self.seeking.target,
            failed=records(self.failed),
        )

    def _rewards(self) -> Plot:
        goal = self.seeking.goal
        return rewards.rewards(self.ranked, goal.factor, target=goal.target, epochs=self.ranked.epochs)

    def _numbers(self) -> list[tuple[str, str]]:
        """What the page opens with: accuracy, difference, cost, size."""
        network, cost = self.network, self.network.cost()
        part = cost.macs / self.seeking.target
        found = [
            (format_count(cost.macs), f"multiply-adds at full size, {part:.2f} times what was asked for"),
            (
                format_count(cost.params),
                f"parameters, with {network.classes} classes at {network.resolution} px",
            ),
        ]
        if self.final is None:
            best = self.ranked.table.iloc[0]
            stand_in = "accuracy of its small stand-in in the search (top-1), which chance has helped"
            return [(percent(best["top1"], best["top1_se"]), stand_in), *found]
        [pick] = [row for row in rows(self.final.table) if PICK in row.named]
        first = self.final.differences[0]
        between = "" if pd.isna(first.low) else f" (95 %: {points(first.low)} to {points(first.high)})"
        return [
            (percent(pick.top1, pick.top1_se), "accuracy of its small stand-in with fresh seeds (top-1)"),
            (f"{points(first.difference)} points", f"over {first.second} at equal cost{between}"),
            *found,
        ]

    def _figures(self) -> list[Drawn]:
        plot, seeking = self._rewards(), self.seeking
        figures = [
            Drawn(
                name=plot.name,
                title="All candidates, and lines of equal reward",
                drawing=drawn.draw(
                    plot.data, seeking.goal.factor, target=seeking.target, titles=_titles(self.ranked.table)
                ),
                caption=drawn.CAPTION.format(epochs=self.ranked.epochs),
                files=files_of(self.run, plot.name),
            )
        ]
        if self.final:
            last = rewards.finals(self.final)
            figures.append(
                Drawn(
                    name=last.name,
                    title="The last round",
                    drawing=drawn.draw_finals(last.data, _titles(_named(self.final.table))),
                    caption=last.caption,
                    files=files_of(self.run, last.name),
                )
            )
        return figures


def _finals(final: Final) -> list[dict[str, Any]]:
    """The rows of the last round, each with the difference of the pick against it, where there is one."""
    apart = {one.second: one for one in final.differences}
    return [
        {**row, "names": row["candidate"], "apart": next((apart[name] for name in row["named"] if name in apart), None)}
        for row in records(_named(final.table))
    ]


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """The table of the last round by the names of its networks: its ids are those of another run's candidates."""
    return table.set_index(pd.Index([" = ".join(names) for names in table["named"]], name="candidate"))


def _titles(table: pd.DataFrame) -> dict[str, str]:
    """One line of each candidate."""
    return {
        str(row.Index): f"{row.Index}: {percent(row.top1, row.top1_se)} at {format_count(row.full_macs)}, "
        f"reward {row.reward:.4f}"
        for row in rows(table)
    }


def _values(table: pd.DataFrame) -> dict[str, list[str]]:
    """What each candidate is called, and its numbers in the order of the labels."""
    return {
        str(row.Index): [
            str(row.Index), f"{percent(row.top1, row.top1_se)}, {count(int(row.seeds), 'seed')}", f"{row.reward:.4f}",
            format_count(row.full_macs), format_count(row.full_params), format_count(row.macs),
        ]
        for row in rows(table)
    }  # fmt: skip


def _place(option: str) -> tuple[int, str]:
    return (_FIRST.index(option) if option in _FIRST else len(_FIRST)), option
