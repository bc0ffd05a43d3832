"""Optimizers, averaging and batch-norm statistics, each against its formula."""

import pytest
import torch
from torch import nn

from scaling_search.training.averaging import Average, reestimate_batch_norm, set_bn_momentum
from scaling_search.training.optimizer import RMSPropTF, make_optimizer
from scaling_search.training.recipe import RECIPES, recipe


def _module() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


@pytest.mark.parametrize("name", RECIPES)
def test_biases_and_norms_do_not_decay(name: str) -> None:
    module = _module()
    groups = make_optimizer(module, recipe(name)).param_groups
    decayed = {param for group in groups if group["weight_decay"] > 0 for param in group["params"]}
    assert decayed == {param for param in module.parameters() if param.ndim > 1}
    assert sum(len(group["params"]) for group in groups) == len(list(module.parameters()))


def test_rmsprop_follows_tensorflows_formula() -> None:
    weight = nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = RMSPropTF([weight], lr=0.1, decay=0.9, momentum=0.5, epsilon=1e-3)
    expected, square, velocity = weight.detach().clone(), torch.ones(2), torch.zeros(2)
    for gradient in (torch.tensor([0.5, 1.0]), torch.tensor([-1.0, 0.2])):
        weight.grad = gradient.clone()
        optimizer.step()
        square = 0.9 * square + 0.1 * gradient**2
        velocity = 0.5 * velocity + 0.1 * gradient / (square + 1e-3).sqrt()
        expected -= velocity
        torch.testing.assert_close(weight.detach(), expected)


def test_rmsprop_decays_weights_through_the_gradient() -> None:
    weight = nn.Parameter(torch.full((2, 2), 3.0))
    optimizer = RMSPropTF([{"params": [weight], "weight_decay": 0.1}], lr=0.1, decay=0.9, momentum=0, epsilon=0)
    weight.grad = torch.zeros(2, 2)
    optimizer.step()
    torch.testing.assert_close(weight.detach(), torch.full((2, 2), 3 - 0.1 * 0.3 / (0.9 + 0.1 * 0.09) ** 0.5))


def test_average_follows_its_ramp_and_is_swapped_in_and_out() -> None:
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    average = Average(module, ceiling=0.5)
    nn.init.ones_(module.weight)
    average.update(1)  # decay 2/11
    average.update(100)  # the ceiling
    expected = 1 - (2 / 11) * 0.5
    with average.applied():
        assert module.weight.item() == pytest.approx(expected)
    assert module.weight.item() == 1
    with average.applied():
        assert module.weight.item() == pytest.approx(expected)


def test_average_covers_running_statistics_but_not_counters() -> None:
    names = Average(_module(), ceiling=0.9).values
    assert "1.running_var" in names
    assert "1.num_batches_tracked" not in names


def test_reestimated_statistics_are_those_of_the_batches() -> None:
    norm = nn.BatchNorm2d(3)
    module = nn.Sequential(norm, nn.Dropout(0.5))
    set_bn_momentum(module, 0.01)
    batches = [torch.randn(8, 3, 4, 4) * 5 + 2 for _ in range(3)]
    reestimate_batch_norm(module, batches)
    assert norm.running_mean is not None and norm.running_var is not None
    torch.testing.assert_close(norm.running_mean, torch.stack([b.mean((0, 2, 3)) for b in batches]).mean(0))
    torch.testing.assert_close(norm.running_var, torch.stack([b.var((0, 2, 3)) for b in batches]).mean(0))
    assert norm.momentum == 0.01
    assert not norm.training


@pytest.mark.zoo
def test_rmsprop_is_timms() -> None:
    """Twenty steps of the paper's settings from equal weights with equal gradients."""
    from timm.optim import RMSpropTF as Reference

    weights = torch.randn(40, generator=torch.Generator().manual_seed(0))
    ours, theirs = (nn.Parameter(weights.clone()) for _ in range(2))
    mine = RMSPropTF([ours], lr=0.016, decay=0.9, momentum=0.9, epsilon=1e-3)
    reference = Reference([theirs], lr=0.016, alpha=0.9, momentum=0.9, eps=1e-3)
    for step in range(20):
        gradient = torch.randn(40, generator=torch.Generator().manual_seed(step))
        for parameter, optimizer in ((ours, mine), (theirs, reference)):
            parameter.grad = gradient.clone()
            optimizer.step()
    assert (ours - theirs).abs().max() <= 7e-7
