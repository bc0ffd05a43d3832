"""Weights to start from: ours by name, timm's by order, a smaller network's by copying."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from scaling_search.architecture import Architecture, from_dict
from scaling_search.errors import InvalidInput
from scaling_search.networks import build
from scaling_search.networks.starting import start_from
from scaling_search.search import searchspace

STAGE = {"block": "mbconv", "kernel": 3, "expansion": 2, "se": 0.25}


def tiny(*, layers: int = 2, width: int = 8, classes: int = 3) -> Architecture:
    stages = [
        {**STAGE, "channels": width, "layers": layers},
        {**STAGE, "channels": 2 * width, "layers": 1, "stride": 2},
    ]
    return from_dict({"name": "tiny", "resolution": 16, "classes": classes, "stem": {"channels": width},
                      "stages": stages, "head": {"channels": 4 * width}})  # fmt: skip


def kept(network: Architecture, path: Path, *, seed: int = 0) -> dict[str, Tensor]:
    """A file of randomised weights of a network."""
    torch.manual_seed(seed)
    module = build(network)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            assert part.running_mean is not None
            part.running_mean.uniform_(-1, 1)
    weights = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    save_file(weights, path)
    return weights


def test_equal_networks_take_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    weights = kept(tiny(), path)
    start = start_from(tiny(), str(path))
    module = build(start.network, zero_init_residual=True)
    start.put_into(module)
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, weights[name]), name
    assert f"{len(weights)} tensors whole; the classifier is kept" in start.summary


def test_zeroed_scales_are_written_over(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    kept(tiny(), path)
    start = start_from(tiny(classes=5), str(path))
    module = build(start.network, zero_init_residual=True)
    start.put_into(module)
    scales = [part.weight for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    assert all((scale != 0).all() for scale in scales)
    assert "the classifier is new" in start.summary


def test_the_head_is_what_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    kept(tiny(), path)
    new = start_from(tiny(), str(path), head="new")
    assert not [name for name in new.weights if name.startswith("head.6")]
    with pytest.raises(InvalidInput, match=r"--head keep: .* has 3 classes, and the data 5; use --head new"):
        start_from(tiny(classes=5), str(path), head="keep")
    assert new.digest != start_from(tiny(), str(path)).digest


def test_a_smaller_network_starts_a_larger_one(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    weights = kept(tiny(), path)
    larger = tiny(layers=3, width=12)
    start = start_from(larger, str(path))
    torch.manual_seed(9)
    fresh = build(larger)
    before = {name: tensor.clone() for name, tensor in fresh.state_dict().items()}
    start.put_into(fresh)
    after = fresh.state_dict()
    assert torch.equal(after["stem.0.weight"][:8], weights["stem.0.weight"])
    assert torch.equal(after["stem.0.weight"][8:], before["stem.0.weight"][8:])
    block = "0.main.0.weight"
    assert torch.equal(after[f"stage1.2.{block}"][:16, :8], weights[f"stage1.1.{block}"]), "the last block before it"
    assert "tensors in part" in start.summary and "tensors of the block before" in start.summary
    with pytest.raises(InvalidInput, match="is of a larger network"):
        start_from(tiny(width=4), str(path))


def test_what_is_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file({"conv1.weight": torch.zeros(8, 3, 3, 3), "fc.weight": torch.zeros(3, 8)}, path)
    with pytest.raises(
        InvalidInput, match="have other names than this network's; for a model of timm write timm:NAME="
    ):
        start_from(tiny(), str(path))
    torch.save({"conv1.weight": torch.zeros(8, 3, 3, 3), "fc.weight": torch.zeros(3, 8)}, tmp_path / "w.pth")
    with pytest.raises(InvalidInput, match=r"is of another network than tiny: its fc\.weight is 3×8 where stem\.1"):
        start_from(tiny(), str(tmp_path / "w.pth"))
    with pytest.raises(InvalidInput, match="there is no file of weights"):
        start_from(tiny(), str(tmp_path / "none.safetensors"))
    (tmp_path / "half.safetensors").write_bytes(path.read_bytes()[:40])
    with pytest.raises(InvalidInput, match="is damaged"):
        start_from(tiny(), str(tmp_path / "half.safetensors"))


def _code() -> None:
    raise AssertionError("ran")


class _Evil:
    def __reduce__(self) -> Any:
        return _code, ()


def test_a_file_runs_no_code(tmp_path: Path) -> None:
    torch.save({"state_dict": _Evil()}, tmp_path / "evil.pth")
    with pytest.raises(InvalidInput, match="cannot be read as weights"):
        start_from(tiny(), str(tmp_path / "evil.pth"))


# --- timm


@pytest.mark.zoo
@pytest.mark.parametrize("container", ["safetensors", "pth in a state_dict"])
def test_timms_b0_goes_into_the_shipped_one(tmp_path: Path, container: str) -> None:
    """By order, with timm's eps and colours, though our own eps is another; nothing is left at zero."""
    import timm

    torch.manual_seed(0)
    theirs: nn.Module = timm.create_model("efficientnet_b0", num_classes=7)
    for part in theirs.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            assert part.running_var is not None
            part.running_var.uniform_(0.5, 2)
    if container == "safetensors":
        path = tmp_path / "w.safetensors"
        save_file(theirs.state_dict(), path)
    else:
        path = tmp_path / "w.pth"
        torch.save({"state_dict": {f"module.{name}": value for name, value in theirs.state_dict().items()}}, path)
    network = searchspace.load("b0").network().replaced(classes=7, resolution=64)
    start = start_from(network, f"timm:efficientnet_b0={path}")
    assert isinstance(start.network, Architecture)
    assert start.network.batch_norm.eps == 1e-5
    assert start.preprocessing is not None and start.preprocessing.mean == (0.485, 0.456, 0.406)
    module = build(start.network, zero_init_residual=True)
    start.put_into(module)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(module.eval()(images), theirs.eval()(images), atol=1e-5)


@pytest.mark.zoo
def test_timms_files_that_do_not_fit(tmp_path: Path) -> None:
    import timm

    path = tmp_path / "w.safetensors"
    save_file(timm.create_model("resnet18", num_classes=7).state_dict(), path)
    b0 = searchspace.load("b0").network()
    with pytest.raises(InvalidInput, match=r"is not of timm's efficientnet_b0"):
        start_from(b0, f"timm:efficientnet_b0={path}")
    with pytest.raises(InvalidInput, match="timm's resnet18 is of another network than b0"):
        start_from(b0, f"timm:resnet18={path}")
    with pytest.raises(InvalidInput, match="timm has no model 'efficientnet_b0x'"):
        start_from(b0, f"timm:efficientnet_b0x={path}")
    resnet = searchspace.load("resnet18").network().replaced(classes=7)
    assert "the classifier is kept" in start_from(resnet, f"timm:resnet18={path}").summary
    foreign = searchspace.open_config("timm:resnet18").replaced(classes=4)
    assert "the classifier is new" in start_from(foreign, f"timm:resnet18={path}").summary
