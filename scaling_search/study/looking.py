"""Where the networks of a comparison look: the same images through each of them, from the weights that it kept."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scaling_search.data import Dataset
from scaling_search.data.decode import decode
from scaling_search.data.resize import at_resolution, resized
from scaling_search.data.source import Unreadable
from scaling_search.errors import InvalidInput
from scaling_search.evidence import UNSCALED, Trial
from scaling_search.report.cam_sheet import Column, Shown, cam_sheet
from scaling_search.report.figure import Plot
from scaling_search.search.folder import RunFolder
from scaling_search.search.space import Candidate
from scaling_search.strategies import Compare
from scaling_search.strategies.compare import AXES
from scaling_search.study.comparison import read_comparison
from scaling_search.study.preparation import Prepared, prepare_again

if TYPE_CHECKING:
    from torch import Tensor

    from scaling_search.networks.cam import Looked

CELLS = 4
"""Cells a side of a map that still says where: small stand-ins end in fewer, so that an earlier layer is taken."""
_TITLES = {"unscaled": "unscaled", "depth": "deeper", "width": "wider", "resolution": "higher resolution"}


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The images that are looked at, as packed, and what they are.

    Attributes:
        pixels: uint8 [n, s, s, 3].
        truths: their classes; None where nobody knows.
        rows: of the validation images; None where files were named.
    """

    names: tuple[str, ...]
    pixels: np.ndarray
    truths: tuple[int | None, ...]
    rows: tuple[int, ...] | None


def look_at(
    run: str | Path, images: Sequence[str | Path] = (), *, count: int = 4, seed: int = 0, cells: int = CELLS
) -> Plot:
    """The sheet of a comparison: one row an image, one column a network.

    Args:
        run: the folder of a comparison, or of a verification.
        images: files; their class is known where they lie in a folder of its name. None: validation images, each of
            another class.
        count, seed: of those.
        cells: at least so many a side; 1 is the last convolution, however few it has.

    Raises:
        InvalidInput: the run kept no weights, or an image cannot be read; the message says what to do.
    """
    folder = RunFolder(Path(run))
    if not folder.record().compares and (folder.path / "verification").is_dir():
        folder = RunFolder(folder.path / "verification")
    record = folder.record()
    if not record.compares or not folder.weights.is_dir():
        raise InvalidInput(
            f"{folder.path} keeps no weights to look with: `scaling-search compare` and `scaling-search verify "
            f"{folder.path}` keep those of each network's first seed"
        )
    prepared = prepare_again(folder)
    chosen = _files(images, prepared.dataset) if images else _validation(prepared.dataset, count=count, seed=seed)
    columns = [_column(prepared, folder, candidate, chosen, cells=cells) for candidate in _candidates(prepared, folder)]
    shown = [
        Shown(name=name, pixels=pixels, truth="" if truth is None else prepared.dataset.classes[truth])
        for name, pixels, truth in zip(chosen.names, chosen.pixels, chosen.truths, strict=True)
    ]
    return cam_sheet(shown, columns)


def _candidates(prepared: Prepared, folder: RunFolder) -> list[Candidate]:
    """The unscaled network, the dimensions alone, then the compounds, as far as their weights were kept."""
    strategy = prepared.strategy
    assert isinstance(strategy, Compare)
    order = [*AXES, *(one.name for one in strategy.compounds)]
    named = [candidate for candidate in prepared.candidates if candidate.names]
    named.sort(key=lambda candidate: min(map(order.index, candidate.names)))
    wanted = [prepared.space.unscaled(), *named]
    kept = [one for one in wanted if _weights(folder, strategy, one).is_file()]
    if not kept:
        raise InvalidInput(f"{folder.path / 'weights'} holds no weights of what is compared; go on with resume")
    return kept


def _weights(folder: RunFolder, strategy: Compare, candidate: Candidate) -> Path:
    return folder.weights_of(Trial(candidate=candidate.id, seed=strategy.first_seed))


def _column(prepared: Prepared, folder: RunFolder, candidate: Candidate, chosen: Chosen, *, cells: int) -> Column:
    assert isinstance(prepared.strategy, Compare)
    looked = _look(prepared, _weights(folder, prepared.strategy, candidate), candidate, chosen, cells=cells)
    classes, names = prepared.dataset.classes, ["unscaled"] if candidate.id == UNSCALED else list(candidate.names)
    reached = read_comparison(folder).table["top1"].get(candidate.id)
    told = "" if reached is None else f", {100 * reached:.1f} %"
    return Column(
        title=" = ".join(_TITLES.get(name, name) for name in names),
        note=f"{candidate.macs_ratio:.2g}×, {candidate.network.resolution} px{told}",
        heat=looked.heat,
        answers=[classes[answer] for answer in looked.answers],
        probabilities=looked.probabilities.tolist(),
        layer=looked.layer,
        method=looked.method,
    )


def _look(prepared: Prepared, weights: Path, candidate: Candidate, chosen: Chosen, *, cells: int) -> "Looked":
    import torch

    from scaling_search.networks.cam import last_layer, look
    from scaling_search.networks.stored import open_weights

    module = open_weights(candidate.network, weights).build()
    batch = _normalised(prepared.dataset, chosen, candidate.network.resolution)
    try:
        last_layer(module, batch[:1], cells=cells)
    except InvalidInput:  # a network without strides, or one so small that none has as many
        cells = 1
    known = [truth for truth in chosen.truths if truth is not None]
    wanted = torch.tensor(known) if len(known) == len(chosen.truths) else None
    return look(module, batch, wanted, cells=cells)


def _normalised(dataset: Dataset, chosen: Chosen, pixels: int) -> "Tensor":
    """The images as a network of so many pixels was shown them: float32 [n, 3, pixels, pixels]."""
    import torch

    if chosen.rows is not None:
        small = np.asarray(at_resolution(dataset.val, pixels)[list(chosen.rows)])
    else:
        small = resized(chosen.pixels, pixels)
    mean, std = (torch.tensor(values) for values in (dataset.mean, dataset.std))
    return ((torch.from_numpy(small).float() / 255 - mean) / std).permute(0, 3, 1, 2)


def _validation(dataset: Dataset, *, count: int, seed: int) -> Chosen:
    """Validation images by chance, each of another class as long as there are any."""
    labels, draw = dataset.val.labels(), np.random.default_rng(seed)
    order = draw.permutation(len(labels))
    turns: Counter[int] = Counter()  # images of each class so far
    ranked = []
    for row in order.tolist():
        ranked.append((turns[labels[row]], row))
        turns[labels[row]] += 1
    rows = tuple(row for _, row in sorted(ranked, key=lambda one: one[0])[:count])
    return Chosen(
        names=tuple(f"val-{row}" for row in rows),
        pixels=np.asarray(dataset.val.images()[list(rows)]),
        truths=tuple(int(labels[row]) for row in rows),
        rows=rows,
    )


def _files(images: Sequence[str | Path], dataset: Dataset) -> Chosen:
    """Files, cut to squares as the data were."""
    paths = [Path(image) for image in images]
    found = []
    for path in paths:
        try:
            found.append(decode(path, dataset.val.side))
        except Unreadable as error:
            raise InvalidInput(f"{path} is not an image that can be read: {error}") from error
    classes = list(dataset.classes)
    truths = tuple(
        classes.index(path.absolute().parent.name) if path.absolute().parent.name in classes else None for path in paths
    )
    return Chosen(names=tuple(map(str, paths)), pixels=np.stack(found), truths=truths, rows=None)
