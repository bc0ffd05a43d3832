"""run.yaml of version 0.1.0, turned into today's content: old run folders still open."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaling_search.errors import InvalidInput

_SETTINGS = {"lattice": ("parts",), "grid": ("step", "tolerance"), "optuna": ("samples",)}


def from_first_version(content: Mapping[str, Any], *, origin: Path) -> dict[str, Any]:
    """The content of a run.yaml without a format, with every fact where today's has it.

    Raises:
        InvalidInput: a fact is missing or of another kind; the message names it.
    """
    try:
        return _converted(content)
    except KeyError as error:
        raise InvalidInput(f"{origin} is not the record of a run: it lacks {error.args[0]}") from error
    except (TypeError, AttributeError, ValueError) as error:
        raise InvalidInput(f"{origin} is not the record of a run: {error}") from error


def _converted(old: Mapping[str, Any]) -> dict[str, Any]:
    asked, plan, data, base = (_section(old, name) for name in ("options", "plan", "dataset", "base"))
    return {
        "format": 2,
        "command": old["command"],
        "started": old["started"],
        "git": old.get("git"),
        "versions": old["versions"],
        "baseline": _section(old, "baseline")["network"],
        "question": {
            "phi": old["phi"],
            "match": old["match"],
            **{name: asked.get(name) for name in ("target", "max_macs", "max_params", "max_memory")},
            **{name: asked.get(name) for name in ("max_latency", "latency_on")},
        },
        "growth": old["growth"],
        "base": {name: base[name] for name in ("network", "params", "macs", "activations")},
        "data": {
            "pixels": data["packed"],
            **{name: data[name] for name in ("name", "source", "classes", "train", "val", "flip", "fingerprint")},
            "skipped": data.get("skipped", []),
        },
        "recipe": {key: value for key, value in _section(old, "recipe").items() if key != "epochs"},
        "strategy": _strategy(_section(old, "search"), plan),
        "plan": {
            "candidates": plan["candidates"],
            "trials": plan["candidates"] * plan["seeds"],
            "seconds": float(plan["seconds"]),
            "budget_seconds": float(old["budget_seconds"]),
        },
        "speed": old["speed"],
        "executor": {
            "kind": old["executor"],
            "workers": old["workers"],
            "scheduler": old["scheduler"],
            "trials_per_gpu": asked.get("trials_per_gpu", 2),
        },
        "device": old["device"],
        "deterministic": asked.get("deterministic", False),
    }


def _section(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = content[name]
    if not isinstance(found, Mapping):
        raise TypeError(f"{name} is not a mapping")
    return found


def _strategy(search: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    name = search["strategy"]
    settings = {key: search[key] for key in _SETTINGS.get(name, ()) if search.get(key) is not None}
    if name == "lattice":
        settings["parts"] = plan["parts"]
    return {"strategy": name, **settings, "seeds": plan["seeds"], "epochs": plan["epochs"]}
