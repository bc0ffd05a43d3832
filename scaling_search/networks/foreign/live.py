"""Networks that live in a Python session: a function, a class or a module, passed itself instead of by name.

A thing is registered once and from then on goes by a name that its content decides; any process that has its bytes
(`payload`) can adopt it under that name. What was registered is kept as it was: later changes of it, or of what it
refers to, make another network, with another name.
"""

import inspect
import json
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from torch import nn
from torch.nn.parameter import is_lazy

from scaling_search.errors import InvalidInput
from scaling_search.networks.foreign import by_value
from scaling_search.networks.foreign.again import Again, drawn_again

PLACE = "live"  # what stands before the colon of a name
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_FORMAT = 1


@dataclass(frozen=True)
class _Kept:
    """The bytes of one thing.

    Attributes:
        label: its own name.
        python: the version that wrote it; code of another one cannot be run.
        body: see `by_value.dumps`.
    """

    label: str
    python: str
    body: bytes

    @property
    def digest(self) -> str:
        return sha256(self.body).hexdigest()

    @property
    def name(self) -> str:
        return f"{PLACE}:{self.label}-{self.digest[:8]}"


_known: dict[str, _Kept] = {}


def register(thing: object) -> str:
    """The name under which this process, and every process that adopts its payload, opens a thing as a network.

    Args:
        thing: a function or class that makes a torch.nn.Module (see docs/foreign.md for its arguments), or a module.
            A module is only looked at; networks are made like it, with fresh weights.

    Raises:
        InvalidInput: it is neither, or it cannot be pickled.
    """
    if not callable(thing):
        article = "an" if type(thing).__name__[0] in "aeiou" else "a"
        raise InvalidInput(
            f"a live network is a function or class that makes a torch.nn.Module, or such a module, "
            f"not {article} {type(thing).__name__}"
        )
    thing = getattr(thing, "_orig_mod", thing)  # torch.compile's wrapper of a module
    kept = _Kept(label=_label(thing), python=_PYTHON, body=_dumped(thing))
    return _know(kept)


def payload(name: str) -> bytes | None:
    """The bytes by which another process can `adopt` a registered thing; None for any other name.

    They hold code and, of a module, shapes: some kilobytes.
    """
    kept = _known.get(name)
    if kept is None:
        return None
    about = {"live_network": _FORMAT, "name": kept.label, "python": kept.python, "sha256": kept.digest}
    return json.dumps(about).encode() + b"\n" + kept.body


def adopt(payload: bytes) -> str:
    """Registers what another process registered, under the same name. Its code runs when it is opened, not before.

    Raises:
        InvalidInput: the bytes are not a payload, or not all of it.
    """
    head, _, body = payload.partition(b"\n")
    try:
        about = json.loads(head)
        kept = _Kept(label=about["name"], python=about["python"], body=body)
        whole = about["live_network"] == _FORMAT and about["sha256"] == kept.digest
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise InvalidInput("these bytes are no live network that was kept, or damaged; pass the thing itself again")
    return _know(kept)


def load(name: str) -> Callable[..., Any]:
    """The callable that makes the networks of a registered name: a copy of what was registered.

    Raises:
        InvalidInput: nothing has that name in this process, or it was kept by another Python.
    """
    kept = _known.get(name)
    if kept is None:
        raise InvalidInput(
            f"{name} was made in another Python session; open its run with Study.open, or pass the function or "
            "module again"
        )
    if kept.python != _PYTHON:
        raise InvalidInput(f"{name} was kept by Python {kept.python}, whose code Python {_PYTHON} cannot run")
    try:
        thing: Any = by_value.loads(kept.body)
    except Exception as error:
        raise InvalidInput(f"{name} cannot be loaded: {_line(error)}") from error
    # in whatever precision it was kept: that of training is the recipe's affair
    build: Callable[..., Any] = Again(thing.float()) if isinstance(thing, nn.Module) else thing
    return build


def _know(kept: _Kept) -> str:
    known = _known.setdefault(kept.name, kept)
    assert known.body == kept.body, f"two things are called {kept.name}"
    return known.name


def _dumped(thing: Any) -> bytes:
    label = _label(thing)
    try:
        blank = _drawn(thing) if isinstance(thing, nn.Module) else []
        return by_value.dumps(thing, blank=blank)
    except by_value.SharedWeights as error:
        raise InvalidInput(
            f"{label} uses a {error} made outside it, whose weights all its networks would share; make it inside "
            "the function, or pass the module itself"
        ) from error
    except InvalidInput:
        raise
    except Exception as error:
        cause = next(_culprits(thing), "")
        raise InvalidInput(
            f"{label} cannot be sent to other processes{cause and f' because of {cause}'}: {_line(error)}; "
            f"put a function that makes it in a file and name that: file.py:{label}"
        ) from error


def _drawn(module: nn.Module) -> list[Any]:
    """The tensors that need not be kept; a warning where some of them were not to be trained."""
    if any(is_lazy(parameter) for parameter in module.parameters()):
        raise InvalidInput(f"{_label(module)} has layers without a size yet; run it once on a batch of images")
    drawn = drawn_again(module)
    frozen = sum(isinstance(tensor, nn.Parameter) and not tensor.requires_grad for tensor in drawn)
    if frozen:
        warnings.warn(
            f"{frozen} parameters of {_label(module)} are frozen; networks like it start from fresh weights and are "
            "trained as a whole",
            stacklevel=4,
        )
    return drawn


def _label(thing: Any) -> str:
    """What a thing calls itself, in letters, digits and underscores."""
    named = getattr(thing, "func", thing)  # functools.partial
    name = getattr(named, "__name__", type(named).__name__)
    return re.sub(r"\W+", "_", name).strip("_")


def _culprits(thing: Any) -> Iterator[str]:
    """The names of those things it refers to that cannot be pickled by themselves."""
    for name, value in _referred(thing):
        try:
            by_value.dumps(value)
        except by_value.SharedWeights:
            continue
        except Exception:
            yield name


def _referred(thing: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, nn.Module):
        for place, part in thing.named_modules():
            own = {name: value for name, value in vars(part).items() if not name.startswith("_")}
            yield from ((f"{place}.{name}".strip("."), value) for name, value in own.items())
    elif inspect.isfunction(thing):
        found = inspect.getclosurevars(thing)
        yield from (*found.nonlocals.items(), *found.globals.items())


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
