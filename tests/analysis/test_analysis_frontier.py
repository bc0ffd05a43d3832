import numpy as np
import pandas as pd

from scaling_search.analysis import frontier


def table(rows: list[tuple[float, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["macs", "top1"])


def test_frontier_by_hand() -> None:
    models = table([(3, 0.7), (1, 0.5), (2, 0.6), (2, 0.65), (4, 0.7), (5, 0.69), (6, 0.8)])
    assert frontier(models).to_numpy().tolist() == [[1, 0.5], [2, 0.65], [3, 0.7], [6, 0.8]]


def test_of_equal_rows_the_first_is_kept() -> None:
    assert list(frontier(table([(1, 0.5), (1, 0.5)])).index) == [0]


def test_rows_without_a_number_are_left_out() -> None:
    assert list(frontier(table([(1, np.nan), (2, 0.5)])).index) == [1]
    assert frontier(table([])).empty


def test_nothing_on_the_frontier_is_dominated_and_all_else_is() -> None:
    random = np.random.default_rng(0)
    models = table([tuple(row) for row in random.integers(0, 12, (200, 2)).astype(float)])
    front = frontier(models).to_numpy()
    values = models.to_numpy()

    def dominated(row: np.ndarray) -> bool:
        better = (values[:, 0] <= row[0]) & (values[:, 1] >= row[1]) & (values != row).any(axis=1)
        return bool(better.any())

    assert not any(dominated(row) for row in front)
    members = {tuple(row) for row in front}
    assert all(dominated(row) for row in values if tuple(row) not in members)


def test_other_columns_can_be_compared() -> None:
    models = pd.DataFrame({"activations": [1, 2], "val_accuracy": [0.9, 0.8]})
    assert list(frontier(models, cost="activations", value="val_accuracy").index) == [0]
