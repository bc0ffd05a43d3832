"""Batches: right pixels, right labels, the same draws at every resolution, one copy of the data for all workers."""

import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scaling_search.data import Augment, Loader, at_resolution
from scaling_search.data.dataset import Dataset
from scaling_search.data.pack import pack
from scaling_search.data.resize import resized
from scaling_search.data.source import ImageSource, Items


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_batch_is_normalised_and_channels_last(random_dataset: Dataset) -> None:
    rows = torch.tensor([5, 0, 7])
    images, labels = Loader(random_dataset.train, 16).batch(rows)
    assert images.dtype == torch.float32 and images.is_contiguous(memory_format=torch.channels_last)
    raw = random_dataset.train.images()[rows.numpy()].transpose(0, 3, 1, 2) / 255
    mean, std = (np.asarray(values).reshape(1, 3, 1, 1) for values in (random_dataset.mean, random_dataset.std))
    assert images.numpy() == pytest.approx((raw - mean) / std, abs=1e-5)
    assert labels.tolist() == [1, 0, 3]


def test_batches_follow_the_order_and_cover_it(random_dataset: Dataset) -> None:
    order = torch.randperm(40, generator=generator())
    batches = list(Loader(random_dataset.train, 16).batches(order, batch_size=16))
    assert [len(labels) for _, labels in batches] == [16, 16, 8]
    assert torch.equal(torch.cat([labels for _, labels in batches]), order % 4)


def test_no_shift_and_no_flip_changes_nothing() -> None:
    images = torch.randint(0, 256, (4, 9, 9, 3), dtype=torch.uint8)
    augment = Augment(flip=False, shift=0.0)
    assert torch.equal(augment.apply(images, augment.draw(4, generator())), images)


def test_shift_moves_and_reflects() -> None:
    images = torch.arange(8, dtype=torch.uint8).view(1, 1, 8, 1).expand(1, 8, 8, 3).contiguous()  # value = column
    moved = Augment(flip=False, shift=0.25).apply(images, torch.tensor([[0.5, 1.0, 0.9]]))
    assert moved[0, 3, :, 0].tolist() == [2, 3, 4, 5, 6, 7, 6, 5]
    moved = Augment(flip=False, shift=0.25).apply(images, torch.tensor([[0.5, 0.0, 0.9]]))
    assert moved[0, 3, :, 0].tolist() == [2, 1, 0, 1, 2, 3, 4, 5]


def test_flip_mirrors_half_where_allowed() -> None:
    images = torch.arange(4, dtype=torch.uint8).view(1, 1, 4, 1).expand(2, 4, 4, 3).contiguous()
    draws = torch.tensor([[0.5, 0.5, 0.1], [0.5, 0.5, 0.9]])
    mirrored = Augment(flip=True).apply(images, draws)
    assert mirrored[0, 0, :, 0].tolist() == [3, 2, 1, 0] and mirrored[1, 0, :, 0].tolist() == [0, 1, 2, 3]
    assert torch.equal(Augment(flip=False).apply(images, draws), images)


def test_one_seed_shows_the_same_picture_at_every_resolution(random_dataset: Dataset) -> None:
    """A ramp from 0 to 1 across the image: its value in the middle tells how far each image was moved."""

    def middles(side: int) -> torch.Tensor:
        ramp = torch.arange(side) * (240 // side)
        images = ramp.to(torch.uint8).view(1, 1, side, 1).expand(100, side, side, 3)
        augment = Augment(flip=False, shift=0.25)
        return augment.apply(images, augment.draw(100, generator(3)))[:, side // 2, side // 2, 0] / 240

    coarse, fine = middles(24), middles(120)
    assert (coarse - fine).abs().max() <= 0.5 / 24 + 0.5 / 120 + 1e-6  # each is rounded to a whole pixel
    assert fine.std() > 0.1

    streams = [generator(3), generator(3)]
    for pixels, stream in zip((8, 16), streams, strict=True):
        Loader(random_dataset.train, pixels, augment=Augment(flip=True)).batch(torch.arange(8), stream)
    assert torch.equal(streams[0].get_state(), streams[1].get_state())


def test_the_same_seed_gives_the_same_batches(random_dataset: Dataset) -> None:
    loader = Loader(random_dataset.train, 8, augment=Augment(flip=True))
    rows = torch.arange(16)
    first, again, other = (loader.batch(rows, generator(seed))[0] for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_resized_once_and_antialiased(random_dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    small = at_resolution(random_dataset.train, 4)
    assert small.shape == (40, 4, 4, 3)
    expected = random_dataset.train.images().reshape(40, 4, 4, 4, 4, 3).mean((2, 4))
    assert abs(small - expected).mean() < 20  # averages of 16 and more pixels, not samples of one
    monkeypatch.setattr("scaling_search.data.resize.resized", lambda *a: pytest.fail("resized again"))
    assert (at_resolution(random_dataset.train, 4) == small).all()
    assert at_resolution(random_dataset.train, 16).filename == random_dataset.train.images().filename


@pytest.mark.parametrize("pixels", [1, 3, 17, 31])
def test_resizing_up_and_down_keeps_plain_images_plain(pixels: int) -> None:
    assert (resized(np.full((2, 16, 16, 3), 77, np.uint8), pixels) == 77).all()


def test_resizing_does_not_depend_on_the_chunk(random_dataset: Dataset) -> None:
    images = random_dataset.train.images()
    assert (resized(images, 5)[7:9] == resized(images[7:9], 5)).all()


@pytest.mark.gpu
@pytest.mark.parametrize("resident", [True, False])
def test_the_device_sees_what_the_cpu_sees(random_dataset: Dataset, resident: bool) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA")
    rows, augment = torch.arange(32), Augment(flip=True)
    expected, labels = Loader(random_dataset.train, 8, augment=augment).batch(rows, generator())
    loader = Loader(random_dataset.train, 8, augment=augment, device="cuda", resident=resident)
    images, found = loader.batch(rows, generator())
    assert images.is_cuda and torch.allclose(images.cpu(), expected, atol=1e-5) and torch.equal(found.cpu(), labels)


def _touch_all(dataset: Dataset, ready: Any, out: Any) -> None:
    """Reads every image through a loader, waits for the others, then reports its share of the map's pages."""
    loader = Loader(dataset.train, 64, augment=Augment(flip=False))
    for _ in loader.batches(torch.arange(len(loader)), batch_size=100, generator=generator()):
        pass
    ready.wait()
    out.put(_mapped_kilobytes(dataset.train.file(64).name))
    ready.wait()


def _mapped_kilobytes(name: str) -> tuple[int, int, int]:
    """(resident, proportional, private) of this process's mapping of a file."""
    lines = Path("/proc/self/smaps").read_text().splitlines()
    start = next(index for index, line in enumerate(lines) if line.endswith(name))
    fields = dict(line.split(":") for line in lines[start + 1 : start + 24] if ":" in line and line[0].isupper())
    private = int(fields["Private_Clean"].split()[0]) + int(fields["Private_Dirty"].split()[0])
    return int(fields["Rss"].split()[0]), int(fields["Pss"].split()[0]), private


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux")
def test_two_workers_share_one_copy(tmp_path: Path) -> None:
    """Proportional set size counts a page by its share: two workers on one map hold half of it each."""
    items = Items(
        names=[str(index) for index in range(1000)],
        labels=np.arange(1000) % 2,
        read=lambda index, side: np.full((side, side, 3), index % 256, np.uint8),
    )
    source = ImageSource(
        name="flat", classes=("a", "b"), train=items, val=items, flip=False, identity={"flat": 1}, native=64
    )
    dataset = pack(source, pixels=64, cache=tmp_path)
    size = 1000 * 64 * 64 * 3 / 1024
    context = multiprocessing.get_context("spawn")
    ready, out = context.Barrier(2), context.Queue()
    workers = [context.Process(target=_touch_all, args=(dataset, ready, out)) for _ in range(2)]
    for worker in workers:
        worker.start()
    shares = [out.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    for resident, proportional, private in shares:
        assert resident >= 0.99 * size  # all of it was read
        assert proportional <= 0.55 * size  # half of it is this worker's
        assert private <= 0.02 * size
