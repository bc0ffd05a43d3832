"""Finding a network by its name: timm:NAME, torchvision:NAME, package.module:callable, path/file.py:callable.

Importing a module or file runs its code. That happens only when a network of that name is opened. Names that begin
with live: are those of things from this session (see live.py).
"""

import importlib
import importlib.util
import inspect
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from scaling_search.errors import InvalidInput, Unbuildable, nearest_hint
from scaling_search.networks.foreign import live
from scaling_search.networks.foreign.guard import foreign_code

Build = Callable[..., Any]
_EXTRA = "it comes with the extra: pip install 'scaling-search[zoo]'"
# what a person's own callable may call the three wishes
_NAMES = {
    "classes": ("num_classes", "classes", "n_classes"),
    "dropout": ("dropout", "drop_rate"),
    "drop_connect": ("drop_connect", "stochastic_depth_prob", "drop_path_rate"),
}


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a source is asked for beside its size; None is its own default."""

    classes: int | None = None
    dropout: float | None = None
    drop_connect: float | None = None


NO_WISHES = Wishes()


@dataclass(frozen=True, kw_only=True)
class NetworkSource:
    """Something that builds networks.

    Attributes:
        name: as the user wrote it.
        build: the callable; takes keyword options.
        always: options that every call gets.
        takes: the options for wishes, by the names of `Wishes`; a library's model may still refuse one.
        resolution: side of the input it is made for, None if unknown.
        scales_itself: it follows the builder protocol build(width, depth).
    """

    name: str
    build: Build
    always: Mapping[str, Any]
    takes: Mapping[str, str]
    resolution: int | None = None
    scales_itself: bool = False

    def make(self, wishes: Wishes) -> nn.Module:
        """One network with weights, or on the meta device where that is the default device.

        A wish that the source takes under no name is left out; `ForeignNetwork` deals with what is missing.

        Raises:
            Unbuildable: the callable fails.
            InvalidInput: it returns no nn.Module.
        """
        wanted = {self.takes[wish]: value for wish, value in vars(wishes).items() if wish in self.takes}
        wanted = {option: value for option, value in wanted.items() if value is not None}
        try:
            with foreign_code(self.name):
                module = _call(self.build, {**self.always, **wanted}, optional=set(wanted))
        except InvalidInput:
            raise
        except Exception as error:
            if torch.get_default_device().type == "meta":
                raise
            reason = " ".join(str(error).split()) or type(error).__name__
            raise Unbuildable(f"{self.name} cannot be built: {reason}") from error
        if not isinstance(module, nn.Module):
            raise InvalidInput(f"{self.name} returns {_a(type(module).__name__)}, not a torch.nn.Module")
        return module

    def at(self, depth: float, width: float) -> "NetworkSource":
        """The same builder (see `scales_itself`) at another size."""
        return self.with_build(self.build, {**self.always, "depth": depth, "width": width})

    def with_build(self, build: Build, always: Mapping[str, Any]) -> "NetworkSource":
        """The same source through another door of its library."""
        return replace(self, build=build, always=always)

    def make_meta(self, wishes: Wishes) -> nn.Module:
        """The same without weights. Code that cannot run on the meta device runs on the CPU."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                with torch.device("meta"):
                    module = self.make(wishes)
                if all(tensor.is_meta for tensor in module.parameters()):
                    return module.to("meta")
            except InvalidInput:
                raise
            except Exception:  # whatever the network's own code raises where there are no numbers
                pass
            return self.make(wishes).to("meta")


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiouAEIOU' else 'a'} {noun}"


def _parameters(build: Build) -> set[str]:
    """The names of a callable's parameters, without those that a functools.partial has filled already."""
    try:
        return set(inspect.signature(build).parameters) - set(getattr(build, "keywords", ()))
    except (TypeError, ValueError):
        return set()


def _call(build: Build, options: dict[str, Any], optional: set[str]) -> Any:
    """Call with options, without those optional ones that turn out, deep inside a library, not to be taken."""
    while True:
        try:
            return build(**options)
        except TypeError as error:
            found = re.search(r"unexpected keyword argument '(\w+)'", str(error))
            if found is None or found[1] not in optional or found[1] not in options:
                raise
            options = {name: value for name, value in options.items() if name != found[1]}


@cache
def open_source(name: str) -> NetworkSource:
    """The source of that name.

    Raises:
        InvalidInput: the library is missing, or has no such model (with the nearest names); there is no such module,
            file or callable; importing it fails.
    """
    place, _, attribute = name.rpartition(":")
    if not place or not attribute:
        raise InvalidInput(
            f"{name!r} names no network; write timm:NAME, torchvision:NAME, package.module:callable or file.py:callable"
        )
    if place == "timm":
        return _open_timm(name, attribute)
    if place == "torchvision":
        return _open_torchvision(name, attribute)
    if place == live.PLACE:
        return _of_callable(name, live.load(name))
    return _open_callable(name, place, attribute)


def _library(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InvalidInput(f"{name} is not installed; {_EXTRA}") from error


def _open_timm(name: str, model: str) -> NetworkSource:
    timm = _library("timm")
    if model.partition(".")[0] not in timm.list_models():
        raise InvalidInput(f"timm has no model {model!r}{nearest_hint(model, timm.list_models())}")
    always = {"model_name": model, "pretrained": False}
    size = timm.get_pretrained_cfg(model, allow_unregistered=True)
    return NetworkSource(
        name=name,
        build=timm.create_model,
        always=always,
        takes={"classes": "num_classes", "dropout": "drop_rate", "drop_connect": "drop_path_rate"},
        resolution=size.input_size[-1] if size is not None else None,
    )


def _open_torchvision(name: str, model: str) -> NetworkSource:
    models = _library("torchvision.models")
    known = models.list_models(module=models)
    if model not in known:
        raise InvalidInput(f"torchvision has no model {model!r}{nearest_hint(model, known)}")
    always: dict[str, Any] = {"weights": None}
    if model in ("googlenet", "inception_v3"):
        always |= {"aux_logits": False, "init_weights": True}  # one output; and no warning about the default
    transforms = next(iter(models.get_model_weights(model))).transforms
    return NetworkSource(
        name=name,
        build=models.get_model_builder(model),
        always=always,
        takes={"classes": "num_classes", "dropout": "dropout", "drop_connect": "stochastic_depth_prob"},
        resolution=transforms.keywords.get("crop_size"),
    )


def _open_callable(name: str, place: str, attribute: str) -> NetworkSource:
    with foreign_code(place):
        module = _import_file(Path(place)) if place.endswith(".py") else _import_module(place)
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            names = [one for one, value in vars(found).items() if callable(value) and not one.startswith("_")]
            raise InvalidInput(f"{place} has no {part!r}{nearest_hint(part, names)}")
        found = getattr(found, part)
    if not callable(found):
        raise InvalidInput(f"{name} is {_a(type(found).__name__)}, not a callable that returns a torch.nn.Module")
    return _of_callable(name, found)


def _of_callable(name: str, build: Build) -> NetworkSource:
    """A person's own callable, asked for what its parameters' names say that it takes."""
    parameters = _parameters(build)
    return NetworkSource(
        name=name,
        build=build,
        always={},
        takes={wish: name for wish, names in _NAMES.items() for name in names if name in parameters},
        resolution=getattr(build, "resolution", None),
        scales_itself={"width", "depth"} <= parameters,
    )


def _import_module(place: str) -> ModuleType:
    try:
        # a console script does not look into the current folder by itself, where a person's own package lies
        if "" not in sys.path and str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name and place.startswith(error.name):
            raise InvalidInput(f"there is no module {error.name!r} to import {place!r} from") from error
        raise InvalidInput(f"importing {place} fails: {error}") from error
    except InvalidInput:
        raise
    except Exception as error:
        raise InvalidInput(f"importing {place} fails: {type(error).__name__}: {error}") from error


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise InvalidInput(f"there is no file {path}")
    name = f"scaling_search_user_{path.stem}_{abs(hash(path.resolve()))}"
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # dataclasses and pickle look their module up
    try:
        specification.loader.exec_module(module)
    except InvalidInput:
        raise
    except Exception as error:
        del sys.modules[name]
        raise InvalidInput(f"importing {path} fails: {type(error).__name__}: {error}") from error
    return module
