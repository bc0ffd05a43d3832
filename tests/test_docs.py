"""The Python of the README and of docs/python.md compiles, and the strategy that is shown keeps its promises."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scaling_search.strategies import Strategy, testing

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/python.md")


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_the_python_compiles(page: str) -> None:
    found = blocks(page)
    assert found
    for number, block in enumerate(found):
        if not block.startswith(">>>"):
            compile(block, f"{page}, block {number}", "exec")


@pytest.mark.parametrize("check", testing.CHECKS, ids=lambda check: check.__name__)
def test_the_strategy_that_is_shown_keeps_its_promises(check: Callable[[Strategy], None]) -> None:
    (code,) = [block for block in blocks("docs/python.md") if "class Halving" in block]
    names: dict[str, Any] = {}
    exec(code, names)
    check(names["Halving"](seeds=2, epochs=4))
