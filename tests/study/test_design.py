"""From wishes to things: each option arrives where it belongs, and what follows from several of them is right."""

from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import yaml
from tiny_study import IMAGES, SPEED, MakeStudy

from scaling_search.architecture import policy
from scaling_search.coefficients import REFERENCES, Shares
from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading
from scaling_search.search.executors import Inline, Job, Ray
from scaling_search.search.folder import RunFolder
from scaling_search.search.plan import STARTUP_SECONDS
from scaling_search.search.record import ExecutorRecord
from scaling_search.strategies import Grid, Lattice, Optuna, Point, Surface
from scaling_search.study.design import make_design, make_space
from scaling_search.study.engines import OF_RAY, executor_again
from scaling_search.study.listing import list_candidates
from scaling_search.study.network import network
from scaling_search.study.options import Options
from scaling_search.study.preparation import Prepared


class Arrived:
    """A search as it is when trials start: the plan, and the first job."""

    def __init__(self, prepared: Prepared, job: Job) -> None:
        self.record, self.candidates, self.job = prepared.record, prepared.candidates, job
        self.strategy: Any = prepared.strategy  # of whatever kind was asked for
        self.executor: Any = prepared.executor
        self.space: Any = prepared.space


Look = Callable[[Arrived], Any]

WISHES: dict[str, tuple[Any, Look, Any]] = {
    "phi": (2.0, lambda found: (found.record.question.phi, found.space.full_rule.growth), (2.0, 4.0)),
    "leverage": (8.0, lambda found: (found.record.question.leverage, found.space.rule.growth), (8.0, 8.0)),
    "target": ("macs=3x", lambda found: found.space.full_rule.target.growth, 3.0),
    "match": ("nominal", lambda found: (found.record.question.match, found.space.rule.match), ("nominal", "nominal")),
    "max_macs": ("400M", lambda found: found.space.limits.macs, 400_000_000),
    "max_params": ("5M", lambda found: found.space.limits.params, 5_000_000),
    "max_memory": ("900M", lambda found: found.space.limits.memory, 900_000_000),
    "max_latency": ("900s", lambda found: found.space.limits.latency, 900.0),
    "latency_on": ("cpu", lambda found: found.record.question.latency_on, "cpu"),
    "epsilon": (0.02, lambda found: (found.record.question.epsilon, found.strategy.epsilon), (0.02, 0.02)),
    "search": ("optuna", lambda found: found.strategy, Optuna(seeds=2, epochs=2)),
    "parts": (2, lambda found: found.strategy, Lattice(parts=2, seeds=2, epochs=2)),
    "step": (0.3, lambda found: found.strategy.step, 0.3),
    "tolerance": (0.3, lambda found: found.strategy.tolerance, 0.3),
    "samples": (3, lambda found: (found.strategy.samples, found.record.plan.candidates), (3, 9)),
    "seeds": (3, lambda found: (found.record.seeds, found.record.plan.trials), (3, 18)),
    "epochs": (5, lambda found: (found.record.epochs, found.job.epochs), (5, 5)),
    "budget": ("77s", lambda found: found.record.plan.budget_seconds, 77.0),
    "proxy_width": (1.0, lambda found: found.record.base_network().widths[0], 16),
    "proxy_resolution": (32, lambda found: found.record.base_network().resolution, 32),
    "rounding": ("efficientnet", lambda found: (found.record.full_network().rounding, found.space.base.rounding.depth),
                 (policy("efficientnet"), "ceil")),
    "pilot": (True, lambda found: (found.strategy.seeds, found.record.pilot is not None), (2, True)),
    "recipe": ("resnet", lambda found: (found.record.recipe.name, found.job.recipe.name), ("resnet", "resnet")),
    "device": ("cpu", lambda found: (found.record.device.kind, found.job.device), ("cpu", "cpu")),
    "deterministic": (True, lambda found: (found.record.deterministic, found.job.deterministic), (True, True)),
    "executor": ("inline", lambda found: found.executor, Inline()),
    "scheduler": ("median", lambda found: found.executor, Ray(scheduler="median")),
    "workers": (3, lambda found: (found.executor, found.record.executor.workers), (Ray(workers=3), 3)),
    "trials_per_gpu": (5, lambda found: (found.executor, found.record.executor.trials_per_gpu),
                       (Ray(trials_per_gpu=5), 5)),
    "cpus_per_trial": (2, lambda found: (found.executor, found.record.executor.cpus_per_trial),
                       (Ray(cpus_per_trial=2), 2)),
    "gpus_per_trial": (None, lambda found: found.executor, Ray()),
    "address": ("local", lambda found: found.executor, Ray(address="local")),
    "storage": ("/tmp/shared", lambda found: (found.executor.storage, found.record.executor.storage),
                ("/tmp/shared", "/tmp/shared")),
}  # fmt: skip
"""Each option with a value, where that shows, and as what."""

ALSO: dict[str, dict[str, Any]] = {
    "step": {"search": "grid", "tolerance": 0.3}, "tolerance": {"search": "grid", "step": 0.3},
    "samples": {"search": "optuna"}, "search": {"samples": ...}, "max_latency": {"latency_on": "cpu"},
    "epsilon": {"search": "surface", "seeds": ...},
}  # fmt: skip
"""What an option needs beside it."""


@pytest.fixture
def arrive(make_study: MakeStudy, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Arrived]:
    """Begins a search and stops before its first training."""
    jobs: list[Job] = []

    def keep(job: Job) -> Iterator[Reading]:
        jobs.append(job)
        raise KeyboardInterrupt

    def begin(self: Ray, source: Any, **how: Any) -> None:
        jobs.append(source.next())

    monkeypatch.setattr(Ray, "run", begin)
    monkeypatch.setattr("scaling_search.study.network.stopwatch", lambda device: None)

    def arrive(**options: Any) -> Arrived:
        study = make_study(**options)
        study.run(train=keep)
        return Arrived(study.prepared, jobs[0])

    return arrive


def test_every_option_has_its_wish() -> None:
    assert WISHES.keys() == Options.model_fields.keys()


@pytest.mark.parametrize("option", WISHES)
def test_a_wish_arrives(arrive: Callable[..., Arrived], monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    monkeypatch.setattr("scaling_search.study.design.stopwatch", lambda device: lambda network: 1.0)
    value, look, expected = WISHES[option]
    parts = ... if option in ("search", "samples", "step", "tolerance", "epsilon") else 1
    executor = "ray" if option in ("scheduler", "workers", *OF_RAY) else "inline"
    found = arrive(**({"parts": parts, "executor": executor} | ALSO.get(option, {}) | {option: value}))
    assert look(found) == expected


def test_a_run_folder_keeps_what_was_wished(arrive: Callable[..., Arrived]) -> None:
    found = arrive(max_macs="400M", deterministic=True, recipe="resnet")
    kept = RunFolder(Path("run")).record()
    without: Any = {"counts": True, "recipe": {"epochs"}}
    assert kept.model_dump(mode="json", exclude=without) == found.record.model_dump(mode="json", exclude=without)


@pytest.mark.parametrize(("full", "asked", "expected"), [(32, None, 32), (64, None, 41), (32, 64, 64)])
def test_proxies_see_no_larger_images_than_the_baseline_unless_asked(
    full: int, asked: int | None, expected: int
) -> None:
    design = make_design(
        network("b0").replaced(resolution=full), None, Options(proxy_resolution=asked, device="cpu")
    )  # fmt: skip
    assert design.size.resolution == expected
    assert design.base(10).resolution == expected


def test_fewer_pixels_than_the_strides_need_are_told_not_trained() -> None:
    with pytest.warns(UserWarning, match="b0 takes no fewer than 32 pixels: its proxies get 32"):
        design = make_design(network("b0"), None, Options(proxy_resolution=27, device="cpu"))
    assert design.size.resolution == design.base(10).resolution == 32


@pytest.mark.parametrize("name", ["b0", "mobilenet_v2"])
@pytest.mark.parametrize(
    "wish",
    [
        {"phi": 0.5, "proxy_resolution": 32},
        {"phi": 1.0},
        {"phi": 1.0, "match": "nominal"},
        {"phi": 2.0, "proxy_resolution": 40},
        {"phi": 3.0},
        {"target": "macs=8x"},
        {"target": "macs=3G"},
        {"target": "activations=4x"},
        {"target": "macs=1.2x"},
    ],
)
def test_no_candidate_is_shown_larger_images_than_were_packed(name: str, wish: dict[str, Any]) -> None:
    design = make_design(network(name), None, Options(device="cpu", **wish))
    space = make_space(design.question, base=design.base(10), full=design.full)
    points = [
        REFERENCES["resolution"],
        REFERENCES["uniform"],
        *(Shares(depth=0, width=w, resolution=1 - w) for w in (0.02, 0.1)),
    ]
    found = [space.candidate(Point(coefficients=shares.coefficients())) for shares in points]
    largest = max(candidate.network.resolution for candidate in found if candidate)
    assert largest <= design.packed_resolution(10) < 1.1 * largest + 8, "and not much more than is needed"


def test_images_are_packed_for_the_largest_candidate(make_study: MakeStudy) -> None:
    for options in ({}, {"target": "macs=8x"}, {"phi": 3}):
        prepared = make_study(**options).plan()
        largest = max(candidate.network.resolution for candidate in prepared.candidates)
        assert largest <= prepared.dataset.train.side == prepared.record.data.pixels


def test_growth_is_what_the_target_says(make_study: MakeStudy) -> None:
    prepared = make_study(target="macs=3x", leverage=3, rounding="nearest").plan()
    assert prepared.record.growth == pytest.approx(3, rel=0.05)
    said = dict(prepared.lines())["proxy"]
    assert f"candidates have {prepared.record.growth:.3g}× that" in said
    assert make_study(phi=2, leverage=...).plan().record.growth == 8, "the target is the full network's"


def test_leverage_makes_the_base_smaller_and_keeps_what_a_trial_costs(make_study: MakeStudy) -> None:
    plain, levered = (make_study(**wish).plan() for wish in ({}, {"leverage": 4.0}))
    assert levered.record.growth == 4
    assert levered.space.full_rule == plain.space.full_rule, "what is asked of the full network stays"
    assert levered.record.base.macs < 0.75 * plain.record.base.macs

    def cost(found: Prepared) -> float:
        return fmean(item.cost.macs for item in found.candidates)

    assert cost(levered) == pytest.approx(cost(plain), rel=0.4)


def test_the_plans_seconds_are_the_measured_ones(make_study: MakeStudy) -> None:
    """Every trial's images at its candidate's speed, one after the other."""
    record = make_study().plan().record
    loads = [(item.shares, item.macs_ratio) for item in make_study().plan().candidates]
    trial_seconds = [
        2 * IMAGES * (s.depth * 0.004 + s.width * 0.002 + s.resolution * 0.003) * ratio / 2 for s, ratio in loads
    ]  # of two epochs
    assert record.speed == SPEED
    assert record.plan.seconds == pytest.approx(STARTUP_SECONDS + 2 * sum(trial_seconds), abs=1)
    slow = make_study(epochs=2000).plan().record
    assert slow.plan.seconds == pytest.approx(STARTUP_SECONDS + 2000 * sum(trial_seconds), rel=0.001)


@pytest.mark.parametrize("options", [{}, {"rounding": "efficientnet"}, {"proxy_width": 0.7}, {"target": "macs=3x"}])
def test_the_listed_proxies_are_the_trained_ones(make_study: MakeStudy, shared: Path, options: dict[str, Any]) -> None:
    baseline = network(shared / "tiny.yaml").replaced(classes=3)
    listed = list_candidates(baseline, Options(parts=1, device="cpu", leverage=2, **options), proxy=True)
    assert [item.key for item in listed] == [item.key for item in make_study(**options).plan().candidates]


def test_trials_share_gpus_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scaling_search.search.executors.ray.describe_device", lambda kind: {"count": 2})
    assert Ray(trials_per_gpu=5).workers_on("cuda") == 10
    assert Ray(trials_per_gpu=5, workers=3).workers_on("cuda") == 3
    again = executor_again(ExecutorRecord(kind="ray", workers=10, trials_per_gpu=5))
    assert again == Ray(workers=10, trials_per_gpu=5)


def test_a_strategy_or_executor_of_ones_own_is_taken_as_it_is(make_study: MakeStudy) -> None:
    free = {"parts": ..., "seeds": ..., "epochs": ..., "executor": ...}
    grid = Grid(step=0.4, tolerance=0.4, seeds=3, epochs=1)
    prepared = make_study(**free | {"strategy": grid, "executor": Ray(workers=7)}).plan()
    assert prepared.strategy == grid
    assert prepared.record.executor.workers == 7


def test_a_strategy_that_stops_where_it_is_settled_brings_its_own_epsilon(make_study: MakeStudy) -> None:
    free: dict[str, Any] = {"parts": ..., "seeds": ..., "epochs": ...}
    prepared = make_study(**free, strategy=Surface(trials=12, epochs=1, epsilon=0.02)).plan()
    assert prepared.record.question.epsilon == 0.02
    with pytest.raises(InvalidInput, match="epsilon is a setting of the strategy"):
        make_study(**free, strategy=Surface(trials=12, epochs=1), epsilon=0.02)
    assert make_study(**free, strategy=Lattice(parts=1, seeds=2, epochs=1), epsilon=0.02).plan() is not None


def test_a_budget_makes_the_plan(make_study: MakeStudy) -> None:
    study = make_study(epochs=...)
    small, large = study.plan(budget="20s").record, study.plan(budget="30s").record
    assert 1 < (small.epochs or 0) < (large.epochs or 0)
    assert small.plan.seconds <= 20 < large.plan.seconds <= 30
    assert study.plan(budget=30).record.plan == large.plan
    assert study.plan().record.plan.budget_seconds == 300, "five minutes on CPUs"


@pytest.mark.parametrize("name", ["b0", "resnet18", "mobilenet_v2"])
def test_a_negative_phi_saves_at_the_same_cost_of_a_trial(name: str) -> None:
    less, more = (make_design(network(name), None, Options(phi=phi, device="cpu")) for phi in (-1, 1))
    bases = [design.base(10) for design in (less, more)]
    assert less.question.growth == 0.5
    costs = [base.cost().macs * design.question.growth for base, design in zip(bases, (less, more), strict=True)]
    assert costs[0] == pytest.approx(costs[1], rel=0.5)
    space = make_space(less.question, base=bases[0], full=less.full)
    for corner in ("depth", "width", "resolution"):
        found = space.candidate(Point(coefficients=REFERENCES[corner].coefficients()))
        assert found is not None and found.full is not None
        assert (found.macs_ratio, found.full.macs_ratio) == pytest.approx((0.5, 0.5), rel=0.03)
        assert getattr(found.effective.shares(), corner) > 0.8
    assert less.packed_resolution(10) >= bases[0].resolution, "the base is trained too, and is the largest"


def test_a_search_how_to_save_says_so_and_emits_smaller_networks(make_study: MakeStudy) -> None:
    def train(job: Job) -> Iterator[Reading]:
        yield Reading(
            trial=job.trial, epoch=job.epochs, status="paused", top1=0.5 + 0.01 * job.trial.seed, val_loss=1.0
        )

    study = make_study(phi=-1, pilot=True, leverage=1.5)
    with pytest.warns(UserWarning, match="left out of the search: no network with the shares 100 % / 0 % / 0 %"):
        study.plan()
    study.run(train=train)
    answer = study.analyze()
    assert "of the saved compute" in answer.verdict.sentence
    assert sorted(path.name for path in Path("run/family").iterdir()) == ["b-1.yaml", "b-2.yaml", "b-3.yaml"]
    macs = [member.cost().macs for member in answer.family()]
    assert macs == sorted(macs, reverse=True)
    assert macs[0] < study.prepared.record.full_network().cost().macs


def test_few_epochs_and_too_little_time_are_told_apart(make_study: MakeStudy, shared: Path) -> None:
    """The tiny search takes 15 s to start and half a second for an epoch of all its candidates."""
    content = yaml.safe_load((shared / "tiny.yaml").read_text())
    content["proxy"]["minimum_epochs"] = 4
    Path("slow.yaml").write_text(yaml.safe_dump(content))
    asked = {"baseline": "slow.yaml", "epochs": ..., "seeds": 1}
    with pytest.warns(UserWarning, match=r"a budget of 16 s gives a trial 2 epochs; with 4, which say more, "):
        make_study(**asked, budget=16.3).plan()
    with pytest.warns(UserWarning, match=r"a budget of 2 s cannot be met: the least that this search takes is about "):
        make_study(**asked, budget=2).plan()
