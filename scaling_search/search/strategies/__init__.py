"""What to try: points of the share triangle. Pure: no network, no torch, no Ray."""

from scaling_search.search.strategies.points import Point, SearchConfig, named_points, plan_points

__all__ = ["Point", "SearchConfig", "named_points", "plan_points"]
