"""How a search runs: points become candidates, asks become jobs, readings a journal.

The room has the name of the package's function `search`, and importing it puts the room where the function was: so the
room can be called, and is then that function. `import scaling_search as ss; ss.search(…)` works either way.
"""

import sys
from types import ModuleType
from typing import Any


class _CallableRoom(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """`scaling_search.study.study.search`."""
        from importlib import import_module

        return import_module("scaling_search.study.study").search(*arguments, **options)


sys.modules[__name__].__class__ = _CallableRoom
