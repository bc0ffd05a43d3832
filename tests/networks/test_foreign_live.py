"""Functions, classes and modules of a Python session as baselines: names, bytes, fresh weights."""

import copy
import functools
import importlib
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from scaling_search.coefficients import Multipliers
from scaling_search.errors import InvalidInput
from scaling_search.networks import build
from scaling_search.networks.foreign import adopt, from_dict, live, open_foreign, payload, register
from scaling_search.networks.foreign.again import drawn_again

CELL = """
import torch
from torch import nn

class Gain(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.gain = nn.Parameter(torch.full((channels,), 0.7))

    def forward(self, x):
        return x * self.gain[:, None, None]

class Block(nn.Module):
    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.full = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.depthwise = nn.Conv2d(channels, channels, 3, 1, 1, groups=channels)
        self.has_skip = stride == 1 and channels_in == channels

    def forward(self, x):
        y = self.depthwise(torch.relu(self.norm(self.full(x))))
        return x + y if self.has_skip else y

class Net(nn.Module):
    resolution = 32

    def __init__(self):
        super().__init__()
        self.register_buffer("contrast", torch.tensor(0.5))
        self.stem = nn.Conv2d(3, 16, 3, 1, 1)
        self.stage1 = nn.Sequential(Block(16, 16, 1), Block(16, 16, 1))
        self.stage2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1))
        self.gain = Gain(32)
        self.classifier = nn.Linear(32, 10)

    def forward(self, x):
        x = self.stage2(self.stage1(self.stem(self.contrast * x)))
        return self.classifier(self.gain(x).mean((2, 3)))

def make_net():
    return Net()

def make_builder(smallest):
    def build(width, depth, num_classes=10):
        channels = round(smallest * width)
        blocks = [Block(channels, channels, 1) for _ in range(round(2 * depth))]
        stem = nn.Conv2d(3, channels, 3, padding=1)
        return nn.Sequential(stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes))
    build.resolution = 32
    return build
"""
WIDER = Multipliers(depth=1.5, width=1.5, resolution=1)


def run_cell(code: str = CELL, **names: Any) -> dict[str, Any]:
    """What a notebook has after running a cell."""
    namespace: dict[str, Any] = {"__name__": "__main__", **names}
    exec(code, namespace)
    return namespace


def weights(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in module.state_dict().items() if tensor.ndim > 1}


@pytest.fixture(scope="module")
def cell() -> dict[str, Any]:
    return run_cell()


@pytest.fixture(scope="module")
def instance(cell: dict[str, Any]) -> nn.Module:
    """A module with values that no fresh one has."""
    module: nn.Module = cell["Net"]()
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            tensor.fill_(9 if "gain" not in name and "contrast" not in name else 0.6)
    return module


# --- functions and classes


@pytest.mark.parametrize("what", ["make_net", "Net", "lambda", "partial", "closure"])
def test_callables_of_a_session_are_networks(cell: dict[str, Any], what: str) -> None:
    things: dict[str, Callable[..., Any]] = {
        "lambda": eval("lambda: make_net()", cell),
        "partial": functools.partial(cell["make_builder"](16), width=1, depth=1),
        "closure": cell["make_builder"](16),
    }
    name = register(things.get(what) or cell[what])
    network = open_foreign(name)
    assert name == register(things.get(what) or cell[what])
    assert network.way == ("builder protocol" if what == "closure" else "structural")
    assert network.scaled(WIDER).widths[:2] == (24, 24)
    assert build(network.replaced(classes=4))(torch.randn(2, 3, 32, 32)).shape == (2, 4)


def test_names_say_what_it_is(cell: dict[str, Any], instance: nn.Module) -> None:
    things = [cell["make_net"], cell["Net"], instance, lambda: None, functools.partial(cell["make_net"])]
    names = [register(thing).rpartition("-")[0] for thing in things]
    assert names == ["live:make_net", "live:Net", "live:Net", "live:lambda", "live:make_net"]


def test_a_cell_that_is_run_again_keeps_its_name_until_it_is_edited(cell: dict[str, Any]) -> None:
    again = run_cell("# a line above\n" + CELL)["make_net"]
    edited = run_cell(CELL.replace("Block(16, 16, 1), Block(16, 16, 1)", "Block(16, 16, 1)"))["make_net"]
    names = [register(make) for make in (cell["make_net"], again, edited)]
    assert names[0] == names[1] != names[2]
    assert [open_foreign(name).depths for name in names] == [(2, 2), (2, 2), (1, 2)]


def test_what_was_registered_stays_as_it_was() -> None:
    cell = run_cell()
    name = register(cell["make_net"])
    exec("class Net(nn.Module):\n    pass", cell)
    assert open_foreign(name).depths == (2, 2)
    assert register(cell["make_net"]) != name


def test_loading_leaves_the_users_own_classes_alone(cell: dict[str, Any]) -> None:
    forward = cell["Net"].forward
    build(open_foreign(register(cell["make_net"])))
    assert cell["Net"].forward is forward
    assert type(cell["make_net"]()) is cell["Net"]


# --- modules


def test_networks_like_a_module_start_as_its_class_does(cell: dict[str, Any], instance: nn.Module) -> None:
    like, made = (build(open_foreign(register(thing)).scaled(WIDER)) for thing in (instance, cell["Net"]))
    pairs = zip(weights(like).items(), weights(made).values(), strict=True)
    for (name, ours), theirs in pairs:
        assert ours.shape == theirs.shape
        # of a uniform distribution the spread of n numbers is known to 0.45 / √n
        assert float(ours.std() / theirs.std()) == pytest.approx(1, abs=4 * 0.45 * (2 / ours.numel()) ** 0.5), name
    for name, buffer in like.named_buffers():
        if "norm" in name:
            assert (buffer == made.get_buffer(name)).all(), name
    assert like(torch.randn(2, 3, 32, 32)).shape == (2, 10)


def test_what_no_layer_draws_keeps_its_value(instance: nn.Module) -> None:
    module = build(open_foreign(register(instance)).scaled(WIDER))
    assert float(module.get_buffer("contrast")) == pytest.approx(0.6)
    gain = module.get_parameter("gain.gain")
    assert gain.shape == (48,) and gain.detach().tolist() == pytest.approx([0.6] * 48)


def test_a_module_is_not_changed(instance: nn.Module) -> None:
    before = {name: tensor.clone() for name, tensor in instance.state_dict().items()}
    state = torch.get_rng_state()
    name = register(instance)
    assert (torch.get_rng_state() == state).all()
    build(open_foreign(name).scaled(WIDER))
    assert all((tensor == before[name]).all() for name, tensor in instance.state_dict().items())
    assert all(not tensor.is_meta for tensor in instance.state_dict().values())


def test_seeds_decide_the_weights_and_nothing_else(instance: nn.Module) -> None:
    network = open_foreign(register(instance)).scaled(WIDER)

    def drawn(seed: int) -> list[torch.Tensor]:
        torch.manual_seed(seed)
        return list(weights(build(network)).values())

    assert all((one == two).all() for one, two in zip(drawn(1), drawn(1), strict=True))
    assert all((one != two).any() for one, two in zip(drawn(1), drawn(2), strict=True))


def test_a_trained_module_has_the_name_of_a_fresh_one(cell: dict[str, Any]) -> None:
    module = cell["Net"]()
    name = register(module)
    module(torch.randn(2, 3, 32, 32)).sum().backward()
    assert register(module) == register(cell["Net"]()) == name


def test_the_module_that_torch_compile_wraps_is_meant(cell: dict[str, Any]) -> None:
    name = register(torch.compile(cell["Net"]()))
    assert name.startswith("live:Net-")
    assert open_foreign(name).depths == (2, 2)


def test_a_large_module_is_kept_small() -> None:
    module = nn.Sequential(nn.Conv2d(3, 512, 3), nn.Conv2d(512, 512, 3), nn.Flatten(), nn.Linear(512, 10))
    kept = payload(register(module))
    assert kept is not None and len(kept) < 5_000


def test_only_what_reset_parameters_draws_is_drawn() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.drawn, self.kept = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
            self.register_buffer("filter", torch.ones(2))
            self.norm = nn.BatchNorm2d(2)

        def reset_parameters(self) -> None:
            nn.init.zeros_(self.drawn)

    module = Own()
    found = drawn_again(module)
    names = [name for name, tensor in module.state_dict(keep_vars=True).items() if any(tensor is one for one in found)]
    assert names == ["drawn", *(f"norm.{part}" for part in module.norm.state_dict())]


def test_tied_parameters_stay_tied(cell: dict[str, Any]) -> None:
    module = cell["Net"]()
    module.stage2[1].norm.weight = module.stage2[0].norm.weight
    made = live.load(register(module))()
    assert made.stage2[1].norm.weight is made.stage2[0].norm.weight


def test_frozen_layers_are_trained_and_that_is_said(cell: dict[str, Any]) -> None:
    module = cell["Net"]()
    module.stem.requires_grad_(False)
    with pytest.warns(UserWarning, match="2 parameters of Net are frozen"):
        name = register(module)
    assert all(parameter.requires_grad for parameter in build(open_foreign(name)).parameters())


def test_half_precision_is_not_taken_over(cell: dict[str, Any]) -> None:
    module = build(open_foreign(register(cell["Net"]().half())))
    assert {tensor.dtype for tensor in module.parameters()} == {torch.float32}


# --- other processes


def test_a_network_goes_to_a_process_that_knows_nothing(
    cell: dict[str, Any], instance: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_blocks.py").write_text(CELL, encoding="utf-8")
    (tmp_path / "own_nets.py").write_text("from own_blocks import Net\n\ndef make():\n    return Net()\n", "utf-8")
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        own = importlib.import_module("own_nets")
    networks = [open_foreign(register(thing)) for thing in (own.make, cell["make_net"], instance)]
    file = tmp_path / "networks.pickle"
    file.write_bytes(pickle.dumps([network.scaled(WIDER) for network in networks]))
    code = (
        "import pickle, sys, torch; from scaling_search.networks import build; "
        "networks = pickle.load(open(sys.argv[1], 'rb')); "
        "print([tuple(build(network)(torch.zeros(2, 3, 32, 32)).shape) for network in networks], "
        "'own_nets' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("[(2, 10), (2, 10), (2, 10)] False", "")


def test_networks_are_copied_and_pickled(cell: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    network = open_foreign(register(cell["make_net"])).scaled(WIDER)
    for twin in (copy.copy(network), copy.deepcopy(network), from_dict(network.to_dict())):
        assert twin == network
    sent = pickle.dumps(network)
    monkeypatch.setattr(live, "_known", {})
    assert pickle.loads(sent) == network
    assert payload(network.source) is not None


def test_a_kept_payload_is_adopted_under_its_name(cell: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    name = register(cell["make_net"])
    kept = payload(name)
    assert kept is not None and payload("timm:resnet18") is None
    monkeypatch.setattr(live, "_known", {})
    assert payload(name) is None
    assert adopt(kept) == name
    assert payload(name) == kept


@pytest.mark.parametrize("damage", [lambda kept: kept[:-1], lambda kept: kept[1:], lambda kept: b"", lambda kept: b"1"])
def test_damaged_payloads_are_refused(cell: dict[str, Any], damage: Callable[[bytes], bytes]) -> None:
    kept = payload(register(cell["make_net"]))
    assert kept is not None
    with pytest.raises(InvalidInput, match="no live network that was kept, or damaged"):
        adopt(damage(kept))


def test_another_python_is_named(cell: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    kept = payload(register(cell["make_builder"](8)))
    assert kept is not None
    name = adopt(
        kept.replace(f'"python": "{live._PYTHON}"'.encode(), b'"python": "3.9"').replace(b"build", b"elder", 1)
    )
    with pytest.raises(InvalidInput, match=r"live:elder-\w+ was kept by Python 3\.9, whose code"):
        open_foreign(name)


def test_an_unknown_name_says_where_it_came_from() -> None:
    with pytest.raises(InvalidInput, match=r"live:net-01234567 was made in another Python session; open its run with"):
        open_foreign("live:net-01234567")


# --- what cannot be one


@pytest.mark.parametrize(
    ("thing", "sentence"),
    [
        ([nn.ReLU()], "or such a module, not a list"),
        ("resnet50", "not a str"),
        (3, "not an int"),
    ],
)
def test_other_things_are_refused(thing: Any, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        register(thing)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("lambda: 'a network'", r"live:lambda-\w+ returns a str, not a torch.nn.Module"),
        ("lambda channels: Net()", "missing 1 required positional argument: 'channels'"),
        ("lambda: 1 / 0", "cannot be built: division by zero"),
    ],
)
def test_functions_that_make_no_network_are_refused(cell: dict[str, Any], code: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        open_foreign(register(eval(code, cell)))


def test_what_cannot_be_pickled_is_named_with_the_way_out(cell: dict[str, Any]) -> None:
    lock = threading.Lock()

    def make() -> nn.Module:
        with lock:
            return nn.Conv2d(3, 3, 3)

    with pytest.raises(InvalidInput, match=r"make cannot .* because of lock: cannot pickle .*file\.py:make"):
        register(make)
    module = cell["Net"]()
    module.stage1[0].lock = lock
    with pytest.raises(InvalidInput, match=r"because of stage1\.0\.lock: .*file\.py:Net"):
        register(module)


def test_one_module_for_all_networks_is_refused(cell: dict[str, Any]) -> None:
    module = cell["Net"]()
    with pytest.raises(InvalidInput, match="uses a Net made outside it, whose weights all its networks would share"):
        register(lambda: module)
    relu = nn.ReLU()
    register(lambda: relu)


def test_layers_without_a_size_are_refused() -> None:
    with pytest.raises(InvalidInput, match="run it once on a batch of images"):
        register(nn.Sequential(nn.LazyConv2d(8, 3)))


@pytest.mark.zoo
def test_modules_of_a_library_stay_names() -> None:
    models = pytest.importorskip("torchvision.models")
    kept = payload(name := register(models.resnet18(weights=None)))
    assert kept is not None and len(kept) < 30_000
    scaled = open_foreign(name).scaled(Multipliers(depth=1.5, width=0.5, resolution=0.25))
    assert build(scaled.replaced(classes=5))(torch.randn(2, 3, 56, 56)).shape == (2, 5)
