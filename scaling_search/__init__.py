"""scaling-search: finds by experiment how to divide extra compute between a CNN's depth, width and resolution."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scaling_search.loading import load

__version__ = "0.1.0"
__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    """`scaling_search.load`, imported when it is first asked for: the package itself imports nothing heavy."""
    if name == "load":
        from scaling_search.loading import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
