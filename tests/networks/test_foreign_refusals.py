"""What cannot be scaled is refused before it is trained, with the reason and the way out."""

from pathlib import Path

import pytest

from scaling_search.coefficients import Multipliers
from scaling_search.errors import InvalidInput
from scaling_search.networks.foreign import open_foreign

USER = Path(__file__).parent / "user_networks.py"
WIDER = Multipliers(depth=1, width=2, resolution=1)
DEEPER = Multipliers(depth=2, width=1, resolution=1)


def refusal(name: str, multipliers: Multipliers) -> str:
    with pytest.raises(InvalidInput) as refused:
        open_foreign(name).scaled(multipliers).cost()
    assert "give a builder build(width, depth)" in str(refused.value)
    return str(refused.value)


def test_a_view_with_a_number_is_named() -> None:
    # twice as many channels make twice as many rows: the forward itself does not fail
    assert "hard-codes channels in view(-1, 400)" in refusal(f"{USER}:LeNet", WIDER)


def test_a_slice_that_would_go_on_working_is_named() -> None:
    assert "a slice of channels [:, :16]" in refusal(f"{USER}:HalfSlice", WIDER)


def test_a_slice_does_not_stand_in_the_way_of_depth() -> None:
    assert open_foreign(f"{USER}:HalfSlice").scaled(DEEPER).depths == (4,)


def test_depth_that_nothing_could_be_added_for() -> None:
    assert "no block that could be repeated" in refusal(f"{USER}:Attributes", DEEPER)
    assert open_foreign(f"{USER}:Attributes").scaled(WIDER).widths[0] == 16


def test_a_builder_that_ignores_a_multiplier() -> None:
    assert "the same network whatever the depth" in refusal(f"{USER}:lazy_build", WIDER)


@pytest.mark.zoo
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ghostnet_100", "a slice of channels"),
        ("res2net50_26w_4s", "split(26, dim=1)"),
        ("mixnet_s", "hard-codes channels in split"),
        ("cspresnet50", "split(128, dim=1)"),
    ],
)
def test_known_hard_networks_are_refused_in_width(name: str, reason: str) -> None:
    pytest.importorskip("timm")
    assert reason in refusal(f"timm:{name}", WIDER)
