"""What run.yaml notes of our cost model against an independent witness."""

from types import SimpleNamespace

import pytest

from scaling_search.architecture import Network, from_dict
from scaling_search.errors import InvalidInput
from scaling_search.search.counts import count_record
from scaling_search.search.record import CountRecord


@pytest.fixture
def network() -> Network:
    stage = {"block": "mbconv", "channels": 8, "layers": 1, "stride": 2, "kernel": 3, "expansion": 2}
    return from_dict({"name": "tiny", "resolution": 16, "stem": {"channels": 8}, "stages": [stage]})


def test_the_witness_agrees(network: Network) -> None:
    record = count_record("base", network)
    assert record.ours == record.fvcore
    assert record.note == ""


def test_a_difference_is_noted(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    found = SimpleNamespace(ours=7, fvcore=8, agrees=False, sentence="7 here, 8 there")
    monkeypatch.setattr("scaling_search.networks.recount.check_counts", lambda network: found)
    assert count_record("b1", network) == CountRecord(network="b1", ours=7, fvcore=8, note="7 here, 8 there")


def test_what_cannot_be_traced_is_noted_and_ends_nothing(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    def untraceable(network: Network) -> None:
        raise InvalidInput("fvcore cannot trace it")

    monkeypatch.setattr("scaling_search.networks.recount.check_counts", untraceable)
    record = count_record("base", network)
    assert (record.ours, record.fvcore, record.note) == (network.cost().macs, None, "fvcore cannot trace it")
