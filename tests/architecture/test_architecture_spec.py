"""A network as YAML: what is read, what is written again, and what is refused with the stage named."""

from typing import Any

import pytest

from scaling_search.architecture import Architecture, from_dict, policy
from scaling_search.coefficients import Multipliers
from scaling_search.errors import InvalidInput
from scaling_search.search import searchspace


def content(**changes: Any) -> dict[str, Any]:
    """A small network with one MBConv and one bottleneck stage."""
    return {
        "resolution": 64,
        "classes": 10,
        "stem": {"channels": 16},
        "stages": [
            {"block": "mbconv", "channels": 16, "layers": 2, "stride": 2, "se": 0.25},
            {"block": "bottleneck", "channels": 64, "layers": 1, "stride": 2, "groups": 4},
        ],
        **changes,
    }


def with_stage(**changes: Any) -> dict[str, Any]:
    first, second = content()["stages"]
    return content(stages=[first, {**second, **changes}])


def test_every_baseline_survives_being_written_and_read() -> None:
    for name in searchspace.names():
        network = searchspace.load(name).network()
        assert isinstance(network, Architecture)
        assert from_dict(network.to_dict()) == network
        scaled = network.scaled(Multipliers(depth=1.3, width=0.6, resolution=0.9))
        assert from_dict(scaled.to_dict()) == scaled


def test_a_policy_of_ones_own_survives_too() -> None:
    network = from_dict(content(rounding={"divisor": 3, "depth": "nearest"}))
    assert from_dict(network.to_dict()).rounding.divisor == 3
    assert from_dict(content(rounding="lite")).to_dict()["rounding"] == "lite"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (with_stage(layers=0), r"stage 2 \(bottleneck\) needs at least 1 layer, not 0"),
        (with_stage(channels=-8), r"stage 2 \(bottleneck\) needs at least 1 channel"),
        (with_stage(groups=32), r"stage 2 \(bottleneck\) 64 channels are not a multiple of 128, as its groups need"),
        (with_stage(group_width=24), r"stage 2 \(bottleneck\) 64 channels are not a multiple of 96"),
        (with_stage(block="mbconv", groups=4), r"unknown key stages\.1\.mbconv\.groups"),
        (with_stage(kernal=3), r"unknown key stages\.1\.bottleneck\.kernal; did you mean kernel"),
        (with_stage(stride=3), r"stages\.1\.bottleneck\.stride"),
        (with_stage(se=2.0), r"stages\.1\.bottleneck\.se"),
        (with_stage(block="botleneck"), r"stages\.1"),
        (content(stages=[]), "at least one stage"),
        (content(resolution=7), r"7 px is too small: the strides up to stage 2 \(bottleneck\) need at least 8 px"),
        (content(resolution=1), "too small for the stem"),
        (content(rounding="eficientnet"), "did you mean efficientnet"),
        (content(dropout=1.5), "dropout"),
        (content(stem={"channels": 0}), r"stem\.channels"),
        (content(stem={"channels": 9, "kind": "deep"}), "deep stem"),
    ],
)
def test_a_wrong_spec_is_refused_and_the_stage_named(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        from_dict({"name": "wrong", **wrong})


def test_squeeze_excitation_on_nothing_is_refused() -> None:
    stage = {"block": "mbconv", "channels": 16, "layers": 1, "se_gate": "hard_sigmoid"}
    with pytest.raises(InvalidInput, match=r"stage 1 \(mbconv\) se_gate without se"):
        from_dict(content(stages=[stage]))


def test_an_expansion_must_be_positive() -> None:
    for expansion in (0, [6, -1], []):
        stage = {"block": "mbconv", "channels": 16, "layers": 1, "expansion": expansion}
        with pytest.raises(InvalidInput, match=r"stage 1 \(mbconv\) the expansion must be positive"):
            from_dict(content(stages=[stage]))


def test_convnext_needs_a_stride_to_change_width() -> None:
    stages = [{"block": "convnext", "channels": 32, "layers": 1}]
    with pytest.raises(InvalidInput, match=r"stage 1 \(convnext\) a change from 16 to 32 channels needs a stride"):
        from_dict(content(stages=stages))


def test_replaced_changes_only_what_is_given_and_checks_it() -> None:
    network = from_dict(content())
    other = network.replaced(resolution=96, classes=7, dropout=0.1, name="other", rounding=policy("lite"))
    assert (other.resolution, other.classes, other.dropout, other.name) == (96, 7, 0.1, "other")
    assert other.stages == network.stages
    assert other.rounding == policy("lite")
    with pytest.raises(InvalidInput, match="too small"):
        network.replaced(resolution=4)


def test_the_signature_says_what_was_built() -> None:
    assert from_dict(content()).signature == "d2-1 w16-16-64 r64"


def test_minimum_resolution_is_the_product_of_the_strides() -> None:
    assert from_dict(content()).minimum_resolution == 8
    assert searchspace.load("resnet50").network().minimum_resolution == 32
    assert searchspace.load("vgg16_bn").network().minimum_resolution == 32
