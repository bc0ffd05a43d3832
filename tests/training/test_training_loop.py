"""The loop: what it yields, that it repeats to the bit, and how it fails."""

import json
import os
import weakref
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from scaling_search.architecture import Network
from scaling_search.data import Augment, Dataset, Loader
from scaling_search.errors import InvalidInput
from scaling_search.networks import build
from scaling_search.training import checkpoint, learner
from scaling_search.training.failure import TrainingFailed
from scaling_search.training.loop import EpochMetrics, train_epochs
from scaling_search.training.recipe import RECIPES, Recipe, recipe


def _timeless(metrics: Iterator[EpochMetrics] | list[EpochMetrics]) -> list[EpochMetrics]:
    """Everything but what the clock says."""
    return [replace(one, seconds=0.0, images_per_second=0.0) for one in metrics]


@pytest.fixture
def whole(network: Network, dataset: Dataset, quick: Recipe) -> list[EpochMetrics]:
    return _timeless(train_epochs(network, dataset, quick, epochs=3, seed=1))


def test_metrics_are_plausible_and_json_able(network: Network, dataset: Dataset, quick: Recipe) -> None:
    for number, one in enumerate(train_epochs(network, dataset, quick, epochs=2, seed=0), start=1):
        assert one.epoch == number
        assert one.images_seen == number * 64  # whole batches of 16 out of 72
        assert 0 <= one.top1 <= one.top5 <= 1
        assert one.val_loss > 0 and one.train_loss > 0
        assert one.seconds > 0 and one.images_per_second > 0
        assert one.micro_batch == 16
        assert EpochMetrics(**json.loads(json.dumps(asdict(one)))) == one


def test_raw_readings_stand_beside_averaged_ones(network: Network, dataset: Dataset, quick: Recipe) -> None:
    averaged = list(train_epochs(network, dataset, quick, epochs=2, seed=0))
    unread = quick.model_copy(update={"ema": None})
    raw = list(train_epochs(network, dataset, unread, epochs=2, seed=0))
    assert averaged[0].raw_val_loss is None, "an evaluation of its own, which nothing needs before the last epoch"
    assert averaged[-1].raw_val_loss == raw[-1].val_loss, "the average changes no training"
    assert averaged[-1].raw_top1 == raw[-1].top1
    assert averaged[-1].val_loss != averaged[-1].raw_val_loss
    assert all(one.raw_val_loss is None and one.raw_top1 is None for one in raw)


def test_it_learns(network: Network, dataset: Dataset) -> None:
    memorise = recipe("proxy", batch_size=24, lr=0.03, shift=None, label_smoothing=0.0)
    losses = [one.train_loss for one in train_epochs(network, dataset, memorise, epochs=15, seed=0)]
    assert losses[-1] < 0.8 * losses[0]


def test_same_seed_same_bits_whatever_ran_before(
    network: Network, dataset: Dataset, quick: Recipe, whole: list[EpochMetrics]
) -> None:
    torch.manual_seed(99)
    list(train_epochs(network.replaced(resolution=24), dataset, quick, epochs=1, seed=7))
    torch.rand(5)
    assert _timeless(train_epochs(network, dataset, quick, epochs=3, seed=1)) == whole
    assert _timeless(train_epochs(network, dataset, quick, epochs=3, seed=2)) != whole


def test_trials_that_take_turns_do_not_disturb_each_other(
    network: Network, dataset: Dataset, quick: Recipe, whole: list[EpochMetrics]
) -> None:
    one = train_epochs(network, dataset, quick, epochs=3, seed=1)
    other = train_epochs(network, dataset, quick, epochs=3, seed=5)
    assert _timeless([mine for mine, _ in zip(one, other, strict=True)]) == whole


@pytest.mark.parametrize("done", [1, 2, 3])
def test_an_interrupted_training_continues_to_the_bit(
    network: Network, dataset: Dataset, quick: Recipe, whole: list[EpochMetrics], tmp_path: Path, done: int
) -> None:
    interrupted = train_epochs(network, dataset, quick, epochs=3, seed=1, checkpoint=tmp_path / "last.pt")
    for _ in range(done):
        next(interrupted)
    interrupted.close()  # type: ignore[attr-defined]
    assert _timeless(train_epochs(network, dataset, quick, epochs=3, seed=1, checkpoint=tmp_path / "last.pt")) == whole


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
def test_every_optimizer_continues_to_the_bit(
    network: Network, dataset: Dataset, tmp_path: Path, optimizer: str
) -> None:
    own = recipe("proxy", batch_size=16, optimizer=optimizer, lr=0.01)
    next(train_epochs(network, dataset, own, epochs=2, seed=0, checkpoint=tmp_path / "last.pt"))
    continued = train_epochs(network, dataset, own, epochs=2, seed=0, checkpoint=tmp_path / "last.pt")
    assert _timeless(continued) == _timeless(train_epochs(network, dataset, own, epochs=2, seed=0))


def test_a_kill_in_the_middle_of_an_epoch_repeats_that_epoch(
    network: Network,
    dataset: Dataset,
    quick: Recipe,
    whole: list[EpochMetrics],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step = learner.Learner.step

    def killed_at_sixth(self: learner.Learner, *arguments: Any, **options: Any) -> torch.Tensor:
        if self.step_count == 5:
            raise KeyboardInterrupt
        return step(self, *arguments, **options)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(learner.Learner, "step", killed_at_sixth)
        list(train_epochs(network, dataset, quick, epochs=3, seed=1, checkpoint=tmp_path / "last.pt"))
    assert _timeless(train_epochs(network, dataset, quick, epochs=3, seed=1, checkpoint=tmp_path / "last.pt")) == whole


def test_a_truncated_checkpoint_costs_one_epoch_and_no_bit(
    network: Network, dataset: Dataset, quick: Recipe, whole: list[EpochMetrics], tmp_path: Path
) -> None:
    path = tmp_path / "last.pt"
    list(train_epochs(network, dataset, quick, epochs=3, seed=1, checkpoint=path))
    os.truncate(path, path.stat().st_size // 2)
    with pytest.warns(UserWarning, match="damaged"):
        assert _timeless(train_epochs(network, dataset, quick, epochs=3, seed=1, checkpoint=path)) == whole


def test_a_nested_schedule_continues_a_shorter_budget(
    network: Network, dataset: Dataset, quick: Recipe, tmp_path: Path
) -> None:
    constant = quick.model_copy(update={"schedule": recipe("proxy", schedule={"kind": "constant"}).schedule})
    list(train_epochs(network, dataset, constant, epochs=1, seed=1, checkpoint=tmp_path / "last.pt"))
    longer = train_epochs(network, dataset, constant, epochs=3, seed=1, checkpoint=tmp_path / "last.pt")
    first, *others = _timeless(longer)
    assert first.raw_top1 is not None, "it was the last of the shorter one"
    first = replace(first, raw_top1=None, raw_val_loss=None)
    assert [first, *others] == _timeless(train_epochs(network, dataset, constant, epochs=3, seed=1))
    shorter = train_epochs(network, dataset, constant, epochs=1, seed=1, checkpoint=tmp_path / "last.pt")
    assert len(list(shorter)) == 1


def test_another_trainings_checkpoint_is_refused(
    network: Network, dataset: Dataset, quick: Recipe, tmp_path: Path
) -> None:
    list(train_epochs(network, dataset, quick, epochs=1, seed=1, checkpoint=tmp_path / "last.pt"))
    others: list[dict[str, Any]] = [
        {"epochs": 2, "seed": 1},  # annealed: the budget belongs to the schedule
        {"epochs": 1, "seed": 2},
    ]
    for other in others:
        with pytest.raises(InvalidInput, match="another training"):
            next(train_epochs(network, dataset, quick, checkpoint=tmp_path / "last.pt", **other))


def test_a_seed_draws_the_same_images_and_augmentation_for_all_networks(
    network: Network, dataset: Dataset, quick: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw, drawn = Augment.draw, list[torch.Tensor]()
    batch, batches = Loader.batch, list[torch.Tensor]()

    def remembered_draw(self: Augment, count: int, generator: torch.Generator) -> torch.Tensor:
        drawn.append(draw(self, count, generator))
        return drawn[-1]

    def remembered_batch(self: Any, rows: torch.Tensor, *rest: Any) -> Any:
        batches.append(rows)
        return batch(self, rows, *rest)

    monkeypatch.setattr(Augment, "draw", remembered_draw)
    monkeypatch.setattr(Loader, "batch", remembered_batch)
    list(train_epochs(network, dataset, quick, epochs=2, seed=3))
    first_draws, first_batches = drawn.copy(), batches.copy()
    drawn.clear()
    batches.clear()
    list(train_epochs(network.replaced(resolution=20), dataset, quick, epochs=2, seed=3))
    assert len(drawn) == 8 and all(map(torch.equal, drawn, first_draws))
    assert all(map(torch.equal, batches, first_batches))
    assert not torch.equal(drawn[0], drawn[4])  # a new epoch is augmented anew


def test_short_of_memory_the_batch_is_cut_and_it_is_recorded(
    network: Network, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = recipe("proxy", batch_size=16)
    expected = next(train_epochs(network, dataset, plain, epochs=1, seed=0))
    _memory_for(4, monkeypatch)
    cut = next(train_epochs(network, dataset, plain, epochs=1, seed=0))
    assert cut.micro_batch == 4
    assert cut.images_seen == expected.images_seen
    assert cut.train_loss == pytest.approx(expected.train_loss, rel=0.2)  # batch norm sees smaller batches


def test_out_of_memory_with_the_smallest_part_fails_the_trial(
    network: Network, dataset: Dataset, quick: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    _memory_for(1, monkeypatch)
    with pytest.raises(TrainingFailed) as caught:
        list(train_epochs(network, dataset, quick, epochs=1, seed=0))
    assert caught.value.reason.startswith("out of memory: ")
    assert "\n" not in caught.value.reason


def _memory_for(images: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training passes of more images than that run out of memory."""

    def limit(module: torch.nn.Module, inputs: tuple[torch.Tensor]) -> None:
        if module.training and len(inputs[0]) > images:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 byte")

    def limited(*arguments: Any, **options: Any) -> torch.nn.Module:
        module = build(*arguments, **options)
        module.register_forward_pre_hook(limit)
        return module

    monkeypatch.setattr(learner, "build", limited)


def test_divergence_fails_the_trial_at_its_step(network: Network, dataset: Dataset, quick: Recipe) -> None:
    wild = quick.model_copy(update={"lr": 1e30})
    with pytest.raises(TrainingFailed, match=r"loss became (NaN|infinite) at step \d+$"):
        list(train_epochs(network, dataset, wild, epochs=2, seed=0))


def test_a_network_that_cannot_be_built_fails_the_trial(
    network: Network, dataset: Dataset, quick: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> torch.nn.Module:
        raise RuntimeError("groups do not divide channels\nsecond line")

    monkeypatch.setattr(learner, "build", broken)
    with pytest.raises(TrainingFailed, match=r"^cannot be built: groups do not divide channels$"):
        next(train_epochs(network, dataset, quick, epochs=1, seed=0))


def test_classes_that_do_not_fit_are_the_users_mistake(network: Network, dataset: Dataset, quick: Recipe) -> None:
    with pytest.raises(InvalidInput, match="7 classes"):
        next(train_epochs(network.replaced(classes=7), dataset, quick, epochs=1, seed=0))


def test_the_checkpoint_holds_what_was_evaluated(
    network: Network, dataset: Dataset, quick: Recipe, tmp_path: Path
) -> None:
    """The averaged weights in the file, put into a fresh module, give the validation loss that was reported."""
    path = tmp_path / "last.pt"
    metrics = list(train_epochs(network, dataset, quick, epochs=1, seed=0, checkpoint=path))[-1]
    module = build(network).eval()
    module.load_state_dict(checkpoint.weights(path), strict=False)
    images, labels = Loader(dataset.val, network.resolution).batch(torch.arange(len(dataset.val)))
    with torch.inference_mode():
        loss = torch.nn.functional.cross_entropy(module(images), labels).item()
    assert loss == pytest.approx(metrics.val_loss, rel=1e-4)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains(network: Network, dataset: Dataset, name: str) -> None:
    one = next(train_epochs(network, dataset, recipe(name, batch_size=24), epochs=1, seed=0))
    assert one.images_seen == 72


def test_nothing_of_a_trial_stays_in_memory(
    network: Network, dataset: Dataset, quick: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def remembered(*arguments: Any, **options: Any) -> torch.nn.Module:
        module = build(*arguments, **options)
        made.append(weakref.ref(module))
        return module

    monkeypatch.setattr(learner, "build", remembered)
    trial = train_epochs(network, dataset, quick, epochs=2, seed=0)
    next(trial)
    assert made[0]() is not None
    trial.close()  # type: ignore[attr-defined]
    assert made[0]() is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_cuda_trains_and_repeats_when_deterministic(network: Network, dataset: Dataset, quick: Recipe) -> None:
    options: dict[str, Any] = {"epochs": 2, "seed": 0, "device": "cuda", "deterministic": True}
    first = _timeless(train_epochs(network, dataset, quick, **options))
    assert _timeless(train_epochs(network, dataset, quick, **options)) == first


def test_process_wide_switches_are_put_back(network: Network, dataset: Dataset, quick: Recipe) -> None:
    trial = train_epochs(network, dataset, quick, epochs=2, seed=0, deterministic=True)
    next(trial)
    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.deterministic
