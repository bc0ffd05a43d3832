"""The sheet of where networks look: from a comparison's own weights, and what is said where there are none."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scaling_search.errors import InvalidInput
from scaling_search.report.cam_sheet import Column, Shown, cam_sheet
from scaling_search.study.comparison import Comparison
from scaling_search.study.looking import look_at


@pytest.fixture(scope="module")
def compared(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison that was really trained, for an epoch."""
    folder = tmp_path_factory.mktemp("compared") / "cmp"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCALING_SEARCH_CACHE", str(shared / "cache"))
        comparison = Comparison(
            shared / "tiny.yaml", shared / "images", axes=["width", "resolution"], steps=1, seeds=1, epochs=1,
            executor="inline", device="cpu", folder=folder, pilot=False, proxy_width=0.75, proxy_resolution=24,
        )  # fmt: skip
        assert comparison.run()
    return folder


def test_a_column_for_each_network_and_a_row_for_each_class(compared: Path) -> None:
    plot = look_at(compared, count=3)
    assert set(plot.data["truth"]) == {"class0", "class1", "class2"}
    titles = list(dict.fromkeys(plot.data["network"]))
    assert titles[:3] == ["unscaled", "wider", "higher resolution"]
    assert set(titles[3:]) <= {"paper = uniform", "paper", "uniform"}
    assert len(plot.data) == 3 * len(titles)
    assert (plot.data["right"] == (plot.data["answer"] == plot.data["truth"])).all()
    assert (plot.data["cells"] >= 4).all()
    assert plot.png.startswith(b"\x89PNG")
    assert look_at(compared, count=3).data.equals(plot.data), "the same images again"
    assert not look_at(compared, count=3, seed=5).data["image"].equals(plot.data["image"])


def test_files_are_known_by_their_folder(compared: Path, shared: Path, tmp_path: Path) -> None:
    known = next((shared / "images" / "val" / "class1").iterdir())
    shutil.copy(known, tmp_path / "unknown.png")
    plot = look_at(compared, [known, tmp_path / "unknown.png"])
    one, other = (rows for _, rows in plot.data.groupby("image", sort=False))
    assert set(one["truth"]) == {"class1"}
    assert set(other["truth"]) == {""}
    assert other["right"].isna().all()
    assert one["answer"].tolist() == other["answer"].tolist()


def test_what_is_no_image_and_what_has_no_weights(compared: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(InvalidInput, match=r"text.png is not an image that can be read"):
        look_at(compared, [tmp_path / "text.png"])
    bare = shutil.copytree(compared, tmp_path / "bare", ignore=shutil.ignore_patterns("weights"))
    with pytest.raises(InvalidInput, match="keeps no weights to look with: `scaling-search compare`"):
        look_at(bare)
    (bare / "weights").mkdir()
    with pytest.raises(InvalidInput, match="holds no weights"):
        look_at(bare)
    (bare / "weights" / "base-s0.safetensors").write_bytes(b"damaged")
    with pytest.raises(InvalidInput, match=r"base-s0.safetensors is damaged"):
        look_at(bare)


def test_the_map_lies_over_the_part_of_the_image_that_it_is_of() -> None:
    heat = np.zeros((1, 4, 4))
    heat[0, 3, 0] = 1
    image = Shown(name="a", pixels=np.asarray(Image.new("RGB", (64, 64), "white")), truth="cat")
    column = Column(
        title="x", note="", heat=heat, answers=["dog"], probabilities=[0.75], layer="l", method="CAM"
    )  # fmt: skip
    plot = cam_sheet([image], [column])
    axes = plot.figure.axes[1]
    shown = np.asarray(axes.images[1].get_array())
    assert shown.shape == (64, 64)
    assert np.unravel_index(shown.argmax(), shown.shape)[0] >= 48
    assert np.unravel_index(shown.argmax(), shown.shape)[1] < 16
    assert axes.get_xlabel() == "✗ dog 75 %"


def test_a_network_of_ones_own_is_compared_and_looked_at(shared: Path, place: Path) -> None:
    """Its blocks add in functions, so that the last layer is no mean's: Grad-CAM."""
    own = Path(__file__).parents[1] / "networks" / "user_networks.py"
    comparison = Comparison(
        f"{own}:make_net", shared / "images", axes=["width"], steps=1, seeds=1, epochs=1, phi=1, executor="inline",
        device="cpu", folder="own", pilot=False, proxy_width=0.5, proxy_resolution=16,
    )  # fmt: skip
    assert comparison.run()
    plot = look_at("own", count=2)
    assert list(dict.fromkeys(plot.data["network"]))[:2] == ["unscaled", "wider"]
    assert set(plot.data["method"]) == {"Grad-CAM"}
