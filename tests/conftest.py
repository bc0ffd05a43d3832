"""For every test. Lying here, it also puts this folder on the path, so that the helpers beside it can be imported."""

from datetime import timedelta

from hypothesis import settings

# Far above any example on a busy machine (the slowest take some 30 ms), far below one that hangs.
settings.register_profile("scaling-search", deadline=timedelta(seconds=2))
settings.load_profile("scaling-search")
