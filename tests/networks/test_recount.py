"""fvcore as a witness: it agrees, it disagrees, it cannot say."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scaling_search.architecture import Cost, Network
from scaling_search.coefficients import Multipliers
from scaling_search.errors import InvalidInput
from scaling_search.networks import build, recount
from scaling_search.networks.foreign import open_foreign
from scaling_search.networks.recount import CountCheck, check_counts, fvcore_counts
from scaling_search.search import searchspace

USER = Path(__file__).parent / "user_networks.py"


@pytest.mark.parametrize(("name", "macs"), [("b0", 385_814_752), ("resnet18", 1_814_073_344)])
def test_fvcore_agrees_about_described_networks(name: str, macs: int) -> None:
    assert check_counts(searchspace.load(name).network()) == CountCheck(ours=macs, fvcore=macs)


@pytest.mark.parametrize("network", ["make_net", "plain_net", "build"])
def test_fvcore_agrees_about_a_users_network(network: str) -> None:
    wider = open_foreign(f"{USER}:{network}").scaled(Multipliers(depth=1, width=1.5, resolution=1))
    found = check_counts(wider)
    assert found.agrees
    assert found.ours == wider.cost().macs > 100_000
    assert "the same" in found.sentence


def test_a_wrong_count_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    network = open_foreign(f"{USER}:make_net")
    right = network.cost()
    monkeypatch.setattr(type(network), "cost", lambda self: replace(right, macs=right.macs + 1))
    found = check_counts(network)
    assert not found.agrees
    assert (
        found.sentence == f"fvcore counts {right.macs:,} multiply-adds in the built module, and not {right.macs + 1:,}"
    )


class Attention(nn.Module):
    """Every kind of matrix product, the last of which fvcore does not know."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.scores = nn.Linear(8, 5, bias=False)
        self.free = nn.Parameter(torch.ones(8, 8))

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.stem(x).flatten(2).transpose(1, 2)  # [1, 36, 8]
        mixed = torch.einsum("ntc,cd->ntd", tokens @ self.free, self.free)
        pairs = torch.bmm(mixed, mixed.transpose(1, 2))  # [1, 36, 36]
        attended = F.scaled_dot_product_attention(tokens[:, None], tokens[:, None], tokens[:, None])[:, 0]
        scores: Tensor = self.scores(attended.mean(1)) + pairs.mean()
        return scores


def test_all_products_are_added_and_what_fvcore_does_not_know_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    network = small_network(monkeypatch, Attention())
    found = check_counts(network)
    convolution, linear, products = 36 * 8 * 27, 8 * 5, 2 * 36 * 8 * 8 + 36 * 36 * 8
    assert found.fvcore == convolution + linear + products
    assert found.unseen == ("scaled_dot_product_attention",)
    assert "does not know scaled_dot_product_attention" in found.sentence


def small_network(monkeypatch: pytest.MonkeyPatch, module: nn.Module) -> Network:
    """A network of 8 px that is built as this module and costs nothing."""
    monkeypatch.setattr(recount, "build", lambda network: module)
    network = open_foreign(f"{USER}:make_net").replaced(resolution=8)
    monkeypatch.setattr(type(network), "cost", lambda self: Cost(params=0, macs=0, activations=0))
    return network


class Fails(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise RuntimeError("only on Mondays\nand a long trace")


def test_what_cannot_be_traced_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match=r"make_net cannot be counted by fvcore: only on Mondays$"):
        check_counts(small_network(monkeypatch, Fails()))


def test_a_missing_fvcore_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    modules: Any = {"fvcore": None, "fvcore.nn": None}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    with pytest.raises(InvalidInput, match="pip install fvcore"):
        check_counts(open_foreign(f"{USER}:make_net"))


def test_the_callers_random_numbers_and_modes_stay() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    check_counts(open_foreign(f"{USER}:build"))
    assert torch.rand(1) == expected
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout()).train()
    fvcore_counts(module, 8)
    assert module.training and module[1].training


def test_fvcores_total_counts_more_than_ours() -> None:
    """B0: norms and pooling stand beside the 385,814,752 of convolutions and linear layers."""
    counts, _ = fvcore_counts(build(searchspace.load("b0").network()), 224)
    assert counts["batch_norm"] == 13_475_392
    assert counts.total() == 385_814_752 + counts["batch_norm"] + counts["adaptive_avg_pool2d"]
