"""The options that several commands share, in the groups in which `--help` shows them."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from scaling_search.environment import Device
from scaling_search.search.executors import Scheduler
from scaling_search.search.searchspace import MatchRule, StrategyName
from scaling_search.study.options import ExecutorName, Options

QUESTION, SEARCH, PROXIES, RUNNING = "The question", "The search", "The proxies", "Running"


def _option(group: str, help: str, **more: Any) -> Any:
    return typer.Option(help=help, rich_help_panel=group, **more)


Baseline = Annotated[
    str,
    _option(QUESTION, "A shipped baseline (b0, …), a YAML file or a torch network (timm:resnet50, module:function)."),
]
Phi = Annotated[
    float, _option(QUESTION, "Compound coefficient: candidates cost 2^φ times the baseline; below 0 it saves.")
]
Leverage = Annotated[
    float | None,
    _option(PROXIES, "Cost of the small candidates over their base: the more, the more a wrong division shows."),
]
Data = Annotated[
    str | None,
    _option(QUESTION, "Images: a folder by class, a CSV, shards …, or a data set's name. Default: embedded shapes."),
]
Target = Annotated[
    str | None,
    _option(QUESTION, "Instead of 2^φ times the MACs: macs=3x, params=8M, activations=2x, memory=…, latency=5ms."),
]
MaxMacs = Annotated[str | None, _option(QUESTION, "Most multiply-adds of a full-size candidate, as 800M.")]
MaxParams = Annotated[str | None, _option(QUESTION, "Most parameters of a full-size candidate, as 9M.")]
MaxMemory = Annotated[str | None, _option(QUESTION, "Most bytes at inference of a full-size candidate, as 100M.")]
MaxLatency = Annotated[str | None, _option(QUESTION, "Most time for one image on --latency-on, as 5ms.")]
LatencyOn = Annotated[Literal["cpu", "cuda"] | None, _option(QUESTION, "Where latency is measured.")]
Epsilon = Annotated[float, _option(QUESTION, "Loss of accuracy that does not matter, as a fraction.")]

Budget = Annotated[str | None, _option(SEARCH, "Time for the whole search, as 10m or 2h.")]
Search = Annotated[StrategyName | None, _option(SEARCH, "Which points of the share triangle are tried.")]
Parts = Annotated[int | None, _option(SEARCH, "Lattice, halving, race: shares in multiples of 1/PARTS.")]
Step = Annotated[float | None, _option(SEARCH, "Grid: step of α, β and γ.")]
Tolerance = Annotated[float | None, _option(SEARCH, "Grid: how far α·β²·γ² may be from 2.")]
Samples = Annotated[
    int | None, _option(SEARCH, "Optuna: points proposed beyond the references. Random: points in all.")
]
Match = Annotated[
    MatchRule | None, _option(SEARCH, "Walk to 2^φ of the baseline's realised MACs, or take the rule literally.")
]
Seeds = Annotated[int | None, _option(SEARCH, "Trainings of each candidate.")]

Epochs = Annotated[int | None, _option(PROXIES, "Passes over the images in each training.")]
ProxyWidth = Annotated[float | None, _option(PROXIES, "Width of the small baseline.")]
ProxyResolution = Annotated[int | None, _option(PROXIES, "Resolution of the small baseline, in pixels.")]
Rounding = Annotated[str | None, _option(PROXIES, "Rounding policy: efficientnet, nearest, … Default: the baseline's.")]
RecipeName = Annotated[str | None, _option(PROXIES, "Training recipe.")]
WithPilot = Annotated[
    bool,
    typer.Option("--pilot/--no-pilot", rich_help_panel=PROXIES,
                 help="Train the unscaled network too, and look at the corners before the plan is settled."),
]  # fmt: skip

Out = Annotated[Path | None, _option(RUNNING, "The run's folder. Default: results/<baseline>-phi<φ>-<data>-<time>.")]
WhichDevice = Annotated[Device, _option(RUNNING, "Where trials train.")]


ExecutorChoice = Annotated[ExecutorName, _option(RUNNING, "Ray Tune, or this process.")]
SchedulerChoice = Annotated[
    Scheduler, _option(RUNNING, "Ray Tune's; others than fifo stop trials early, which favours width.")
]
Workers = Annotated[int | None, _option(RUNNING, "Trials at once. Default: one a core, or as the GPUs hold.")]
TrialsPerGpu = Annotated[int, _option(RUNNING, "Trials that share one GPU.")]
CpusPerTrial = Annotated[int, _option(RUNNING, "Cores, and threads on a CPU, of a trial.")]
GpusPerTrial = Annotated[float | None, _option(RUNNING, "Part of a GPU that a trial has, instead of --trials-per-gpu.")]
Address = Annotated[
    str | None,
    _option(RUNNING, "A Ray to join: auto or HOST:PORT; local for none. Default: $RAY_ADDRESS, then what runs here."),
]
Storage = Annotated[
    str | None, _option(RUNNING, "A folder or URL that all machines of a cluster reach, for images and checkpoints.")
]
Log = Annotated[
    list[str] | None,
    typer.Option("--log", rich_help_panel=RUNNING,
                 help="Tell tensorboard, mlflow, wandb or trackio too, repeatable; a run that goes on keeps its own."),
]  # fmt: skip
OptunaUrl = Annotated[str | None, _option(RUNNING, "Keep the trials as an Optuna study there, as sqlite:///study.db.")]
Deterministic = Annotated[bool, _option(RUNNING, "Bit-equal results on CUDA too, at some speed.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show the candidates, the plan and its time; train nothing.",
                       rich_help_panel=RUNNING),
]  # fmt: skip
Quiet = Annotated[
    bool, typer.Option("--quiet", help="No plan and no progress: the answer, warnings and errors.",
                       rich_help_panel=RUNNING),
]  # fmt: skip
AsJson = Annotated[
    bool, typer.Option("--json", help="One JSON object, the content of best.yaml, and nothing else.",
                       rich_help_panel=RUNNING),
]  # fmt: skip
Config = Annotated[
    Path | None, _option(RUNNING, "run.yaml of another run: the same search again, but for what --set says.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", rich_help_panel=RUNNING,
                 help="With --config, repeatable: seeds=4, epochs=12, epsilon=0.01, workers=2 …"),
]  # fmt: skip


def asked(context: typer.Context) -> dict[str, Any]:
    """The command's parameters that are `Options`; what it does itself (baseline, data, out) is left out."""
    return {key: value for key, value in context.params.items() if key in Options.model_fields}
