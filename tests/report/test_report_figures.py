from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from planted_run import analyze_run, peak, plant, searched

from scaling_search.analysis import Analysis
from scaling_search.report.accuracy_cost import accuracy_cost
from scaling_search.report.curves import learning_curves
from scaling_search.report.figure import canvas
from scaling_search.report.imagenet import imagenet_frontier
from scaling_search.report.labels import Label, place, spread
from scaling_search.report.ranking import draw, ranking
from scaling_search.report.regret import regret_over_compute
from scaling_search.report.triangle import CORNERS, share_triangle, to_plane


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    run = plant(tmp_path_factory.mktemp("planted"), truth=peak((0.25, 0.25, 0.5)), cost_noise=0.03, cost_effect=0.1)
    return analyze_run(run)


def test_a_plot_is_written_as_csv_svg_and_png_and_the_csv_is_what_was_drawn(analysis: Analysis, tmp_path: Path) -> None:
    plot = accuracy_cost(analysis)
    paths = plot.write(tmp_path)
    assert sorted(path.name for path in paths) == ["accuracy-cost.csv", "accuracy-cost.png", "accuracy-cost.svg"]
    assert paths[1].read_bytes().startswith(b"<?xml")
    assert paths[2].read_bytes().startswith(b"\x89PNG")
    written = pd.read_csv(paths[0], keep_default_na=False)
    assert written["top1"].astype(float).to_numpy() == pytest.approx(analysis.table["top1"].to_numpy())
    _, *dots, ring = plot.figure.axes[0].collections  # dots by their shape
    drawn = np.vstack([np.asarray(one.get_offsets()) for one in dots])
    table = np.column_stack([written["macs"] / 1e6, 100 * written["top1"].astype(float)])
    assert drawn[drawn[:, 0].argsort()] == pytest.approx(table[table[:, 0].argsort()])
    assert np.asarray(ring.get_offsets()).shape == (1, 2)


def test_the_frontier_is_marked(analysis: Analysis) -> None:
    table = accuracy_cost(analysis).data
    assert table.sort_values("macs")["on_frontier"].iloc[0]
    assert table.sort_values("top1")["on_frontier"].iloc[-1]
    assert table["nearest_to_pick"].sum() == 1


def test_the_triangle_puts_pure_divisions_at_its_corners(analysis: Analysis) -> None:
    assert to_plane(np.eye(3)) == pytest.approx(CORNERS)
    assert to_plane(np.full((1, 3), 1 / 3))[0] == pytest.approx(CORNERS.mean(axis=0))
    table = share_triangle(analysis).data
    assert table["pick"].sum() == 1
    assert table.loc[table["pick"], "expected_loss"].item() == pytest.approx(table["expected_loss"].min())
    assert set(table["kind"]) == {"candidate", "surface"}
    assert ((table["probability_as_good"] >= 0.1) == table["inside"]).all()


def test_curves_are_means_over_seeds(analysis: Analysis) -> None:
    table = learning_curves(analysis).data
    last = table[table["epoch"] == 4].set_index("candidate")["top1"]
    assert last.to_dict() == pytest.approx(analysis.table["top1"].to_dict())
    assert (table["seeds"] == 3).all()


def test_the_ranking_is_in_order_with_intervals(analysis: Analysis) -> None:
    table = ranking(analysis).data
    assert table["expected_loss"].is_monotonic_increasing
    assert (table["low"] < table["top1_equal_cost"]).all()
    assert (table["top1_equal_cost"] < table["high"]).all()
    assert table.loc[0, "inside"]


def test_three_candidates_of_one_seed_can_be_drawn(tmp_path: Path) -> None:
    few = analyze_run(plant(tmp_path, truth=peak((0, 0, 1)), points=searched()[:3], seeds=1, epochs=1))
    for figure in (accuracy_cost, learning_curves, ranking, share_triangle):
        assert figure(few).svg.startswith(b"<?xml")


def test_the_same_data_give_the_same_svg(analysis: Analysis) -> None:
    assert ranking(analysis).svg == ranking(analysis).svg


def test_the_imagenet_backdrop_is_the_papers_and_takes_own_models() -> None:
    table = imagenet_frontier().data
    assert len(table[table["source"] == "efficientnet"]) == 8
    assert table[table["model"] == "EfficientNet-B0"].to_numpy().tolist() == [
        ["EfficientNet-B0", "efficientnet", 390e6, 0.773]
    ]
    assert table["macs"].notna().all()
    own = pd.DataFrame({"model": ["mine"], "macs": [7e8], "top1": [0.78]})
    assert imagenet_frontier(own).data.iloc[-1].tolist() == ["mine", "own", 7e8, 0.78]


def test_crowded_labels_do_not_overlap() -> None:
    random = np.random.default_rng(0)
    points = 0.5 + 0.05 * random.normal(size=(8, 2))
    with canvas() as (figure, axes):
        axes.set(xlim=(0, 1), ylim=(0, 1))
        place(axes, [Label(x, y, f"candidate {i}", "black") for i, (x, y) in enumerate(points)], points)
        texts = [text for text in axes.texts if isinstance(text, Annotation) and text.get_text()]
        boxes = [text.get_window_extent() for text in texts]
    assert len(boxes) == 8
    overlapping = [(i, j) for i in range(8) for j in range(i) if boxes[i].overlaps(boxes[j])]
    assert not overlapping
    assert figure.axes == [axes]


def test_spread_keeps_the_order_and_the_gap() -> None:
    positions = np.array([0.5, 0.1, 0.52, 0.51, 0.9])
    moved = spread(positions, 0.1)
    assert (np.argsort(moved) == np.argsort(positions)).all()
    assert np.diff(np.sort(moved)).min() > 0.1 - 1e-6
    assert spread(np.array([0.1, 0.9]), 0.1).tolist() == [0.1, 0.9]


def test_the_triangle_names_a_line_only_where_one_is_drawn(analysis: Analysis, tmp_path: Path) -> None:
    assert "dashed line" in share_triangle(analysis).caption
    few = analyze_run(plant(tmp_path, truth=peak((0, 0, 1), steepness=0.0), seeds=1, epochs=1))
    assert few.decision.fraction == 1
    assert "dashed line" not in share_triangle(few).caption


def test_only_the_best_of_very_many_are_drawn(analysis: Analysis) -> None:
    table = ranking(analysis).data
    many = pd.concat([table] * 8, ignore_index=True)
    assert len(many) > 60
    assert len(draw(many).axes[0].get_yticks()) == 60


def test_regret_is_drawn_in_points_over_the_part_of_the_training(tmp_path: Path) -> None:
    rows = [
        (strategy, reader, compute, regret)
        for strategy, reader, regrets in (("surface", "posterior", (0.02, 0.01)), ("grid", "means", (0.03, 0.04)))
        for compute, regret in zip((0.1, 0.4), regrets, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["strategy", "reader", "compute", "regret"])
    plot = regret_over_compute(table.assign(regret_low=table["regret"] / 2, regret_high=2 * table["regret"]))
    axes = plot.figure.axes[0]
    assert [line.get_linestyle() for line in axes.lines] == ["-", "--"]
    assert np.asarray(axes.lines[0].get_xydata()) == pytest.approx(np.array([[10, 2], [40, 1]]))
    assert {text.get_text() for text in axes.texts} == {"surface", "grid, best mean"}
    assert [path.name for path in plot.write(tmp_path)] == ["regret.csv", "regret.svg", "regret.png"]


def test_names_in_the_triangle_touch_neither_the_star_nor_a_corners_name(tmp_path: Path) -> None:
    corner = analyze_run(plant(tmp_path, truth=peak((0, 1, 0), steepness=0.3)))
    assert corner.pick.shares.width > 0.85
    axes = share_triangle(corner).figure.axes[0]
    boxes = {text.get_text(): text.get_window_extent() for text in axes.texts if text.get_text()}
    others = [box for name, box in boxes.items() if name != "pick"]
    assert not any(boxes["pick"].overlaps(box) for box in others)
    star = np.asarray(axes.transData.transform(_star_of(axes)))
    assert not any(boxes["pick"].contains(x, y) for x, y in star)


def _star_of(axes: Axes) -> list[tuple[float, float]]:
    """The middle of the only star that is drawn, and points around it."""
    (star,) = [dots for dots in axes.collections if len(dots.get_paths()) == 1 and len(dots.get_paths()[0]) == 11]
    ((x, y),) = np.asarray(star.get_offsets()).tolist()
    return [(x + a, y + b) for a, b in ((0, 0), (0.02, 0), (-0.02, 0), (0, 0.02), (0, -0.02))]
