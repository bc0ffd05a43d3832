"""Activation maps: CAM where the head allows it, Grad-CAM elsewhere, and both as others compute them."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from scaling_search.architecture import Network
from scaling_search.coefficients import Multipliers
from scaling_search.errors import InvalidInput
from scaling_search.networks import build
from scaling_search.networks.cam import last_layer, look
from scaling_search.search.searchspace import load


def randomised(module: nn.Module) -> nn.Module:
    """In evaluation mode, with statistics and weights that are not those of a beginning."""
    torch.manual_seed(3)
    for name, value in module.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape) + 0.5 if "var" in name else value + 0.1 * torch.randn(value.shape))
    return module.eval()


def small(name: str) -> Network:
    network = load(name).network().replaced(classes=5)
    return network.scaled(Multipliers(depth=0.5, width=0.25, resolution=96 / network.resolution))


@pytest.fixture
def images() -> Tensor:
    torch.manual_seed(0)
    return torch.randn(3, 3, 96, 96)


class Flat(nn.Module):
    """A head without global pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.act = nn.Conv2d(3, 6, 3, stride=16, padding=1), nn.ReLU(inplace=True)
        self.head = nn.Linear(6 * 6 * 6, 5)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.act(self.conv(x)).flatten(1))
        return out


@pytest.mark.parametrize("name", ["b0", "mobilenet_v2", "resnet18"])
def test_cam_is_the_heads_weights_over_the_last_map(name: str, images: Tensor) -> None:
    module = randomised(build(small(name)))
    looked = look(module, images, torch.tensor([0, 1, 2]))
    assert looked.method == "CAM"
    layer = dict(module.named_modules())[looked.layer.partition("#")[0]]
    maps: list[Tensor] = []
    handle = layer.register_forward_hook(lambda part, inputs, output: maps.append(output.detach().clone()))
    with torch.no_grad():
        logits = module(images)
    handle.remove()
    (linear,) = [part for part in module.modules() if isinstance(part, nn.Linear)]
    assert logits.numpy() == pytest.approx(linear(maps[-1].mean((2, 3))).detach().numpy(), abs=1e-4)
    weights = linear.weight.detach()[:3]
    raw = torch.relu(torch.einsum("nk,nkhw->nhw", weights, maps[-1])).numpy()
    expected = raw - raw.min(axis=(1, 2), keepdims=True)
    expected /= expected.max(axis=(1, 2), keepdims=True) + 1e-7
    assert looked.heat == pytest.approx(expected, abs=1e-4)
    assert looked.answers.tolist() == logits.argmax(1).tolist()
    assert looked.probabilities == pytest.approx(logits.softmax(1).max(1).values.numpy())


@pytest.mark.parametrize("made", ["b0", "resnet18", "flat"])
def test_the_maps_are_those_of_the_grad_cam_package(made: str, images: Tensor) -> None:
    cam: Any = pytest.importorskip("pytorch_grad_cam")
    targets: Any = pytest.importorskip("pytorch_grad_cam.utils.model_targets")
    module = randomised(Flat() if made == "flat" else build(small(made)))
    for cells in (1, 4):
        looked = look(module, images, torch.tensor([4, 1, 2]), cells=cells)
        layer = dict(module.named_modules())[looked.layer]
        with cam.GradCAM(model=module, target_layers=[layer]) as theirs:
            shown = theirs(
                input_tensor=images.clone(), targets=[targets.ClassifierOutputTarget(one) for one in (4, 1, 2)]
            )
        ours = torch.nn.functional.interpolate(
            torch.from_numpy(looked.heat)[:, None], size=(96, 96), mode="bilinear", align_corners=False
        )[:, 0].numpy()
        ours -= ours.min(axis=(1, 2), keepdims=True)  # they scale what is enlarged already
        ours /= ours.max(axis=(1, 2), keepdims=True) + 1e-7
        assert ours.max() > 0.99
        assert ours == pytest.approx(np.asarray(shown), abs=1e-3)


def test_a_head_without_pooling_has_grad_cam(images: Tensor) -> None:
    looked = look(randomised(Flat()), images)
    assert (looked.method, looked.layer, looked.heat.shape) == ("Grad-CAM", "act", (3, 6, 6))
    assert looked.heat.min() == 0
    assert looked.heat.max() == pytest.approx(1, abs=1e-5)


def test_more_cells_are_an_earlier_layer(images: Tensor) -> None:
    module = randomised(build(small("b0")))
    assert look(module, images).heat.shape == (3, 3, 3)
    finer = look(module, images, cells=6)
    assert finer.heat.shape == (3, 6, 6)
    assert finer.method == "Grad-CAM"
    with pytest.raises(InvalidInput, match="no layer has a map of 200 × 200 cells; the largest has 48"):
        last_layer(module, images[:1], cells=200)


def test_looking_changes_nothing(images: Tensor) -> None:
    module = randomised(build(small("b0")))
    with torch.no_grad():
        before = module(images)
    look(module, images, cells=6)
    with torch.no_grad():
        assert torch.equal(module(images), before)
    assert all(parameter.grad is None for parameter in module.parameters())
