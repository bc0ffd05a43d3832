"""The statistics of benchmarks/schedules.py on tables whose answer is known, and that it continues where it stopped."""

import importlib.util
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

_SCRIPT = Path(__file__).parents[2] / "benchmarks" / "schedules.py"
_SETTING: dict[str, Any] = {
    "candidates": 4, "seeds": 3, "short": 1, "long": 2, "images": 96, "validation": 24, "resolution": 32,
    "source": "shapes", "lr": 0.01,
}  # fmt: skip


@pytest.fixture(scope="module")
def schedules() -> ModuleType:
    specification = importlib.util.spec_from_file_location("schedules_benchmark", _SCRIPT)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # dataclasses look their module up
    specification.loader.exec_module(module)
    return module


def test_what_all_candidates_share_is_not_noise(schedules: ModuleType) -> None:
    candidates, seeds = np.array([0.1, 0.4, 0.2, 0.9]), np.array([0.0, 0.3, -0.2])
    assert schedules.noise(candidates[:, None] + seeds) == pytest.approx(0, abs=1e-12)
    assert schedules.signal(candidates[:, None] + seeds) == pytest.approx(candidates.std(ddof=1))


def test_planted_noise_and_signal_are_found(schedules: ModuleType) -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(0, 2, (400, 1)) + rng.normal(0, 1, (1, 5)) + rng.normal(0, 0.5, (400, 5))
    assert schedules.noise(table) == pytest.approx(0.5, rel=0.1)
    assert schedules.signal(table) == pytest.approx(2, rel=0.1)


def test_nested_schedules_are_trained_once_and_read_twice(schedules: ModuleType) -> None:
    setting = schedules.Setting(**_SETTING)
    counts = Counter(job.schedule for job in schedules.jobs(setting))
    assert counts == {"annealed": 24, "averaged": 12, "wsd": 24}
    assert schedules.compute(setting, "annealed") == (1, 3)
    assert schedules.compute(setting, "averaged") == (1, 2)
    assert schedules.compute(setting, "wsd") == (1, pytest.approx(2.3))  # the decay of the short reading is extra


def test_candidates_are_different_networks(schedules: ModuleType) -> None:
    networks = schedules.Setting(**{**_SETTING, "candidates": 10}).networks(12)
    assert len({network.signature for network in networks}) == 10


@pytest.mark.slow
def test_an_interrupted_run_trains_only_what_is_missing(tmp_path: Path) -> None:
    sizes = ["--candidates", "3", "--seeds", "2", "--short", "1", "--long", "2", "--images", "96", "--validation", "24"]
    command = [sys.executable, str(_SCRIPT), "--out", str(tmp_path), "--processes", "1", *sizes]
    environment = {**os.environ, "SCALING_SEARCH_CACHE": str(tmp_path / "cache")}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    journal = tmp_path / "journal.jsonl"
    whole = journal.read_text().splitlines(keepends=True)
    assert len(whole) == 30
    journal.write_text("".join(whole[:28]) + whole[28][:40])  # killed while it wrote
    subprocess.run(command, env=environment, check=True, capture_output=True)
    jobs = Counter(json.dumps(json.loads(line)["job"]) for line in journal.read_text().splitlines() if _whole(line))
    assert len(jobs) == 30 and set(jobs.values()) == {1}
    assert (tmp_path / "schedules.csv").read_text().count("\n") == 7  # a header, two metrics × three schedules


def _whole(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
