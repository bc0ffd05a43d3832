"""Trainings that start from weights, and weights at work afterwards."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from scaling_search.architecture import Network
from scaling_search.data import Dataset
from scaling_search.errors import InvalidInput
from scaling_search.networks import build
from scaling_search.networks.starting import start_from
from scaling_search.networks.stored import open_weights
from scaling_search.training import full
from scaling_search.training.full import best, train_in_folder
from scaling_search.training.inference import evaluated, predicted
from scaling_search.training.recipe import Recipe, open_recipe, recipe
from scaling_search.training.transfer import Transfer, frozen_layers
from scaling_search.training.watching import Moment


@pytest.fixture
def trained(network: Network, dataset: Dataset, quick: Recipe, tmp_path: Path) -> Path:
    """The folder of a training of two epochs."""
    list(train_in_folder(tmp_path / "first", network, dataset, quick, epochs=2))
    return tmp_path / "first"


def test_an_evaluation_equals_the_record(trained: Path, network: Network, dataset: Dataset) -> None:
    with (trained / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    top1 = max(float(row["top1"]) for row in rows)
    stored = open_weights(network, trained / "best.safetensors")
    recorded = next(row for row in rows if row["epoch"] == stored.notes["epoch"])
    found = evaluated(stored, dataset)
    assert found.top1 == top1 == float(recorded["top1"])
    assert found.loss == float(recorded["val_loss"])


def test_config_says_how_images_are_prepared(trained: Path, network: Network, dataset: Dataset) -> None:
    config = json.loads((trained / "config.json").read_text())
    assert config["label_names"] == list(dataset.classes)
    assert config["pretrained_cfg"]["input_size"] == [3, 16, 16]
    assert tuple(config["pretrained_cfg"]["mean"]) == dataset.mean
    stored = open_weights(network, trained / "best.safetensors")
    assert stored.preprocessing is not None and stored.preprocessing.eps == 1e-5


def test_predictions_are_the_evaluations(trained: Path, network: Network, dataset: Dataset, tmp_path: Path) -> None:
    """The validation images as files, named one by one, are as often right."""
    images, labels = dataset.val.images(), dataset.val.labels()
    files = []
    for index, pixels in enumerate(images):
        files.append(tmp_path / f"{index}.png")
        Image.fromarray(np.asarray(pixels)).save(files[-1])
    stored = open_weights(network, trained / "best.safetensors")
    found = list(predicted(stored, files))
    right = [int(probabilities.argmax()) == label for (_, probabilities), label in zip(found, labels, strict=True)]
    assert np.mean(right) == pytest.approx(float(stored.notes["top1"]), abs=1e-6)
    assert all(float(probabilities.sum()) == pytest.approx(1) for _, probabilities in found)
    with pytest.raises(InvalidInput, match="there is no image"):
        list(predicted(stored, [tmp_path / "none.png"]))
    (trained / "config.json").unlink()
    with pytest.raises(InvalidInput, match=r"no config\.json beside"):
        list(predicted(open_weights(network, trained / "best.safetensors"), files))


def test_other_classes_are_refused(trained: Path, network: Network, dataset: Dataset) -> None:
    from dataclasses import replace

    stored = open_weights(network, trained / "best.safetensors")
    with pytest.raises(InvalidInput, match="has other classes than the weights know"):
        evaluated(stored, replace(dataset, classes=dataset.classes[::-1]))
    with pytest.raises(InvalidInput, match="classes apart, and shapes has 2"):
        evaluated(stored, replace(dataset, classes=dataset.classes[:2]))


def test_a_training_starts_where_another_ended(
    trained: Path, network: Network, dataset: Dataset, quick: Recipe, tmp_path: Path
) -> None:
    """At a rate of next to nothing it reads what the first one read."""
    start = start_from(network, str(trained / "best.safetensors"))
    slow = quick.model_copy(update={"lr": 1e-9, "weight_decay": 0.0, "bn_momentum": 1e-6, "zero_init_residual": True})
    (metrics,) = train_in_folder(tmp_path / "second", network, dataset, slow, epochs=1, transfer=Transfer(start=start))
    stored = open_weights(network, trained / "best.safetensors")
    assert metrics.val_loss == pytest.approx(float(stored.notes["val_loss"]), abs=2e-3)


@pytest.mark.parametrize(("until", "free"), [("stem", "stage1.0"), ("1", "stage2.0"), ("head", "head.6")])
def test_what_is_frozen_stays(
    trained: Path, network: Network, dataset: Dataset, quick: Recipe, tmp_path: Path, until: str, free: str
) -> None:
    start = start_from(network, str(trained / "best.safetensors"), head="new")
    transfer = Transfer(start=start, freeze_until=until)
    list(train_in_folder(tmp_path / "second", network, dataset, quick, epochs=1, transfer=transfer))
    before = load_file(trained / "best.safetensors")
    after = load_file(tmp_path / "second" / "best.safetensors")
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    names = list(build(network).state_dict())
    first = next(index for index, name in enumerate(names) if name.startswith(free))
    assert set(changed) <= set(names[first:])
    assert len(changed) >= 0.9 * len(names[first:]), "a gate's dead ReLU may stay too"


def test_an_unknown_stage_is_refused(network: Network) -> None:
    with pytest.raises(InvalidInput, match="--freeze-until '7': tiny has stem, 1 to 2 and head"):
        frozen_layers(network, build(network), "7")


def test_the_colours_of_the_weights_are_kept(
    trained: Path, network: Network, dataset: Dataset, quick: Recipe, tmp_path: Path
) -> None:
    other = dataset.normalised(mean=(0.1, 0.1, 0.1), std=(0.9, 0.9, 0.9))
    start = start_from(network, str(trained / "best.safetensors"))
    transfer = Transfer(start=start)
    list(train_in_folder(tmp_path / "second", network, other, quick, epochs=1, transfer=transfer))
    config = json.loads((tmp_path / "second" / "config.json").read_text())
    assert tuple(config["pretrained_cfg"]["mean"]) == dataset.mean


def test_another_start_is_another_training(
    trained: Path, network: Network, dataset: Dataset, quick: Recipe, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=r"holds another training \(its transfer differ"):
        start = start_from(network, str(trained / "best.safetensors"))
        next(train_in_folder(trained, network, dataset, quick, epochs=2, transfer=Transfer(start=start)))
    assert best(list(train_in_folder(trained, network, dataset, quick, epochs=2))).epoch, "the first goes on"


def test_every_step_is_told_and_logged(
    network: Network, dataset: Dataset, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(full, "_LOG_SECONDS", 0.0)
    seen: list[tuple[int, int, int]] = []

    def watch(moment: Moment) -> None:
        seen.append((moment.epoch, moment.step, moment.images_seen))
        assert moment.train_loss() > 0

    list(train_in_folder(tmp_path / "run", network, dataset, quick, epochs=2, watch=watch))
    assert seen == [(epoch, step, 16 * (4 * (epoch - 1) + step)) for epoch in (1, 2) for step in (1, 2, 3, 4)]
    with (tmp_path / "run" / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["images_seen"] for row in rows] == [str(16 * step) for step in range(1, 9)]


def test_a_recipe_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("like: resnet\nlr: 0.02\naccumulate: 4\n")
    found = open_recipe(str(path), batch_size=64)
    assert (found.name, found.optimizer, found.lr, found.accumulate, found.batch_size) == ("mine", "sgd", 0.02, 4, 64)
    path.write_text("rate: 0.02\n")
    with pytest.raises(InvalidInput, match="rate"):
        open_recipe(str(path))
    with pytest.raises(InvalidInput, match="did you mean paper"):
        open_recipe("papr")


def test_fields_that_came_later_leave_old_trainings_their_identity() -> None:
    plain = recipe("proxy").identity()
    assert not {"accumulate", "crop", "autoaugment", "bn_synchronised"} & plain.keys()
    assert recipe("proxy", accumulate=2).identity() == {**plain, "accumulate": 2}


def test_accumulating_gives_the_gradients_of_the_whole_batch_without_batch_norm(dataset: Dataset) -> None:
    from scaling_search.architecture import from_dict
    from scaling_search.training.learner import Learner
    from scaling_search.training.parallel import World

    stage = {"block": "convnext", "channels": 8, "layers": 1}
    network = from_dict({"resolution": 16, "classes": 3, "stem": {"kind": "patch", "channels": 8, "kernel": 4,
                         "stride": 4}, "activation": "gelu", "stages": [stage], "head": {"norm": "after"}})  # fmt: skip
    images, labels = torch.randn(8, 3, 16, 16), torch.randint(0, 3, (8,))
    found = []
    for parts in (1, 4):
        learner = Learner(network, recipe("proxy", accumulate=parts), seed=0, device=torch.device("cpu"), world=World())
        loss = learner.step(images, labels, rate=1.0)
        found.append((float(loss), learner.module.state_dict()))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-6)
    assert all(torch.allclose(found[0][1][name], found[1][1][name], atol=1e-4) for name in found[0][1])


def test_the_paper_recipe_trains(network: Network, dataset: Dataset) -> None:
    """Crops, AutoAugment and all, from images that are packed larger than the network sees."""
    from scaling_search.training.loop import train_epochs

    small = network.replaced(resolution=12)
    (metrics,) = train_epochs(small, dataset, recipe("paper", batch_size=16), epochs=1, seed=0)
    assert metrics.images_seen == 64
