"""What the commands share in a terminal: the console, and the table of candidates."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from scaling_search.search.space import Candidate

_PIPE = 10_000  # columns: a pipe cuts nothing
_WIDE = 140  # columns from which on the widths have room


def make_console(*, quiet: bool = False) -> Console:
    """A console that neither folds lines nor cuts tables where nobody reads along (a log, a pipe)."""
    terminal = sys.stdout.isatty()
    return Console(soft_wrap=not terminal, width=None if terminal else _PIPE, highlight=False, quiet=quiet)


def print_candidates(console: Console, found: "Sequence[Candidate]") -> None:
    """A row a candidate; the widths only where the terminal has room for them (candidates.csv always has them)."""
    from rich.table import Table

    wide = console.width >= _WIDE
    texts = {"", "depths", "widths", "named"}
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "α", "β", "γ", "pixels", "params", "MACs", "ratio", "depths", *(["widths"] * wide), "named"):
        table.add_column(name, justify="left" if name in texts else "right", no_wrap=name != "named")
    for item in found:
        asked, network = item.coefficients, item.network
        table.add_row(
            item.id,
            *(f"{value:.3f}" for value in (asked.alpha, asked.beta, asked.gamma)),
            str(network.resolution),
            f"{item.cost.params / 1e6:.2f}M",
            f"{item.cost.macs / 1e6:.1f}M",
            f"{item.macs_ratio:.3f}",
            "-".join(map(str, network.depths)),
            *(["-".join(map(str, network.widths))] * wide),
            " ".join(item.names),
        )
    console.print(table)
