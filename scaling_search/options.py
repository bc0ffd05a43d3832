"""What the user asked of a run, as one strict value that run.yaml keeps."""

import re
from typing import Literal

from pydantic import Field

from scaling_search.configuration import Strict
from scaling_search.errors import InvalidInput

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Options(Strict):
    """The options of `scaling-search run`; None leaves a choice to the search space or to the plan."""

    baseline: str = "b0"
    phi: float = Field(default=1.0, gt=0, le=7)
    data: str | None = None  # the embedded shapes
    # How long the whole search may take. The plan is made to fit; a run that is slower than planned is not cut off,
    # since trials of unequal length cannot be compared. None: 5 minutes on CPUs, 30 with CUDA.
    budget_seconds: float | None = Field(default=None, gt=0)
    device: Literal["auto", "cpu", "cuda"] = "auto"

    search: Literal["lattice", "grid", "optuna"] | None = None
    parts: int | None = Field(default=None, ge=1, le=60)
    step: float | None = Field(default=None, gt=0)
    tolerance: float | None = Field(default=None, ge=0)
    samples: int | None = Field(default=None, ge=1)
    match: Literal["realised", "nominal"] | None = None
    rounding: str | None = None
    max_macs: int | None = Field(default=None, gt=0)
    max_params: int | None = Field(default=None, gt=0)
    max_memory: int | None = Field(default=None, gt=0)
    target: str | None = None  # «macs=2x», «params=8M», «latency=5ms»: instead of 2^φ times the MACs
    max_latency: float | None = Field(default=None, gt=0)  # seconds for one image
    latency_on: Literal["cpu", "cuda"] | None = None

    seeds: int | None = Field(default=None, ge=1, le=1000)
    epochs: int | None = Field(default=None, ge=1)
    proxy_width: float | None = Field(default=None, gt=0)
    proxy_resolution: int | None = Field(default=None, ge=8)
    recipe: str | None = None
    deterministic: bool = False

    executor: Literal["ray", "inline"] = "ray"
    scheduler: Literal["fifo", "asha", "hyperband", "median"] = "fifo"
    workers: int | None = Field(default=None, ge=1)
    trials_per_gpu: int = Field(default=2, ge=1)


def parse_duration(text: str) -> float:
    """«90s», «10m», «1.5h», «2d» or a bare number of minutes, in seconds.

    Raises:
        InvalidInput: it is none of these, or not positive.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", text)
    seconds = float(found[1]) * _SECONDS[found[2] or "m"] if found else 0.0
    if seconds <= 0:
        raise InvalidInput(f"{text!r} is not a duration; write 90s, 10m or 1.5h")
    return seconds


def parse_latency(text: str) -> float:
    """«5ms», «0.2s» or «800us» in seconds.

    Raises:
        InvalidInput: it is none of these, or not positive.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|ms|us)\s*", text)
    seconds = float(found[1]) * {"s": 1.0, "ms": 1e-3, "us": 1e-6}[found[2]] if found else 0.0
    if seconds <= 0:
        raise InvalidInput(f"--max-latency {text!r} is not a time; write 5ms or 0.2s")
    return seconds


def parse_amount(text: str, option: str) -> int:
    """«400M», «5.3m», «2G», «1500000» as a whole number; K, M, G and T are powers of a thousand.

    Raises:
        InvalidInput: it is no positive amount.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?(?:e\d+)?)\s*([kmgt]?)b?\s*", text.lower())
    amount = round(float(found[1]) * 1000 ** ("kmgt".index(found[2]) + 1 if found[2] else 0)) if found else 0
    if amount <= 0:
        raise InvalidInput(f"{option} {text!r} is not an amount; write 400M, 5.3M or 2G")
    return amount
