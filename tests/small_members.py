"""Small members of every kind of baseline."""

from scaling_search.architecture import Network
from scaling_search.coefficients import Multipliers
from scaling_search.search import searchspace


def small(name: str, *, width: float = 0.25, depth: float = 1.2) -> Network:
    """A baseline scaled by its own rounding to a network of a second: deeper, thin, at 64 px, for five classes."""
    network = searchspace.open_config(name)
    size = Multipliers(depth=depth, width=width, resolution=64 / network.resolution)
    return network.scaled(size).replaced(classes=5)
