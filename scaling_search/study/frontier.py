"""What runs and full trainings reached at which cost, as one table for the frontier."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from scaling_search.architecture import Network
from scaling_search.configuration import read_yaml
from scaling_search.errors import InvalidInput
from scaling_search.evidence import UNSCALED
from scaling_search.report.figure import Plot
from scaling_search.report.frontier import CostName, accuracy_frontier
from scaling_search.search.folder import RunFolder
from scaling_search.search.searchspace import network_from_dict
from scaling_search.search.space import inference_bytes
from scaling_search.search.table import read_table
from scaling_search.study.answer import read_answer

_TRAINING, _HISTORY = "train.yaml", "history.csv"


def frontier(*paths: str | Path, x: CostName = "macs", latency_on: Literal["cpu", "cuda"] = "cpu") -> Plot:
    """Accuracy against a cost over runs and full trainings, with `data` (pandas) and `figure` (matplotlib).

    Args:
        paths: as of `reached`.
        x: the cost.
        latency_on: where latency is measured, where that is the cost.

    Raises:
        InvalidInput: no folder is given, one is none of these, or nothing in it has finished.
    """
    if not paths:
        raise InvalidInput("name a run, a training or a folder of trainings at least")
    return accuracy_frontier(reached([Path(path) for path in paths], x=x, latency_on=latency_on), x=x)


def reached(paths: Sequence[Path], *, x: CostName = "macs", latency_on: Literal["cpu", "cuda"] = "cpu") -> pd.DataFrame:
    """One row a network that was trained: family, data, network, named, its costs, seeds, top1 and top1_se.

    Args:
        paths: folders of runs (their candidates and unscaled network), of full trainings (`train`), or folders that
            hold such trainings: a family. Trainings that differ in nothing but the seed are one row.
        x: latency is measured (and latency_low, latency_high, device are there) only where it is asked for.
        latency_on: where.

    Raises:
        InvalidInput: a folder is none of these, or nothing in it has finished.
    """
    table = pd.DataFrame([row for path in paths for row in _rows(path)])
    names = table["family"].drop_duplicates()
    if len(names) < len(paths):  # folders of equal names
        table["family"] = table["folder"]
    table["memory"] = [inference_bytes(network.cost()) for network in table["built"]]
    if x == "latency":
        table = table.join(_timed(table["built"], latency_on))
    return table.drop(columns=["built", "folder"])


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if (path / "run.yaml").is_file():
        yield from _of_run(RunFolder(path))
    elif (path / _TRAINING).is_file():
        yield from _of_trainings(path, [path])
    else:
        trainings = sorted(file.parent for file in path.glob(f"*/{_TRAINING}")) if path.is_dir() else []
        if not trainings:
            raise InvalidInput(_nothing_in(path))
        yield from _of_trainings(path, trainings)


def _nothing_in(path: Path) -> str:
    if path.is_dir() and any(path.glob("*.yaml")):
        return f"{path} holds configs and no trainings: train them with `scaling-search train CONFIG --out {path}/NAME`"
    return f"{path} is neither a run (it has no run.yaml) nor a training (no {_TRAINING}), and holds no trainings"


def _of_run(folder: RunFolder) -> Iterator[dict[str, Any]]:
    """Its candidates, small as they were trained, and the unscaled network."""
    record, analysis = folder.record(), read_answer(folder).analysis
    base = record.base_network()
    built = {candidate.id: candidate.network for candidate in read_table(folder.candidates, base)} | {UNSCALED: base}
    common = {
        "folder": str(folder.path),
        "family": folder.path.name,
        "data": _called(record.data.name, record.data.classes),
    }
    for name, row in analysis.table.iterrows():
        yield common | {
            "network": str(name), "named": " = ".join(row["named"]), **_counts(built[str(name)]),
            "seeds": int(row["seeds"]), "top1": float(row["top1"]), "top1_se": float(row["top1_se"]),
        }  # fmt: skip
    if analysis.unscaled is not None:
        yield common | {
            "network": UNSCALED, "named": "unscaled", **_counts(base), "seeds": analysis.unscaled.seeds,
            "top1": analysis.unscaled.top1, "top1_se": analysis.unscaled.top1_se,
        }  # fmt: skip


def _of_trainings(path: Path, folders: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """One row for trainings of one network that differ in the seed alone, each at its best epoch."""
    found = pd.DataFrame([_training(folder) for folder in folders])
    for _, alike in found.groupby("key", sort=False):
        first, top1 = alike.iloc[0], alike["top1"].to_numpy(float)
        error = top1.std(ddof=1) / np.sqrt(len(top1)) if len(top1) > 1 else np.nan
        yield {
            "folder": str(path), "family": path.name, "data": first["data"], "network": first["network"],
            "named": first["network"], **_counts(first["built"]), "seeds": len(alike),
            "top1": float(top1.mean()), "top1_se": float(error),
        }  # fmt: skip


def _training(folder: Path) -> dict[str, Any]:
    """What a folder of `train` says.

    Raises:
        InvalidInput: a file is damaged or missing, or no epoch has finished.
    """
    path = folder / _TRAINING
    content = read_yaml(path)
    try:
        network = network_from_dict(content["network"])
        data = _called(str(content["dataset"]["name"]), len(content["dataset"]["classes"]))
        settings = {key: content[key] for key in ("recipe", "epochs")}
        top1 = pd.read_csv(folder / _HISTORY)["top1"].astype(float)
    except InvalidInput:
        raise
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise InvalidInput(
            f"{folder} is no training that has finished an epoch: {' '.join(str(error).split())}"
        ) from error
    if top1.empty or not top1.between(0, 1).all():
        raise InvalidInput(f"{folder / _HISTORY}: top1: not an accuracy from 0 to 1 for each epoch")
    key = repr((network.to_dict(), data, settings))
    return {"key": key, "network": network.name, "built": network, "data": data, "top1": float(top1.max())}


def _called(name: str, classes: int) -> str:
    """What says that two were trained on the same images: the pixels differ with the size that they are packed at."""
    return f"{name}, {classes} classes"


def _counts(network: Network) -> dict[str, Any]:
    cost = network.cost()
    return {"built": network, "macs": cost.macs, "params": cost.params, "activations": cost.activations}


def _timed(networks: pd.Series, device: Literal["cpu", "cuda"]) -> pd.DataFrame:
    """Seconds for one image of each, with the quartiles, measured now unless they are remembered."""
    from scaling_search.data.cache import cache_folder
    from scaling_search.environment import resolve_device
    from scaling_search.networks.latency import latency

    place, cache = resolve_device(device), cache_folder() / "latency"
    found = [latency(network, device=place, cache=cache) for network in networks]
    return pd.DataFrame(
        {
            "latency": [one.seconds for one in found],
            "latency_low": [one.low for one in found],
            "latency_high": [one.high for one in found],
            "device": [one.device for one in found],
        },
        index=networks.index,
    )
