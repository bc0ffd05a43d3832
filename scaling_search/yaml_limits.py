"""How much a YAML file may hold: a few lines of aliases can stand for more than any memory holds."""

from typing import Any

import yaml

from scaling_search.errors import InvalidInput

MOST_BYTES = 8 << 20
"""The record of a run that skipped ten thousand images has one."""
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 50
_MOST_NODES = 200_000


def check_size(text: str) -> None:
    """Looks at a text's structure without making anything of it.

    Raises:
        InvalidInput: it is nested too deep, refers to itself, or is too large once its aliases are followed.
        yaml.YAMLError: it is not YAML.
    """
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []  # what is begun: its anchor, and the nodes inside so far
    total = 0
    for event in yaml.parse(text, Loader=LOADER):
        size = 1
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, 1))
            if len(open_nodes) > _DEEPEST:
                raise InvalidInput(f"is nested more than {_DEEPEST} levels deep")
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_nodes.pop()
        elif isinstance(event, yaml.ScalarEvent):
            anchor = event.anchor
        elif isinstance(event, yaml.AliasEvent):
            anchor, size = None, _size_of(str(event.anchor), sizes, open_nodes)
        else:
            continue
        if anchor is not None:
            sizes[anchor] = size
        total = size if not open_nodes else open_nodes[-1][1] + size
        if total > _MOST_NODES:
            raise InvalidInput(f"holds more than {_MOST_NODES:,} values")
        if open_nodes:
            open_nodes[-1] = (open_nodes[-1][0], total)


def _size_of(anchor: str, sizes: dict[str, int], open_nodes: list[tuple[str | None, int]]) -> int:
    if any(anchor == name for name, _ in open_nodes):
        raise InvalidInput(f"refers to itself (*{anchor})")
    return sizes.get(anchor, 1)  # an alias of nothing is found when it is loaded
