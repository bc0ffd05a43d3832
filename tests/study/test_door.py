"""The door as README and docs describe it: the example of a notebook, executed as literally as a test can.

The trainings here are real, and short: one epoch of 24 images.
"""

import importlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from tiny_study import Ear
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import scaling_search as ss
from scaling_search.architecture import Architecture
from scaling_search.search.folder import RunFolder

SMALL: Any = {"parts": 1, "seeds": 1, "epochs": 1, "device": "cpu", "pilot": False}
"""Instead of a budget: what a test has time for."""


@pytest.fixture(autouse=True)
def _photographs(shared: Path, place: Path) -> None:
    """photos/, as a person has them beside the notebook."""
    shutil.copytree(shared / "images", place / "photos")


class Block(nn.Module):
    """A convolution, and a way round it where it keeps the shape."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.has_skip = stride == 1 and channels_in == channels

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norm(self.convolution(x)))
        return x + y if self.has_skip else y


class Net(nn.Module):
    """A network of one's own, as a notebook's cell has it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, 2, 1)
        self.stage1 = nn.Sequential(Block(32, 32, 1), Block(32, 32, 1))
        self.stage2 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1))
        self.classifier = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage2(self.stage1(self.stem(x)))
        scores: Tensor = self.classifier(x.mean((2, 3)))
        return scores


def make_net() -> nn.Module:
    return Net()


make_net.resolution = 24  # type: ignore[attr-defined]


def images(count: int, *, seed: int) -> TensorDataset:
    """Noise around a brightness of each of three classes."""
    labels = torch.arange(count) % 3
    noise = torch.rand((count, 3, 24, 24), generator=torch.Generator().manual_seed(seed))
    return TensorDataset(0.5 * noise + 0.25 * labels[:, None, None, None] / 2, labels)


def test_every_public_name_is_there() -> None:
    for name in ss.__all__:
        assert getattr(ss, name) is not None
    assert dir(ss) == sorted(ss.__all__)
    with pytest.raises(AttributeError, match="no attribute 'serach'"):
        _ = ss.serach
    assert importlib.import_module("scaling_search.search").__name__ == "scaling_search.search"
    assert callable(ss.search)


def test_the_whole_search_in_one_call() -> None:
    answer = ss.search(
        baseline=make_net, data="photos/", phi=1, executor="inline", proxy_width=1.0, proxy_resolution=16, **SMALL
    )
    assert answer.verdict.sentence
    assert answer.pick.coefficients.alpha >= 1
    assert isinstance(answer.table, pd.DataFrame)
    assert len(answer.table) >= 4
    module = answer.family(range(1, 8))[2].build(classes=10)
    assert isinstance(module, nn.Module)
    assert module(torch.randn(2, 3, 48, 48)).shape == (2, 10)
    assert answer.folder.parent == Path("results")
    assert answer.folder.name.startswith("make_net-phi1-photos-")


def test_the_steps_apart(place: Path) -> None:
    class MyListener(ss.Listener):
        def on_reading(self, reading: ss.Reading) -> None:
            heard.append(reading)

    heard: list[ss.Reading] = []
    train_set, val_set = images(24, seed=0), images(12, seed=1)
    study = ss.Study(
        ss.network("lite0"),
        ss.dataset(train_set, val_set, classes=["a", "b", "c"], name="noise"),
        phi=1,
        strategy=ss.strategies.Lattice(parts=1, seeds=1, epochs=1),
        executor=ss.Inline(),
        proxy_width=0.1,
        proxy_resolution=16,
        device="cpu",
        folder="runs/x",
        pilot=False,
    )
    prepared = study.plan(budget="2h")
    assert prepared.record.plan.budget_seconds == 7200
    assert (prepared.dataset.name, prepared.dataset.classes) == ("noise", ("a", "b", "c"))
    assert study.run(listeners=[MyListener()])
    assert len(heard) == len(prepared.candidates)
    assert all(reading.status == "paused" for reading in heard)
    answer = study.analyze()
    assert len(answer.table) == len(prepared.candidates)
    again = ss.Study.open("runs/x")
    assert again.run(), "the packed images are found again without the data sets"
    assert again.analyze().pick == answer.pick


def test_with_a_training_loop_of_ones_own() -> None:
    study = ss.Study("lite0", "photos/", executor="inline", proxy_width=0.1, proxy_resolution=32, folder="run", **SMALL)
    shapes = []
    while (ask := study.ask()) is not None:
        module = ask.network.build(classes=10)
        side = ask.network.resolution
        shapes.append(module.eval()(torch.randn(2, 3, side, side)).shape)
        study.tell(ask, top1=0.5 + 0.01 * len(shapes), val_loss=1.0)
    assert set(shapes) == {(2, 10)}
    assert len(study.analyze().table) == len(shapes)


def test_networks_of_every_kind() -> None:
    scaled = ss.network("resnet50").scaled(depth=1.2, width=1.1)
    assert scaled.cost().macs > ss.network("resnet50").cost().macs
    matched = ss.network("resnet50").match(shares=(0.4, 0.3, 0.3), macs="2x")
    assert matched.cost().macs == pytest.approx(2 * ss.network("resnet50").cost().macs, rel=0.05)
    own = ss.network(make_net)
    assert own.name == "make_net"
    built = own.match(shares=ss.Shares(depth=0.0, width=1.0, resolution=0.0), macs="2x").build(classes=5)
    assert built(torch.randn(2, 3, 24, 24)).shape == (2, 5)
    described = ss.network("b0").network
    assert isinstance(described, Architecture)
    assert ss.network(described).cost() == ss.network(ss.network("b0")).cost() == described.cost()


@pytest.mark.zoo
def test_a_network_of_timm() -> None:
    pytest.importorskip("timm")
    module = ss.network("timm:resnet18").match(shares=(0.4, 0.3, 0.3), macs="2x").build()
    assert module(torch.randn(2, 3, 64, 64)).shape == (2, 1000)


def test_a_saved_network_is_the_same_again(place: Path) -> None:
    wider = ss.network("lite0").scaled(width=1.3).replaced(classes=7)
    again = ss.network(wider.save(place / "wider.yaml"))
    assert (again.cost(), again.classes, again.name) == (wider.cost(), 7, wider.name)
    assert again == ss.network(str(place / "wider.yaml"))


ANYTHING: list[Any] = [3.5, lambda: 3]
"""What type checkers would not let pass."""


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda b0: b0.match(shares=(1, 0, 0)), "say what the network should cost in one of macs, params"),
        (lambda b0: b0.match(shares=(1, 0, 0), macs="2x", params="2x"), "in one of macs, params"),
        (lambda b0: b0.match(shares=(1, 0), macs="2x"), "shares are three numbers, for depth, width and resolution"),
        (lambda b0: b0.match(shares=(1, 1, 0), macs="2x"), "sum"),
        (lambda b0: b0.match(shares=(0, 0, 1), params="2x"), "no network with the shares"),
        (lambda b0: b0.scaled(depth=0), "depth multiplier must be a positive number"),
        (lambda b0: ss.network(ANYTHING[0]), "float is no network"),
        (lambda b0: ss.network("bo"), "did you mean b0"),
        (lambda b0: ss.network(ANYTHING[1]), "returns an int, not a torch.nn.Module"),
    ],
)
def test_what_a_network_cannot_do(call: Callable[[ss.ScalableNetwork], Any], sentence: str) -> None:
    with pytest.raises(ss.InvalidInput, match=sentence):
        call(ss.network("b0"))


def test_torchs_labels_must_be_classes() -> None:
    bad = TensorDataset(torch.rand(8, 3, 24, 24), torch.rand(8))
    with pytest.raises(ss.InvalidInput, match="label"):
        ss.dataset(bad, images(12, seed=1))


ELSEWHERE = """
import scaling_search as ss

study = ss.Study.open("run")
assert study.run()
member = ss.network("run/family/b2.yaml")
module = member.build(classes=4)
print(member.name, member.cost().params, sum(one.numel() for one in member.build().parameters()))
"""


def test_a_function_of_a_notebook_is_kept_for_other_processes(place: Path) -> None:
    """Its run folder holds it by value: the run is opened, and its family built, where the cell never ran."""
    folder = Path("run")
    options: Any = SMALL | {"proxy_width": 1.0, "proxy_resolution": 16, "executor": "inline"}
    answer = ss.search(make_net, "photos/", folder=folder, **options)
    assert (folder / "baseline.pkl").is_file()
    assert str(RunFolder(folder).record().baseline["source"]).startswith("live:make_net-")
    member = answer.family([2])[0]
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], capture_output=True, text=True, check=False, timeout=120
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    name, counted, real = done.stdout.split()
    assert name == "make_net-B2"
    assert int(counted) == int(real) == member.cost().params


def test_an_edited_cell_is_another_network() -> None:
    def net_of(channels: int) -> Callable[[], nn.Module]:
        def net() -> nn.Module:
            layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, 2, 1), nn.BatchNorm2d(channels), nn.ReLU()]
            layers += [nn.Conv2d(channels, channels, 3, 1, 1), nn.BatchNorm2d(channels), nn.ReLU()]
            return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))

        net.resolution = 24  # type: ignore[attr-defined]
        return net

    first, again, edited = ss.network(net_of(8)), ss.network(net_of(8)), ss.network(net_of(16))
    assert first.network.to_dict()["source"] == again.network.to_dict()["source"]
    assert edited.network.to_dict()["source"] != first.network.to_dict()["source"]
    assert edited.cost().params > first.cost().params


@pytest.mark.ray
@pytest.mark.slow
def test_a_function_of_a_notebook_reaches_rays_workers() -> None:
    """By value: the workers cannot import this module."""
    ear = Ear()
    answer = ss.search(
        make_net, "photos/", executor=ss.Ray(workers=2), proxy_width=1.0, proxy_resolution=16, listeners=[ear], **SMALL
    )
    assert {reading.status for reading in ear.readings} == {"paused"}, ear.readings[0].reason
    assert len(answer.table) == len(ear.plans[0].candidates)
