"""Exact cost: the published counts, arrays against one network at a time, and sizes far beyond 64 bits."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling_search.architecture import Architecture, from_dict
from scaling_search.coefficients import PAPER, Multipliers
from scaling_search.search import searchspace

REFERENCE = Path(__file__).parents[1] / "reference"

ZOO = {
    "resnet18": "resnet18", "resnet50": "resnet50", "resnet152": "resnet152", "resnext101_32x4d": "resnext101",
    "mobilenetv1_100": "mobilenet_v1", "mobilenetv2_100": "mobilenet_v2", "mobilenet_v3_small": "mobilenet_v3_small",
    "mobilenet_v3_large": "mobilenet_v3_large", "densenet121": "densenet121", "densenet169": "densenet169",
    "regnetx_002": "regnetx_002", "regnetx_004": "regnetx_004", "regnetx_016": "regnetx_016",
    "regnety_002": "regnety_002", "regnety_004": "regnety_004", "regnety_032": "regnety_032",
    "convnext_tiny": "convnext_tiny",
}  # fmt: skip
"""Rows of model_costs.csv and our names for them."""


def baseline(name: str) -> Architecture:
    network = searchspace.load(name).network()
    assert isinstance(network, Architecture)
    return network


def rows(file: str) -> list[dict[str, str]]:
    with (REFERENCE / file).open(encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def counts(row: dict[str, str]) -> tuple[int, ...]:
    return tuple(int(row[column]) for column in ("params", "macs", "activations"))


def reference(model: str, source: str | None = None) -> dict[str, str]:
    return next(row for row in rows("model_costs.csv") if row["model"] == model and source in (None, row["source"]))


def as_counts(network: Architecture) -> tuple[int, ...]:
    cost = network.cost()
    return cost.params, cost.macs, cost.activations


def test_the_published_efficientnets_to_the_unit() -> None:
    b0 = baseline("b0")
    for row in rows("efficientnet_family.csv"):
        multipliers = Multipliers(
            depth=float(row["depth"]), width=float(row["width"]), resolution=int(row["resolution"]) / b0.resolution
        )
        network = b0.scaled(multipliers)
        assert network.resolution == int(row["resolution"])
        assert as_counts(network) == counts(row), row["level"]


@pytest.mark.parametrize("model", ZOO)
def test_the_counts_of_the_zoo_to_the_unit(model: str) -> None:
    # timm and torchvision differ in activations where one writes a layer as linear: ours are torchvision's
    source = "torchvision" if model == "mobilenet_v3_large" else None
    assert as_counts(baseline(ZOO[model])) == counts(reference(model, source))


def test_vgg_to_the_unit() -> None:
    assert as_counts(baseline("vgg16_bn")) == counts(reference("vgg16_bn", "torchvision"))


@pytest.mark.parametrize(("model", "width", "depth"), [("050", 0.5, 1.0), ("075", 0.75, 1.0), ("120d", 1.2, 1.4)])
def test_scaled_mobilenet_v2_to_the_unit(model: str, width: float, depth: float) -> None:
    network = baseline("mobilenet_v2")
    if model == "120d":  # timm's own variant: the stem, the head and the outer stages stay
        fixed = {"fixed_widths": ("stem", "head"), "fixed_depths": ("first", "last"), "head_grows_only": False}
        network = network.replaced(rounding=network.rounding.model_copy(update=fixed))
    scaled = network.scaled(Multipliers(depth=depth, width=width, resolution=1))
    assert as_counts(scaled) == counts(reference(f"mobilenetv2_{model}"))


def test_variants_that_no_baseline_ships() -> None:
    densenet = baseline("densenet121").with_shape(depths=(6, 12, 64, 48))
    assert as_counts(densenet) == counts(reference("densenet264_k32"))
    content = baseline("resnext101").to_dict()
    for stage in content["stages"]:
        stage.update(ratio=1.0, groups=64)
    assert as_counts(from_dict(content)) == counts(reference("resnext101_64x4d"))
    assert as_counts(from_dict(content).replaced(resolution=320))[1] == 31549440000


def test_sections_sum_to_the_whole() -> None:
    for name in ("b0", "densenet121", "mobilenet_v3_large"):
        network = baseline(name)
        parts = network.section_costs().values()
        assert sum(part.macs for part in parts) == network.cost().macs
        assert sum(part.params for part in parts) == network.cost().params
        assert sum(part.kept for part in parts) == network.cost().kept


multiplier = st.floats(min_value=0.05, max_value=8)


@settings(max_examples=40)
@given(
    name=st.sampled_from(sorted(searchspace.names())),
    points=st.lists(st.tuples(multiplier, multiplier, multiplier), min_size=1, max_size=4),
)
def test_arrays_count_what_one_network_counts(name: str, points: list[tuple[float, float, float]]) -> None:
    network = baseline(name)
    depth, width, resolution = np.array(points).T
    together = network.costs(depth, width, resolution)
    for index, (d, w, r) in enumerate(points):
        alone = network.scaled(Multipliers(depth=d, width=w, resolution=r))
        # as_dict, because two costs are equal already when their counts are
        assert together[index].as_dict() == alone.cost().as_dict()
        assert together.pixels[index] == alone.resolution


def test_many_more_than_one_chunk() -> None:
    network = baseline("b0")
    multipliers = np.linspace(0.5, 2, 9001)
    costs = network.costs(multipliers, multipliers, multipliers)
    assert len(costs) == 9001
    last = network.scaled(Multipliers(depth=2, width=2, resolution=2))
    assert costs[9000] == last.cost()
    assert len(network.costs(np.zeros(0), np.zeros(0), np.zeros(0))) == 0


def test_b0_at_phi_30_still_counts_exactly() -> None:
    network = baseline("b0").scaled(PAPER.multipliers(30))
    stages = [part.macs for part in network.section_costs().values()]
    assert network.cost().macs == sum(stages) == 113760904352560528


def test_beyond_64_bits_the_arrays_are_exact_too() -> None:
    b0, far = baseline("b0"), PAPER.multipliers(50)
    costs = b0.costs(*(np.array([1.0, value]) for value in (far.depth, far.width, far.resolution)))
    assert int(costs.macs[1]) > 2**63
    assert costs[0].as_dict() == b0.cost().as_dict()
    assert costs[1].as_dict() == b0.scaled(far).cost().as_dict()
    total = costs.memory(batch_size=64).total
    assert isinstance(total, np.ndarray)
    assert int(total[1]) == b0.scaled(far).cost().memory(batch_size=64).total


def test_effective_multipliers_are_one_for_the_base_and_nearly_multiply_to_the_ratio() -> None:
    b0 = baseline("b0").replaced(rounding=baseline("b0").rounding.for_proxies())
    assert b0.effective(b0) == Multipliers(depth=1, width=1, resolution=1)
    for asked in (Multipliers(depth=2, width=1, resolution=1), Multipliers(depth=1.4, width=1.3, resolution=1.2)):
        network = b0.scaled(asked)
        built = network.effective(b0)
        ratio = network.cost().macs / b0.cost().macs
        assert built.depth * built.width**2 * built.resolution**2 == pytest.approx(ratio, rel=0.03)
    assert b0.scaled(Multipliers(depth=2, width=1, resolution=1)).effective(b0).width == 1
