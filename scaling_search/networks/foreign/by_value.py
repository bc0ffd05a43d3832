"""Functions, classes and modules as bytes that another process loads without importing the file they were written in.

cloudpickle writes out what `__main__` and notebook cells define. Here a person's own modules are written out as well,
tensors are written small, and the same object gives the same bytes in every session: they are what it is named by.
"""

import io
import pickle
import sys
import sysconfig
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from threading import Lock
from types import CodeType, ModuleType
from typing import Any

import cloudpickle
import torch
from torch import Tensor, nn

_INSTALLED = tuple(sysconfig.get_paths()[kind] for kind in ("stdlib", "platstdlib", "purelib", "platlib"))
_PLACES = ("__firstlineno__", "__static_attributes__")
"""What Python from 3.13 on says of a class's place in its file, and of its attributes in no fixed order."""
_one_at_a_time = Lock()  # cloudpickle's register of modules is one for the whole process


class SharedWeights(ValueError):
    """A function refers to a module with weights; every network that it makes would hold that one module."""


def dumps(thing: object, *, blank: Collection[Tensor] = ()) -> bytes:
    """The bytes of a Python object. Installed libraries are referred to by name.

    Args:
        blank: tensors of which only the shape is kept; they come back on the meta device.

    Raises:
        SharedWeights: the object is not a module itself, but refers to one that has parameters.
        Exception: whatever pickling raises for a thing that cannot be pickled.
    """
    file = io.BytesIO()
    with _one_at_a_time, _by_value(_own_modules()):
        _Pickler(file, blank, modules=isinstance(thing, nn.Module)).dump(thing)
    return file.getvalue()


def loads(content: bytes) -> Any:
    """The object that `dumps` wrote: a copy, whose classes are copies too. Loading runs code."""
    return pickle.loads(content)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle is not typed
    def __init__(self, file: io.BytesIO, blank: Collection[Tensor], *, modules: bool) -> None:
        super().__init__(file, protocol=5)
        self._blank = {id(tensor) for tensor in blank}
        self._modules = modules

    def reducer_override(self, thing: Any) -> Any:
        """How one object is taken apart; called for everything but plain values and containers."""
        if isinstance(thing, nn.Module) and not self._modules and any(True for _ in thing.parameters()):
            raise SharedWeights(type(thing).__name__)
        if isinstance(thing, CodeType):
            # where in a file or cell it stands is none of the object's business
            return self.dispatch_table[CodeType](thing.replace(co_firstlineno=1))
        if type(thing) in (Tensor, nn.Parameter) and thing.layout == torch.strided:
            return self._reduced_tensor(thing)
        reduced = super().reducer_override(thing)
        return _without_tracker(reduced) if isinstance(thing, type) and isinstance(reduced, tuple) else reduced

    def _reduced_tensor(self, tensor: Tensor) -> Any:
        is_parameter = isinstance(tensor, nn.Parameter)
        if id(tensor) in self._blank:
            return _blank, (tuple(tensor.shape), tensor.dtype, is_parameter)
        numbers = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        return _filled, (numbers, tuple(tensor.shape), tensor.dtype, is_parameter, tensor.requires_grad)


def _without_tracker(reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    """Without the random number by which cloudpickle knows a class again within one session, and without its place.

    The number would differ in every session; and with it loading would write into the user's own class.
    """
    if len(reduced) > 2 and isinstance(reduced[2], tuple) and isinstance(reduced[2][0], dict):
        for name in _PLACES:
            reduced[2][0].pop(name, None)  # a copy of the class's own
    arguments = reduced[1]
    if len(arguments) > 1 and isinstance(arguments[-2], str) and len(arguments[-2]) == 32:
        return (reduced[0], (*arguments[:-2], None, arguments[-1]), *reduced[2:])
    return reduced


def _blank(shape: tuple[int, ...], dtype: torch.dtype, is_parameter: bool) -> Tensor:
    empty = torch.empty(shape, dtype=dtype, device="meta")
    return nn.Parameter(empty) if is_parameter else empty


def _filled(numbers: bytes, shape: tuple[int, ...], dtype: torch.dtype, is_parameter: bool, grad: bool) -> Tensor:
    raw = torch.frombuffer(bytearray(numbers), dtype=torch.uint8) if numbers else torch.empty(0, dtype=torch.uint8)
    tensor = raw.view(dtype).reshape(shape)
    return nn.Parameter(tensor, requires_grad=grad) if is_parameter else tensor


def _own_modules() -> list[ModuleType]:
    """The imported modules that are a person's own files: neither installed, nor Python's, nor this package."""
    return [module for name, module in list(sys.modules.items()) if _is_own(name, module)]


def _is_own(name: str, module: ModuleType) -> bool:
    path = getattr(module, "__file__", None)
    if not isinstance(path, str) or getattr(module, "__name__", None) != name:
        return False
    installed = path.startswith(_INSTALLED) or "site-packages" in path or "dist-packages" in path
    return not installed and name.partition(".")[0] != __name__.partition(".")[0]


@contextmanager
def _by_value(modules: Collection[ModuleType]) -> Iterator[None]:
    """While this lasts cloudpickle writes out what these modules define, instead of their names."""
    known = cloudpickle.list_registry_pickle_by_value()
    added = [module for module in modules if module.__name__ not in known]
    for module in added:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in added:
            cloudpickle.unregister_pickle_by_value(module)
