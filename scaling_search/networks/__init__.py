"""Networks as torch modules: building, measuring, timing."""

from scaling_search.networks.build import build

__all__ = ["build"]
