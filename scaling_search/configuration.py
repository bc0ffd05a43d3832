"""Strict configuration: frozen pydantic models, read from YAML by the safe loader, with errors to act on."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from scaling_search.errors import InvalidInput, nearest_hint
from scaling_search.files import read_text
from scaling_search.yaml_limits import LOADER, MOST_BYTES, check_size

_LONGEST_VALUE = 60  # characters, of what a message shows


class Strict(BaseModel):
    """Base of every configuration: frozen; unknown keys, wrong types and infinite numbers are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path) -> Any:
    """The content of one YAML file.

    Raises:
        InvalidInput: the file is missing, unreadable or not YAML; the message names it.
    """
    text = read_text(path, most=MOST_BYTES)
    try:
        check_size(text)
        return yaml.load(text, Loader=LOADER)
    except InvalidInput as error:
        raise InvalidInput(f"{path} {error}") from error
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, OverflowError) as error:  # wrong dates, sets
        raise InvalidInput(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error


def to_yaml(content: Mapping[str, Any]) -> str:
    """Readable YAML: keys in the order given; lists and mappings of plain values on one line."""
    # wide enough for a row of a table, narrow enough to fold the names of a thousand classes
    return yaml.dump(
        dict(content), Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=240
    )


class _Dumper(yaml.SafeDumper):
    """Tuples as lists, and equal values written out again instead of referred to."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(tuple, _Dumper.represent_list)


def parse(model: type[Model], content: Any, *, origin: str | Path) -> Model:
    """Content as a model; origin (a file's name, an option) begins the message of an error.

    Raises:
        InvalidInput: names the origin, the key and, for an unknown key, the nearest valid one.
    """
    try:
        # through JSON rules: YAML has no tuples, and a list is what a person writes for one
        return model.model_validate_json(_json(content))
    except ValidationError as error:
        raise InvalidInput(f"{origin}: {_sentence(model, error)}") from error
    except ValueError as error:  # bytes that are no text
        raise InvalidInput(f"{origin}: {error}") from error


def _json(content: Any) -> bytes:
    from pydantic_core import to_json

    return to_json(content, inf_nan_mode="constants")  # else they turn into null, which is a wish unheard


def _sentence(model: type[BaseModel], error: ValidationError) -> str:
    """The first problem of a validation error, in one line, and how many more there are."""
    first, *others = error.errors(include_url=False)
    if first["type"] != "extra_forbidden":
        return first_problem(error)
    hint = nearest_hint(str(first["loc"][-1]), _valid_keys(model, first["loc"][:-1]))
    return f"unknown key {_place(first['loc'])}{hint}{_more(len(others))}"


def first_problem(error: ValidationError) -> str:
    """The first problem of a validation error, in one line, and how many more there are."""
    first, *others = error.errors(include_url=False)
    where = _place(first["loc"])
    if first["type"] == "missing":
        text = f"missing key {where}"
    elif isinstance(cause := first.get("ctx", {}).get("error"), InvalidInput):
        text = str(cause)  # it says itself what is wrong, and what would work
    else:
        given = "" if isinstance(first["input"], dict | list) else f" (got {_cut(repr(first['input']))})"
        text = f"{where}: ".lstrip(": ") + first["msg"].removeprefix("Value error, ") + given
    return text + _more(len(others))


def _place(keys: tuple[int | str, ...]) -> str:
    return _cut(".".join(str(part) for part in keys))


def _more(count: int) -> str:
    return f" (and {count} more problem{'s' if count > 1 else ''})" if count else ""


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]} …"


def _valid_keys(model: type[BaseModel], path: Iterable[int | str]) -> set[str]:
    """The keys that the model nested at path accepts; empty when the path leads through something untyped."""
    models = {model}
    for part in path:
        if isinstance(part, str):
            fields = [nested.model_fields[part].annotation for nested in models if part in nested.model_fields]
            models = {found for field in fields for found in _models_in(field)} or models
    return {key for nested in models for key in nested.model_fields}


def _models_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {found for inner in get_args(annotation) for found in _models_in(inner)}
