"""From what the user asked to all that a run needs: networks, data, candidates and a plan that fits the time."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from scaling_search import searchspace
from scaling_search.architecture import Network, parse_target, policy
from scaling_search.coefficients import REFERENCES
from scaling_search.data import Dataset, prepare
from scaling_search.data.cache import cache_folder
from scaling_search.environment import Device, cpu_count, describe_device, resolve_device, use_one_thread
from scaling_search.errors import InvalidInput
from scaling_search.networks.latency import latency_on
from scaling_search.options import Options
from scaling_search.run_folder import RunFolder
from scaling_search.search.candidates import Candidate, Limits, Rule, apply_point, read_table, realise
from scaling_search.search.planning import Load, Plan, Speed, choose_plan
from scaling_search.search.strategies import Point, SearchConfig, plan_points
from scaling_search.searchspace import ProxySize, SearchSpace
from scaling_search.training.recipe import Recipe, recipe
from scaling_search.training.speed import measure_speed

DEFAULT_BUDGET = {"cpu": 300.0, "cuda": 1800.0}
"""Seconds: five minutes on CPUs, so that a first look costs little; half an hour where a GPU makes it worth it."""

DataProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Everything that a run is made of, resolved: what run.yaml says and resuming rebuilds."""

    options: Options
    search: SearchConfig
    full: Network
    base: Network
    dataset: Dataset
    recipe: Recipe
    device: str
    speed: Speed
    plan: Plan
    candidates: tuple[Candidate, ...]

    @property
    def growth(self) -> float:
        """Realised MACs over the base's at which candidates are compared: what was asked, or came of another target."""
        if self.options.target is None:
            return float(2.0**self.options.phi)
        return statistics.median(candidate.macs_ratio for candidate in self.candidates)

    def realise(self, points: Sequence[Point]) -> list[Candidate]:
        """The points as this run's candidates."""
        return _realise(points, self.options, self.search, self.base, self.full)

    def configuration(self) -> dict[str, Any]:
        """The content of run.yaml that describes the run itself."""
        base = self.base.cost()
        data = self.dataset
        return {
            "baseline": {"name": self.full.name, "network": self.full.to_dict()},
            "phi": self.options.phi,
            "match": self.search.match,
            "growth": self.growth,
            "search": self.search.model_dump(),
            "base": {
                "pixels": self.base.resolution,
                "depths": list(self.base.depths),
                "widths": list(self.base.widths),
                "params": base.params,
                "macs": base.macs,
                "activations": base.activations,
                "network": self.base.to_dict(),
            },
            "dataset": {
                "name": data.name,
                "source": self.options.data,
                "packed": data.train.side,
                "classes": len(data.classes),
                "train": len(data.train),
                "val": len(data.val),
                "flip": data.flip,
                "fingerprint": data.fingerprint,
                "skipped": list(data.skipped),
            },
            "recipe": self.recipe.model_dump(),
            "epochs": self.plan.epochs,
            "seeds": list(range(self.plan.seeds)),
            "scheduler": self.options.scheduler,
            "executor": self.options.executor,
            "workers": self.plan.workers,
            "budget_seconds": self.options.budget_seconds or DEFAULT_BUDGET[self.device],
            "planned_seconds": self.plan.seconds,
            "device": describe_device(self.device),
            "speed": asdict(self.speed),
            "plan": asdict(self.plan),
            "options": self.options.model_dump(),
        }


def plan_run(options: Options, *, on_data: DataProgress | None = None) -> Setup:
    """Loads the baseline and the data, measures the speed, and makes the plan. Writes nothing but the data's cache.

    Raises:
        InvalidInput: anything that the user asked for cannot be done.
    """
    space = searchspace.load(options.baseline)
    search = _search_config(space, options)
    chosen = _recipe(space, options)
    device = resolve_device(options.device)
    full = _rounded(space.network(), search.rounding)
    size = _proxy_size(space, full, options, device)
    packed = _largest_resolution(size, options.phi)
    dataset = prepare(options.data, resolution=packed, progress=on_data)
    base = _base(full, size, search, classes=len(dataset.classes))

    @cache
    def candidates(parts: int) -> tuple[Candidate, ...]:
        return tuple(_realise(plan_points(search, parts=parts), options, search, base, full))

    speed = _measure(base, options.phi, chosen.batch_size, device)
    plan = choose_plan(
        lambda parts: _loads(candidates(parts), search),
        speed,
        budget_seconds=options.budget_seconds or DEFAULT_BUDGET[device],
        images=(len(dataset.train), len(dataset.val)),
        workers=_workers(options, device),
        minimum_epochs=space.proxy.minimum_epochs,
        maximum_epochs=space.proxy.maximum_epochs,
        parts=search.parts if search.strategy == "lattice" else 1,
        seeds=options.seeds,
        epochs=options.epochs,
    )
    return Setup(
        options=options, search=search, full=full, base=base, dataset=dataset, recipe=chosen, device=device,
        speed=speed, plan=plan, candidates=candidates(plan.parts),
    )  # fmt: skip


def reopen(folder: RunFolder, *, on_data: DataProgress | None = None) -> Setup:
    """The setup of a run that was begun, from its run.yaml and candidates.csv; nothing is planned or measured again.

    Raises:
        InvalidInput: the folder is not a run, or its data has changed since.
    """
    written = folder.configuration()
    options = Options.model_validate(written["options"])
    full = searchspace.network_from_dict(written["baseline"]["network"])
    base = searchspace.network_from_dict(written["base"]["network"])
    dataset = prepare(options.data, resolution=written["dataset"]["packed"], progress=on_data)
    if dataset.fingerprint != written["dataset"]["fingerprint"]:
        raise InvalidInput(f"the data of {folder.path} has changed since the run was begun; its trials cannot be mixed")
    device: Device = written["device"]["kind"]
    return Setup(
        options=options,
        search=SearchConfig.model_validate(written["search"]),
        full=full,
        base=base,
        dataset=dataset,
        recipe=recipe_from(written["recipe"]),
        device=resolve_device(device),
        speed=Speed(**written["speed"]),
        plan=Plan(**written["plan"]),
        candidates=tuple(read_table(folder.candidates, base)),
    )


def recipe_from(content: dict[str, Any]) -> Recipe:
    """A recipe as run.yaml keeps it."""
    return recipe(content["name"], **content)


def _search_config(space: SearchSpace, options: Options) -> SearchConfig:
    """The search space's search with what the user asked instead."""
    asked = {
        "strategy": options.search, "parts": options.parts, "step": options.step, "tolerance": options.tolerance,
        "samples": options.samples, "match": options.match, "rounding": options.rounding,
    }  # fmt: skip
    config = space.search.model_copy(update={key: value for key, value in asked.items() if value is not None})
    if options.target is not None and config.match == "nominal":
        raise InvalidInput("--target is walked to, which --match nominal does not do")
    if config.strategy == "optuna" and options.scheduler != "fifo":
        raise InvalidInput(
            "--search optuna needs --scheduler fifo: a trial that is stopped early would be told to Optuna as complete"
        )
    return config


def _recipe(space: SearchSpace, options: Options) -> Recipe:
    return recipe(options.recipe or space.proxy.recipe)


def _rounded(network: Network, name: str | None) -> Network:
    return network.replaced(rounding=policy(name)) if name else network


def _base(full: Network, size: ProxySize, search: SearchConfig, *, classes: int) -> Network:
    rounding = policy(search.rounding) if search.rounding else None
    return searchspace.proxy_base(full, size, classes=classes, rounding=rounding)


def _proxy_size(space: SearchSpace, full: Network, options: Options, device: str) -> ProxySize:
    """What the user asked, else the search space's size for the device; by itself never above the baseline's own."""
    default = space.proxy.cuda if device == "cuda" else space.proxy.cpu
    return ProxySize(
        width=options.proxy_width or default.width,
        resolution=options.proxy_resolution or min(default.resolution, full.resolution),
        depth=default.depth,
    )


def _largest_resolution(size: ProxySize, phi: float) -> int:
    """What images are packed at: a pure-resolution candidate's √(2^φ), and room for the walk to its realised cost."""
    return 8 * math.ceil(size.resolution * 2 ** (phi / 2) * 1.1 / 8)


def _realise(
    points: Sequence[Point], options: Options, search: SearchConfig, base: Network, full: Network | None
) -> list[Candidate]:
    """The candidates of a run (full: the network that base is a proxy of), or of a list (None: base is full-size)."""
    stopwatch = _stopwatch(options)
    target = None if options.target is None else parse_target(options.target)
    rule = Rule(phi=options.phi, match=search.match, target=target, latency=stopwatch)
    limits = Limits(
        macs=options.max_macs,
        params=options.max_params,
        memory=options.max_memory,
        latency=options.max_latency,
        measure=stopwatch,
    )
    return realise(points, base, rule, full=full, limits=limits)


def _stopwatch(options: Options) -> Callable[[Network], float] | None:
    if options.latency_on is None:
        if options.max_latency is not None:
            raise InvalidInput("--max-latency needs a device to measure on: --latency-on cpu or cuda")
        return None
    return latency_on(resolve_device(options.latency_on), cache=cache_folder() / "latency")


def _loads(candidates: Sequence[Candidate], search: SearchConfig) -> list[Load]:
    """What the plan counts with; a strategy that samples is counted with uniform shares for its samples."""
    loads = [Load(shares=item.coefficients.shares(), macs_ratio=item.macs_ratio) for item in candidates]
    if search.strategy == "optuna":
        ratio = sum(load.macs_ratio for load in loads) / len(loads)
        loads += [Load(shares=REFERENCES["uniform"], macs_ratio=ratio)] * search.samples
    return loads


def _measure(base: Network, phi: float, batch_size: int, device: str) -> Speed:
    """Trains a few steps of the three corner networks."""

    if device == "cpu":
        use_one_thread()

    def seconds(name: str) -> float:
        corner = apply_point(Point(coefficients=REFERENCES[name].coefficients()), base, Rule(phi=phi))
        rate = measure_speed(corner.network, batch_size=batch_size, device=device)
        return 2**phi / corner.macs_ratio / rate

    return Speed(depth=seconds("depth"), width=seconds("width"), resolution=seconds("resolution"), growth=2.0**phi)


def _workers(options: Options, device: str) -> int:
    if options.executor == "inline":
        return 1
    if options.workers is not None:
        return options.workers
    count: int = describe_device(device)["count"] if device == "cuda" else cpu_count()
    return count * options.trials_per_gpu if device == "cuda" else count


def list_candidates(options: Options, *, proxy: bool) -> list[Candidate]:
    """The candidates of a search at full size, or as the proxies that a run on CPUs trains; no data is read.

    A run's proxies have the data's number of classes; here they have the baseline's.
    """
    space = searchspace.load(options.baseline)
    search = _search_config(space, options)
    full = _rounded(space.network(), search.rounding)
    points = plan_points(search, parts=search.parts or 6)
    if proxy:
        base = _base(full, _proxy_size(space, full, options, "cpu"), search, classes=full.classes)
        return _realise(points, options, search, base, full)
    return _realise(points, options, search, full, None)
