"""How fast networks train on this machine, kept on the disk from one command to the next.

Measuring one takes seconds, and a plan asks for three. The same machine is twice as fast in one hour as in another:
what is kept is a speed beside that of a fixed small network, the yardstick, measured at the same time. The yardstick is
measured again by every command, in a fraction of a second, and what was kept is scaled by it.
"""

import hashlib
import json
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from scaling_search.architecture import Network, from_dict
from scaling_search.data.cache import cache_folder
from scaling_search.environment import code_digest, describe_device
from scaling_search.errors import InvalidInput
from scaling_search.networks.foreign import ForeignNetwork
from scaling_search.networks.foreign.remembered import is_library, versions_of
from scaling_search.notes import Notes
from scaling_search.search.space import description
from scaling_search.training import speed

_TRAINING = ("networks", "architecture", "training")  # the rooms whose code decides how fast a network trains
_STEADY = 1.3  # a yardstick that changes by more while a network is measured says that something else was going on
_YARDSTICK = from_dict({
    "name": "yardstick", "resolution": 32, "classes": 10, "stem": {"channels": 8}, "head": {"channels": 64},
    "stages": [
        {"block": "mbconv", "channels": 8, "layers": 1, "kernel": 3, "stride": 1, "expansion": 4, "se": 0.25},
        {"block": "mbconv", "channels": 16, "layers": 2, "kernel": 5, "stride": 2, "expansion": 4, "se": 0.25},
    ],
})  # fmt: skip
_BATCH, _STEPS = 32, 9


class TrainingSpeeds:
    """Training images per second of networks on a device.

    Args:
        device: cpu or cuda.
        batch_size: of the trainings.
        folder: where speeds are kept; None: all are measured.
    """

    def __init__(self, device: str, batch_size: int, *, folder: Path | None = None) -> None:
        self.device = device
        self.batch_size = batch_size
        self._notes = None if folder is None else _notes(folder, device, batch_size)
        self._pace: float | None = None

    @classmethod
    def kept(cls, device: str, batch_size: int) -> "TrainingSpeeds":
        """With what this user's cache knows."""
        folder = None
        with suppress(InvalidInput):  # no home folder: nothing is kept
            folder = cache_folder() / "speeds"
        return cls(device, batch_size, folder=folder)

    def of(self, network: Network) -> float:
        """Of one network: measured, where it is not known from before.

        Raises:
            TrainingFailed: the network cannot be built or does not fit into memory.
        """
        if self._notes is None or not _lasts(network):
            return self._measured(network)
        libraries = versions_of(network.source) if isinstance(network, ForeignNetwork) else []
        key = _digest(description(network), *libraries)
        before = self._yardstick()
        kept = self._notes.get(key)
        if kept is not None:
            return float(kept) * before
        found = self._measured(network)
        self._pace = None
        after = self._yardstick()
        if max(before, after) < _STEADY * min(before, after):
            with suppress(OSError):  # a full disk: it is measured again
                self._notes.keep(key, repr(found / (before * after) ** 0.5))
        return found

    def _measured(self, network: Network) -> float:
        return speed.measure_speed(network, self.batch_size, device=self.device)

    def _yardstick(self) -> float:
        """Images per second of the yardstick: measured again only after something else was."""
        if self._pace is None:
            self._pace = speed.measure_speed(_YARDSTICK, _BATCH, device=self.device, steps=_STEPS)
        return self._pace


def _lasts(network: Network) -> bool:
    """Whether a network's description says all of it: a person's own file may change under its name."""
    return not isinstance(network, ForeignNetwork) or is_library(network.source)


def _notes(folder: Path, device: str, batch_size: int) -> Notes | None:
    """What is kept for this machine, or None where it cannot be read."""
    place = [*describe_device(device).values(), version("torch"), batch_size, code_digest(*_TRAINING)]
    try:
        return Notes(folder / f"{_digest(*place)[:24]}.jsonl")
    except OSError:
        return None


def _digest(*content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
