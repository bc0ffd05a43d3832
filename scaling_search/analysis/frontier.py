"""The frontier: what no other candidate beats in both accuracy and cost."""

import pandas as pd


def frontier(table: pd.DataFrame, cost: str = "macs", value: str = "top1") -> pd.DataFrame:
    """The rows of table that are not dominated, cheapest first; of equal rows the first, rows without a number never.

    A row is dominated when another costs no more and is worth no less, and differs in one of the two.
    """
    ordered = table.dropna(subset=[cost, value]).sort_values([cost, value], ascending=[True, False], kind="stable")
    best_cheaper = ordered[value].cummax().shift(fill_value=float("-inf"))
    return ordered[ordered[value] > best_cheaper]
