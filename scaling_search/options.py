"""What the user asked of a run, as one strict value that run.yaml keeps."""

from typing import Literal

from pydantic import Field

from scaling_search.configuration import Strict
from scaling_search.units import parse_amount, parse_duration, parse_latency

__all__ = ["Options", "parse_amount", "parse_duration", "parse_latency"]


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
