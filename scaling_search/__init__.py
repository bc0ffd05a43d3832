"""scaling-search: finds by experiment how to divide extra compute between a CNN's depth, width and resolution.

    import scaling_search as ss

    answer = ss.search(baseline="b0", data="photos/", phi=1, budget="15m")
    answer.verdict, answer.pick.coefficients, answer.table
    answer.family(range(1, 8))[2].build(classes=10)

Importing it imports nothing heavy: each name below is loaded when it is first used.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from scaling_search.errors import InvalidInput

if TYPE_CHECKING:
    from scaling_search import loggers, strategies
    from scaling_search.architecture import Architecture
    from scaling_search.coefficients import Coefficients, Shares
    from scaling_search.evidence import Evidence, Reading, Trial
    from scaling_search.search.executors import Inline, Ray
    from scaling_search.search.listener import Listener
    from scaling_search.search.record import RunRecord
    from scaling_search.study.answer import Answer
    from scaling_search.study.comparison import CompareAnswer, Comparison, compare
    from scaling_search.study.dataset import dataset
    from scaling_search.study.frontier import frontier
    from scaling_search.study.looking import look_at
    from scaling_search.study.network import ScalableNetwork, network
    from scaling_search.study.searching import search
    from scaling_search.study.seed import BaselineSearch, baseline
    from scaling_search.study.seed_answer import BaselineAnswer
    from scaling_search.study.several import compare_runs
    from scaling_search.study.study import Study
    from scaling_search.study.verification import Verifier, verify

__version__ = "0.1.0"

_LAZY = {
    "Answer": "study.answer",
    "Architecture": "architecture",
    "Coefficients": "coefficients",
    "BaselineAnswer": "study.seed_answer",
    "BaselineSearch": "study.seed",
    "CompareAnswer": "study.comparison",
    "Comparison": "study.comparison",
    "Evidence": "evidence",
    "Inline": "search.executors",
    "Listener": "search.listener",
    "Ray": "search.executors",
    "Reading": "evidence",
    "RunRecord": "search.record",
    "ScalableNetwork": "study.network",
    "Shares": "coefficients",
    "Study": "study.study",
    "Trial": "evidence",
    "Verifier": "study.verification",
    "baseline": "study.seed",
    "compare": "study.comparison",
    "compare_runs": "study.several",
    "dataset": "study.dataset",
    "frontier": "study.frontier",
    "loggers": "",
    "look_at": "study.looking",
    "network": "study.network",
    "search": "study.searching",
    "strategies": "",
    "verify": "study.verification",
}
"""Where each name lies; "" is a room of its own."""

__all__ = [
    "Answer",
    "Architecture",
    "BaselineAnswer",
    "BaselineSearch",
    "Coefficients",
    "CompareAnswer",
    "Comparison",
    "Evidence",
    "Inline",
    "InvalidInput",
    "Listener",
    "Ray",
    "Reading",
    "RunRecord",
    "ScalableNetwork",
    "Shares",
    "Study",
    "Trial",
    "Verifier",
    "__version__",
    "baseline",
    "compare",
    "compare_runs",
    "dataset",
    "frontier",
    "loggers",
    "look_at",
    "network",
    "search",
    "strategies",
    "verify",
]


class _CallableRoom(ModuleType):
    """The room search/ has the name of the function `search`, and importing it puts it where the function would be: so
    the room can be called, and is then that function."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return _load("search")(*arguments, **options)


import_module(f"{__name__}.search").__class__ = _CallableRoom


def _load(name: str) -> Any:
    place = _LAZY[name]
    return getattr(import_module(f"{__name__}.{place}"), name) if place else import_module(f"{__name__}.{name}")


def __getattr__(name: str) -> Any:
    """A public name, loaded when it is first asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _load(name)


def __dir__() -> list[str]:
    return sorted(__all__)
