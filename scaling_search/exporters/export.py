"""Out of a search and into other programs: written, read back by the target's own library, and compared with ours."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from scaling_search.architecture import Network
from scaling_search.errors import InvalidInput
from scaling_search.exporters.check import difference, probe
from scaling_search.exporters.member import Inexpressible, Logits, Member
from scaling_search.exporters.targets import Target, target
from scaling_search.files import plain, remove, unfinished
from scaling_search.locks import is_unclaimed
from scaling_search.networks import build
from scaling_search.networks.preprocessing import imagenet
from scaling_search.networks.stored import open_weights

TOLERANCE = 1e-4
"""Of the logits, relative to the largest of them."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written, and how far its logits are from ours.

    Attributes:
        difference: the largest of the logits' differences over the largest logit, with randomised weights.
    """

    target: str
    folder: Path
    files: tuple[str, ...]
    difference: float


def export(network: Network, to: str, *, weights: Path | None = None, out: Path | None = None) -> Exported:
    """Writes a network for another program, once what that program reads computes the same.

    Args:
        to: a name of `TARGETS`.
        weights: a file by the names of `networks.build`; the config.json beside it says how images are prepared.
            Without it the weights are fresh ones.
        out: a new or empty folder; by default NAME-TARGET here.

    Raises:
        InvalidInput: the target cannot express this network (says why), a package is missing, the weights are another
            network's, or the folder holds something.
    """
    chosen = target(to)
    write = chosen.write
    member = _member(network, weights)
    folder = out or Path(f"{plain(network.name)}-{to}")
    _check_free(folder)
    found = _checked_with_probe(member, chosen)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = unfinished(folder.parent)
    scratch.mkdir()
    try:
        _compare(member, write(member, scratch), chosen)
        if folder.exists():
            folder.rmdir()
        scratch.rename(folder)
    except BaseException:
        remove(scratch)
        raise
    files = tuple(sorted(path.name for path in folder.iterdir()))
    return Exported(target=to, folder=folder, files=files, difference=found)


def expressible(network: Network, to: str) -> float:
    """How far a target's logits are from ours with randomised weights; nothing is kept.

    Raises:
        InvalidInput: as `export`.
    """
    return _checked_with_probe(_member(network, None, warn=False), target(to))


def _member(network: Network, weights: Path | None, *, warn: bool = True) -> Member:
    if weights is None:
        if warn:
            warnings.warn("without --weights what is exported starts from fresh weights", stacklevel=3)
        module = build(network).eval()
        return Member(network=network, module=module, preprocessing=imagenet(network.resolution), notes={})
    stored = open_weights(network, weights)
    return Member(
        network=stored.network,
        module=stored.build(),
        preprocessing=stored.preprocessing or imagenet(stored.network.resolution),
        notes=stored.notes,
    )


def _check_free(folder: Path) -> None:
    if folder.exists() and not is_unclaimed(folder):
        raise InvalidInput(f"{folder} is there already; choose another --out")


def _checked_with_probe(member: Member, to: Target) -> float:
    """The difference with randomised statistics, in a folder that is thrown away."""
    with TemporaryDirectory() as scratch:
        trial = probe(member)
        return _compare(trial, _written(trial, to, Path(scratch)), to)


def _written(member: Member, to: Target, folder: Path) -> Logits:
    try:
        return to.write(member, folder)
    except Inexpressible as error:
        raise Inexpressible(f"{member.network.name} cannot be exported to {to.name}: {error}") from error


def _compare(member: Member, theirs: Logits, to: Target) -> float:
    found = difference(member, theirs)
    if not found <= TOLERANCE:
        raise Inexpressible(
            f"{member.network.name} cannot be exported to {to.name}: what {to.name} reads back computes other logits "
            f"(relative difference {found:.1e}, allowed {TOLERANCE:.0e})"
        )
    return found
