"""Recipes as data."""

import subprocess
import sys

import pytest

from scaling_search.errors import InvalidInput
from scaling_search.training.recipe import RECIPES, Recipe, recipe
from scaling_search.training.schedule import Annealed, Constant, Exponential


def test_proxy_is_annealed_and_neither_averages_nor_drops() -> None:
    proxy = recipe("proxy")
    assert isinstance(proxy.schedule, Annealed)
    assert proxy.ema is None
    assert proxy.dropout == proxy.drop_connect == 0
    assert proxy.zero_init_residual


def test_paper_holds_the_published_numbers() -> None:
    paper = recipe("paper")
    assert (paper.optimizer, paper.second_moment, paper.momentum, paper.epsilon) == ("rmsprop", 0.9, 0.9, 1e-3)
    assert paper.schedule == Exponential(rate=0.97, every=2.4, warmup_epochs=5)
    assert (paper.weight_decay, paper.ema, paper.bn_momentum) == (1e-5, 0.9999, 0.01)
    assert paper.peak_lr == pytest.approx(0.256 * paper.batch_size / 4096)
    assert paper.dropout is None and paper.drop_connect is None  # by level: the network says


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_survive_yaml_and_json(name: str) -> None:
    assert RECIPES[name].name == name
    assert Recipe.model_validate_json(RECIPES[name].model_dump_json()) == RECIPES[name]
    assert recipe(name, **RECIPES[name].model_dump(mode="json")) == RECIPES[name]


def test_fields_can_be_changed() -> None:
    changed = recipe("proxy", batch_size=32, schedule={"kind": "constant", "warmup_epochs": 1})
    assert changed.batch_size == 32
    assert changed.schedule == Constant(warmup_epochs=1)
    assert changed.lr == recipe("proxy").lr


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("papr", {}, "did you mean paper"),
        ("proxy", {"batchsize": 32}, "did you mean batch_size"),
        ("proxy", {"batch_size": 1}, "batch_size"),
        ("proxy", {"lr": -1.0}, "lr"),
        ("proxy", {"schedule": {"kind": "step"}}, "schedule"),
    ],
)
def test_mistakes_are_named(name: str, changes: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        recipe(name, **changes)


def test_recipes_do_not_load_torch() -> None:
    code = "import sys, scaling_search.training.recipe; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
