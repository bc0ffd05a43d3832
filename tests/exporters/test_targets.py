"""Every target's own library reads back what computes the same; what it has no words for is refused with the reason."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from small_members import small

from scaling_search.architecture import Architecture, from_dict
from scaling_search.coefficients import Multipliers
from scaling_search.errors import InvalidInput
from scaling_search.exporters import TARGETS, export
from scaling_search.exporters import code as codes
from scaling_search.exporters.export import TOLERANCE, expressible
from scaling_search.search import searchspace

pytestmark = pytest.mark.zoo
FULL_STEM = ("regnetx_002", "regnety_004", "efficientnetv2_s", "b0", "densenet121", "mobilenet_v3_large")


@pytest.mark.parametrize(
    "name",
    ["b0", "lite0", "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "mnasnet", "resnet18",
     "resnext50", "regnetx_002", "regnety_004", "densenet121", "convnext_tiny", "efficientnetv2_s"],
)  # fmt: skip
def test_timm_computes_the_same(name: str) -> None:
    assert expressible(small(name), "timm") <= TOLERANCE


@pytest.mark.parametrize("name", [*FULL_STEM, "mobilenet_v2", "mobilenet_v3_small", "convnext_tiny"])
def test_torchvision_computes_the_same(name: str) -> None:
    width = 1.0 if name == "mobilenet_v2" else 0.5
    assert expressible(small(name, width=width), "torchvision") <= TOLERANCE


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnext50"])
def test_torchvisions_resnets_grow_in_depth_only(name: str) -> None:
    assert expressible(small(name, width=1.0), "torchvision") <= TOLERANCE
    with pytest.raises(InvalidInput, match="torchvision's ResNet has a stem of 64 channels, and this one 80"):
        expressible(small(name, width=1.2), "torchvision")


@pytest.mark.parametrize("name", ["b0", "resnet18", "resnet50", "regnety_004"])
def test_pycls_computes_the_same(name: str) -> None:
    pytest.importorskip("pycls")
    assert expressible(small(name), "pycls") <= TOLERANCE


@pytest.mark.parametrize(
    "name", ["b0", "densenet121", "convnext_tiny", "mobilenet_v3_small", "regnety_002", "vgg16_bn"]
)
def test_plain_code_for_the_hub_computes_the_same(name: str) -> None:
    assert expressible(small(name, width=0.25), "hf") <= TOLERANCE


def test_graphs_compute_the_same_for_any_number_of_images() -> None:
    network = small("mobilenet_v1", depth=0.3)
    assert expressible(network, "pt2") <= TOLERANCE
    for package in TARGETS["onnx"].needs:
        pytest.importorskip(package)
    assert expressible(network, "onnx") <= TOLERANCE


@pytest.mark.parametrize(
    ("name", "to", "reason"),
    [
        ("mobilenet_v1", "torchvision", "none of torchvision's classes has these blocks"),
        ("lite0", "torchvision", "3×3 kernels and no squeeze-excitation"),
        ("mobilenet_v3_large", "pycls", "pycls has one activation for all stages"),
        ("mobilenet_v2", "pycls", "pycls has ReLU, SiLU and GELU, and this network relu6"),
        ("densenet121", "pycls", "pycls's AnyNet has basic blocks or bottlenecks"),
        ("vgg16_bn", "timm", "two hidden layers of 4096"),
    ],
)
def test_what_a_target_has_no_words_for_is_refused(name: str, to: str, reason: str) -> None:
    if to == "pycls":
        pytest.importorskip("pycls")
    with pytest.raises(InvalidInput, match=f"{name} cannot be exported to {to}: .*{reason}"):
        expressible(small(name), to)


@pytest.mark.parametrize("name", ["b0", "efficientnetv2_s"])
def test_stages_that_add_no_input_are_timms_and_plain_codes_only(name: str) -> None:
    content = small(name).to_dict()
    content["stages"] = [{**stage, "skip": False} for stage in content["stages"]]
    network = from_dict(content)
    assert expressible(network, "timm") <= TOLERANCE
    assert expressible(network, "hf") <= TOLERANCE
    with pytest.raises(InvalidInput, match="its blocks add their input wherever they can"):
        expressible(network, "torchvision")


def test_what_rounds_otherwise_is_refused_with_the_layer() -> None:
    """timm's expanded channels are multiples of eight."""
    content = small("b0").to_dict()
    content["stages"][1]["channels"] = 9
    with pytest.raises(
        InvalidInput, match=r"timm's EfficientNet rounds otherwise: its blocks\.1\.1\.conv_pw\.weight is 56"
    ):
        expressible(from_dict(content), "timm")


def test_another_eps_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scaling_search.exporters.timm_mobile.batch_norm", lambda numbers: "nn.BatchNorm2d")
    with pytest.raises(InvalidInput, match="computes other logits"):
        expressible(small("b0"), "timm")


@pytest.mark.parametrize(
    ("name", "to"),
    [("timm:mobilenetv2_100", "timm"), ("timm:resnet18", "timm"), ("torchvision:efficientnet_b0", "torchvision"),
     ("torchvision:resnet18", "torchvision"), ("torchvision:mobilenet_v2", "hf"), ("timm:resnet18", "hf")],
)  # fmt: skip
def test_members_of_the_libraries_own_models(name: str, to: str) -> None:
    network = searchspace.open_config(name)
    scaled = network.scaled(Multipliers(depth=1.4, width=1.0, resolution=0.3)).replaced(classes=5)
    assert expressible(scaled, to) <= TOLERANCE


def test_other_peoples_models_go_to_their_own_library_only() -> None:
    with pytest.raises(InvalidInput, match="made by torchvision:resnet18, not by timm"):
        expressible(searchspace.open_config("torchvision:resnet18"), "timm")


# --- what is written


def _trained(folder: Path, network: Architecture) -> Path:
    """A file of weights as a training leaves it, with config.json beside it."""
    from safetensors.torch import save_file

    from scaling_search.networks import build
    from scaling_search.networks.preprocessing import Preprocessing, write_config

    folder.mkdir()
    torch.manual_seed(3)
    module = build(network.replaced(classes=3))
    path = folder / "best.safetensors"
    save_file(module.state_dict(), path, metadata={"epoch": "7", "top1": "0.5"})
    how = Preprocessing(pixels=48, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6), labels=("ant", "bee", "cow"))
    write_config(folder, how.to_config(architecture="tiny", classes=3))
    return path


@pytest.fixture
def network() -> Architecture:
    found = small("b0", depth=0.5)
    assert isinstance(found, Architecture)
    return found


def test_the_weights_decide_classes_pixels_and_colours(network: Architecture, tmp_path: Path) -> None:
    weights = _trained(tmp_path / "run", network)
    done = export(network, "safetensors", weights=weights, out=tmp_path / "out")
    assert done.files == ("b0.yaml", "config.json", "model.safetensors")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (config["num_classes"], config["label_names"]) == (3, ["ant", "bee", "cow"])
    assert config["pretrained_cfg"]["input_size"] == [3, 48, 48]
    assert config["pretrained_cfg"]["mean"] == [0.1, 0.2, 0.3]
    again = searchspace.open_config(str(tmp_path / "out" / "b0.yaml"))
    assert (again.classes, again.resolution) == (3, 48)
    before, after = load_file(weights), load_file(tmp_path / "out" / "model.safetensors")
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_timm_loads_the_folder_in_a_process_of_its_own(network: Architecture, tmp_path: Path) -> None:
    """As its users do: registered by the file, weights by config.json, and with another number of classes."""
    from scaling_search.networks.stored import open_weights

    weights = _trained(tmp_path / "run", network)
    export(network, "timm", weights=weights, out=tmp_path / "out")
    images = torch.randn(2, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = open_weights(network, weights).build()(images)
    torch.save(images, tmp_path / "images.pt")
    code = """
import sys, torch, timm
sys.path.insert(0, "out")
import b0
images = torch.load("images.pt")
model = timm.create_model("local-dir:out", pretrained=True).eval()
other = timm.create_model("local-dir:out", pretrained=True, num_classes=9).eval()
assert timm.create_model("b0", pretrained=True).state_dict().keys() == model.state_dict().keys()
config = timm.data.resolve_model_data_config(model)
assert config["input_size"] == [3, 48, 48] and config["mean"] == [0.1, 0.2, 0.3] and config["crop_pct"] == 1.0, config
assert model.pretrained_cfg["label_names"] == ["ant", "bee", "cow"]
with torch.no_grad():
    torch.save((model(images), other(images)), "logits.pt")
    features = timm.create_model("local-dir:out", pretrained=True, features_only=True)(images)
assert len(features) == 5
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    logits, other = torch.load(tmp_path / "logits.pt")
    assert torch.allclose(logits, expected, atol=1e-5)
    assert other.shape == (2, 9)


def test_torchvisions_file_stands_alone(network: Architecture, tmp_path: Path) -> None:
    weights = _trained(tmp_path / "run", network)
    export(network, "torchvision", weights=weights, out=tmp_path / "out")
    code = """
import torch
from b0 import b0, transforms
model = b0(pretrained=True).eval()
assert b0(num_classes=7).classifier[1].out_features == 7
assert transforms().mean == [0.1, 0.2, 0.3] and transforms().crop_size == [48]
import sys
assert "scaling_search" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "out", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_hubs_folder_has_a_card_and_code_that_stands_alone(network: Architecture, tmp_path: Path) -> None:
    weights = _trained(tmp_path / "run", network)
    done = export(network, "hf", weights=weights, out=tmp_path / "out")
    assert done.files == ("README.md", "b0.py", "config.json", "model.safetensors")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "pipeline_tag: image-classification" in card and "Top-1 on its validation images: 50.00%" in card
    code = """
import sys
from b0 import B0
model = B0.from_pretrained(".").eval()
assert model.head[-1].out_features == 3
assert B0(num_classes=8).head[-1].out_features == 8
assert "scaling_search" not in sys.modules
"""
    done_there = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "out", capture_output=True, text=True, check=False
    )
    assert done_there.returncode == 0, done_there.stderr


# --- mistakes


def test_a_folder_with_something_in_it_is_left_alone(network: Architecture, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InvalidInput, match="is there already; choose another --out"):
        export(network, "safetensors", weights=_trained(tmp_path / "run", network), out=tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_another_networks_weights_are_refused(network: Architecture, tmp_path: Path) -> None:
    weights = _trained(tmp_path / "run", network)
    with pytest.raises(InvalidInput, match=r"best\.safetensors is of another network"):
        export(small("b0", depth=2), "safetensors", weights=weights, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scaling_search.exporters.targets.util.find_spec", lambda name: None)
    with pytest.raises(InvalidInput, match=r"needs onnx and onnxscript and onnxruntime: pip install 'scaling-search\["):
        _ = TARGETS["onnx"].write


def test_an_unknown_target_names_the_nearest(network: Architecture) -> None:
    with pytest.raises(InvalidInput, match="did you mean timm"):
        export(network, "tim")


def test_code_is_folded_where_it_is_long() -> None:
    assert codes.called("f", {"a": "1"}) == "f(a=1)"
    long: dict[str, Any] = {f"name{index}": "'" + "x" * 30 + "'" for index in range(5)}
    assert codes.called("f", long).count("\n") == 6


def test_timms_own_networks_stay_what_they_are(tmp_path: Path) -> None:
    timm = pytest.importorskip("timm")
    export(small("resnet18"), "timm", out=tmp_path / "out")
    assert (tmp_path / "out" / "scaled_resnet18.py").is_file()
    assert timm.create_model("resnet18").num_classes == 1000
