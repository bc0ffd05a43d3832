"""Spaces of stages: what they ask, what is built of the answers, and what cannot be."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from scaling_search.architecture.blocks import MBConv, Plain
from scaling_search.configuration import parse
from scaling_search.errors import InvalidInput
from scaling_search.search import searchspace
from scaling_search.search.proxy import ProxySize
from scaling_search.search.space import Limits
from scaling_search.search.staged import Seeking, StagedSpace
from scaling_search.search.stages import StageSpace, load_space, space_names
from scaling_search.search.table import read_table, write_table
from scaling_search.strategies import Goal, Point

TINY: dict[str, Any] = {
    "name": "tiny_space",
    "baseline": {
        "resolution": 64, "classes": 10, "activation": "silu", "rounding": "efficientnet", "stem": {"channels": 16},
        "stages": [
            {"block": "mbconv", "channels": 16, "layers": 1, "kernel": 3, "expansion": 1, "se": 0},
            {"block": "mbconv", "channels": 32, "layers": 2, "stride": 2, "kernel": 3, "expansion": 4, "se": 0},
        ],
        "head": {"channels": 64},
    },
    "choices": {"block": ["mbconv", "plain"], "kernel": [3, 5], "channels": [0.5, 1, 1.5]},
    "stages": {2: {"layers": [-1, 0, 1], "se": [0, 0.25]}},
    "proxy": {"cpu": {"width": 0.75, "resolution": 24}, "minimum_images": 1},
}  # fmt: skip


def tiny(**changes: Any) -> StageSpace:
    return parse(StageSpace, TINY | changes, origin="tiny_space.yaml")


def staged(limits: Limits | None = None) -> StagedSpace:
    seeking = Seeking(space=tiny(), target=1, goal=Goal(target=1.0), size=ProxySize(width=0.75, resolution=24))
    return StagedSpace.of(seeking, classes=3, limits=limits or Limits())


@pytest.mark.parametrize("name", space_names())
def test_a_shipped_space_begins_with_its_own_network_and_builds_any(name: str) -> None:
    space = load_space(name)
    assert space.build(space.start) == space.network()
    for number in range(20):
        network = space.drawn(Random(number))
        assert network.cost().macs > 0
        assert len(network.stages) == len(space.network().stages)


def test_spaces_are_no_baselines_and_both_are_found_by_name() -> None:
    assert set(space_names()) == {"mnasnet", "resnet"}
    assert not any(name.endswith("_space") for name in searchspace.names())
    assert load_space("mnasnet") == load_space("mnasnet_space")
    with pytest.raises(InvalidInput, match="did you mean mnasnet"):
        load_space("mnasnt")


def test_the_questions_are_those_with_several_answers_stage_by_stage() -> None:
    space = tiny()
    assert [(question.stage, question.option) for question in space.questions] == [
        (1, "block"), (1, "kernel"), (1, "channels"),
        (2, "block"), (2, "kernel"), (2, "channels"), (2, "se"), (2, "layers"),
    ]  # fmt: skip
    assert space.sizes[:3] == (2, 2, 3)
    assert space.start[:3] == (0, 0, 1)


def test_answers_change_their_stage_alone() -> None:
    space = tiny()
    names = [(question.stage, question.option) for question in space.questions]
    choices = list(space.start)
    choices[names.index((2, "layers"))] = 2
    choices[names.index((2, "se"))] = 1
    first, second = space.build(tuple(choices)).stages
    assert first == space.network().stages[0]
    assert isinstance(second, MBConv)
    assert (second.layers, second.se, second.expansion) == (3, 0.25, 4)


def test_what_a_block_does_not_have_makes_no_other_network() -> None:
    space = tiny()
    names = [(question.stage, question.option) for question in space.questions]
    choices = list(space.start)
    choices[names.index((2, "block"))] = 1
    plain = space.build(tuple(choices))
    other = list(choices)
    other[names.index((2, "kernel"))] = 1
    assert isinstance(plain.stages[1], Plain)
    assert space.build(tuple(other)) == plain
    assert len(staged().candidates([Point(choices=tuple(choices)), Point(choices=tuple(other))])) == 1


def test_channels_are_rounded_as_the_network_rounds() -> None:
    names = [(question.stage, question.option) for question in tiny().questions]
    choices = list(tiny().start)
    choices[names.index((1, "channels"))] = 2
    assert tiny().build(tuple(choices)).stages[0].channels == 24


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"choices": {"layers": [-1, 0]}}, r"stage 1 \(mbconv.*needs at least 1 layer, not 0"),
        ({"choices": {"kernel": [5, 7]}, "stages": {}}, r"stage 1: kernel \[5, 7\] lacks 3, which the network itself"),
        ({"choices": {"channels": [1, 1]}, "stages": {}}, "stage 1: channels names an answer twice"),
        ({"choices": {"expansion": [0, 1]}, "stages": {2: {"expansion": [4]}}}, r"stage 1 \(mbconv.*expansion must be"),
        ({"stages": {9: {"layers": [0]}}}, r"stages.9: the network has stages 1 to 2"),
        ({"choices": {"kernl": [3]}}, "unknown key choices.kernl; did you mean kernel"),
        ({"choices": {"block": ["mbconf"]}}, "choices.block"),
    ],
)  # fmt: skip
def test_an_impossible_stage_is_named(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        tiny(**changes)


def test_the_cheapest_and_the_dearest_network_bound_all_others() -> None:
    space = tiny()
    least, most = space.reach()
    costs = [space.drawn(Random(number)).cost().macs for number in range(200)]
    assert least <= min(costs) and max(costs) <= most
    assert least < space.network().cost().macs < most


def test_a_candidate_is_the_small_network_and_its_costs_are_over_the_spaces_own(tmp_path: Path) -> None:
    space = staged()
    [own] = space.candidates([Point(choices=tiny().start)])
    assert own.macs_ratio == 1.0
    assert own.network.resolution == 24
    assert own.full is not None and own.full.cost == tiny().network().cost()
    assert own.shares.as_tuple() == pytest.approx((1 / 3, 1 / 3, 1 / 3))


def test_networks_that_differ_in_a_kernel_alone_are_two_candidates() -> None:
    space = staged()
    start = space.seeking.space.start
    questions = [question for question, answer in enumerate(start) if answer == 0]
    changed = [tuple(1 if place == one else answer for place, answer in enumerate(start)) for one in questions]
    found = space.candidates([Point(choices=choices) for choices in (start, *changed)])
    shapes = {(one.network.depths, one.network.widths, one.network.resolution) for one in found}
    assert len({one.key for one in found}) == len(found) > len(shapes)


def test_limits_are_those_of_the_full_network() -> None:
    full = tiny().network().cost()
    assert staged(Limits(macs=full.macs)).candidate(Point(choices=tiny().start)) is not None
    assert staged(Limits(macs=full.macs - 1)).candidate(Point(choices=tiny().start)) is None
    assert staged(Limits(params=full.params - 1)).candidate(Point(choices=tiny().start)) is None


def test_the_table_holds_networks_that_no_scaling_gives(tmp_path: Path) -> None:
    space = staged()
    generator = Random(1)
    points = [Point(choices=tuple(generator.randrange(size) for size in tiny().sizes)) for _ in range(8)]
    found = space.candidates(points)
    write_table(tmp_path / "candidates.csv", found)
    again = read_table(tmp_path / "candidates.csv", space.base)
    assert [(one.id, one.network.replaced(name="x"), one.choices, one.key) for one in again] == [
        (one.id, one.network.replaced(name="x"), one.choices, one.key) for one in found
    ]


def test_a_space_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine_space.yaml"
    path.write_text(yaml.safe_dump(TINY))
    assert load_space(str(path)) == tiny()
