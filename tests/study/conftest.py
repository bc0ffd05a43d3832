"""Every test of this room works in an empty folder of its own, and measures nothing."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _somewhere(place: Path) -> None:
    """See `place`."""
