"""torch's optimizers without the import of its compiler: the same updates, and no compiler."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from scaling_search.training import uncompiled

TRAINED = """
import sys, torch
from torch import nn
from scaling_search.training.optimizer import make_optimizer
from scaling_search.training.recipe import RECIPES, recipe
for name in RECIPES:
    module = nn.Linear(3, 2)
    optimizer = make_optimizer(module, recipe(name))
    optimizer.zero_grad()
    module(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
print("torch._dynamo" in sys.modules)
"""


def updated(kind: Any, **settings: float | bool) -> list[Tensor]:
    """A layer's parameters after three steps."""
    torch.manual_seed(0)
    module, images = nn.Linear(5, 3), torch.randn(4, 5)
    optimizer = kind(module.parameters(), lr=0.1, fused=True, **settings)
    for _ in range(3):
        optimizer.zero_grad()
        module(images).square().sum().backward()
        optimizer.step()
    return [parameter.detach() for parameter in module.parameters()]


@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_updates_are_torchs_to_the_bit(name: str) -> None:
    settings = {"momentum": 0.9, "nesterov": True} if name == "SGD" else {}
    for own, torchs in zip(
        updated(getattr(uncompiled, name), **settings), updated(getattr(torch.optim, name), **settings), strict=True
    ):
        torch.testing.assert_close(own, torchs, rtol=0, atol=0)


def test_no_recipe_imports_the_compiler() -> None:
    done = subprocess.run([sys.executable, "-c", TRAINED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
