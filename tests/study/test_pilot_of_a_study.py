"""The pilot in a whole search: the plan is settled once, kept, and gone on with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from tiny_study import IMAGES, Ear, MakeStudy, interrupted_after

from scaling_search.data import shapes, sources
from scaling_search.evidence import UNSCALED, Reading, Status
from scaling_search.search.executors import Inline, Job, Ray, Train
from scaling_search.search.executors.base import Conditions, JobSource, OnReading
from scaling_search.search.folder import RunFolder
from scaling_search.search.plan import ENDING_SECONDS, STARTUP_SECONDS
from scaling_search.strategies import DONE, Decision, Surface
from scaling_search.study import replanning, session
from scaling_search.study.preparation import plan_lines
from scaling_search.study.study import Study

PILOTED: dict[str, Any] = {"parts": ..., "seeds": ..., "epochs": ..., "pilot": True, "budget": 40}


def gently(job: Job) -> Iterator[Reading]:
    """Accuracy climbs with the epochs and differs between trials; goes on where the history ends."""
    start = job.history[-1].epoch if job.history else 0
    top = 0.5 + 0.02 * (sum(map(ord, str(job.trial))) % 7)
    for epoch in range(start + 1, job.epochs + 1):
        status: Status = "running" if epoch < job.epochs else "paused"
        yield Reading(trial=job.trial, epoch=epoch, status=status, top1=top - 0.2 / epoch, val_loss=1.0, seconds=0.1)


def epochs_trained(folder: str = "run") -> pd.Series:
    table = pd.read_csv(Path(folder) / "trials.csv")
    return table.groupby(["candidate", "seed"])["epoch"].max()


def test_the_plan_is_settled_by_what_the_pilot_shows(make_study: MakeStudy) -> None:
    ear = Ear()
    study = make_study(**PILOTED)
    before = study.plan().record
    assert before.pilot is not None and before.pilot.pending
    assert study.run([ear], train=gently)
    first, second = (begun.record for begun in ear.plans)
    assert (first.pilot, second.pilot.found.learned) == (before.pilot, True)  # type: ignore[union-attr]
    assert second.speed.depth == pytest.approx(0.1 / IMAGES, rel=0.05)  # an epoch took 0.1 s
    assert RunFolder(Path("run")).record().pilot == second.pilot
    trained = epochs_trained()
    assert set(trained) == {second.epochs}, "the pilot's trials went on to the epochs of the others"
    assert len(trained[UNSCALED]) == 3
    answer = study.analyze()
    assert UNSCALED not in answer.table.index
    assert answer.analysis.unscaled is not None


@pytest.mark.parametrize("readings", [1, 5, 13, 14, 15, 40])
def test_interrupted_at_any_time_it_comes_to_the_same(make_study: MakeStudy, readings: int) -> None:
    make_study(**PILOTED, folder="whole").run(train=gently)
    make_study(**PILOTED).run(train=interrupted_after(readings, gently))
    assert Study.open("run").run(train=gently)
    columns = ["candidate", "seed", "epoch", "top1"]
    whole, torn = (pd.read_csv(Path(name) / "trials.csv")[columns] for name in ("whole", "run"))
    assert torn.sort_values(columns[:3]).to_numpy().tolist() == whole.sort_values(columns[:3]).to_numpy().tolist()
    records = [RunFolder(Path(name)).record() for name in ("whole", "run")]
    assert records[0].strategy == records[1].strategy


def test_a_recipe_that_ends_with_its_budget_has_only_the_unscaled_network(make_study: MakeStudy) -> None:
    study = make_study(pilot=True, recipe="proxy")
    pilot = study.plan().record.pilot
    assert pilot is not None and not pilot.pending and pilot.candidates == ()
    assert study.run(train=gently)
    assert set(epochs_trained()) == {2}
    assert epochs_trained()[UNSCALED].index.tolist() == [0, 1], "seed by seed, as the candidates"


def test_none_where_it_is_not_wanted_or_a_scheduler_would_judge_it(make_study: MakeStudy) -> None:
    assert make_study(pilot=False).plan().record.pilot is None
    assert make_study(pilot=True, executor=Ray(scheduler="asha")).plan().record.pilot is None


def test_a_loop_of_ones_own_is_asked_for_the_pilot_too(make_study: MakeStudy) -> None:
    study = make_study(**PILOTED)
    names = []
    while (ask := study.ask()) is not None:
        names.append(ask.trial.candidate)
        study.tell(ask, top1=0.5, val_loss=1.0)
    assert names[:7] == ["c00", "c01", "c02", "c03", UNSCALED, UNSCALED, UNSCALED]
    assert study.complete
    assert study.prepared.record.pilot.found is not None  # type: ignore[union-attr]


def easily(job: Job) -> Iterator[Reading]:
    """What has over 300,000 MACs is near the ceiling after one epoch; all the others learn alike, with every seed."""
    for reading in gently(job):
        yield replace(reading, top1=0.99 if job.network.cost().macs > EASY else 0.5 + 0.01 * reading.epoch)


EASY = 300_000
MADE_SMALLER: dict[str, Any] = PILOTED | {"proxy_width": ..., "proxy_resolution": ...}


def macs_of(folder: str = "run") -> tuple[int, list[int]]:
    """Of the base and of the candidates."""
    run = RunFolder(Path(folder))
    return run.record().base.macs, pd.read_csv(run.candidates)["macs"].tolist()


@pytest.fixture
def enough_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve validation images are taken to be enough."""
    monkeypatch.setattr(replanning, "_LEAST_IMAGES", 12)


@pytest.mark.usefixtures("enough_images")
def test_a_saturated_pilot_is_begun_anew_with_smaller_proxies(make_study: MakeStudy) -> None:
    ear = Ear()
    study = make_study(**MADE_SMALLER)
    before = study.plan().record
    assert before.pilot is not None and before.pilot.size is not None
    assert study.run([ear], train=easily)
    record = RunFolder(Path("run")).record()
    assert record.pilot is not None and record.pilot.smaller > 0 and record.pilot.found is not None
    assert record.pilot.found.saturated is None
    assert record.base.macs < 0.7 * before.base.macs
    base, candidates = macs_of()
    assert [one / base for one in candidates] == pytest.approx([record.growth] * len(candidates), rel=0.3)
    piloted = pd.read_csv("run/trials.csv").query("candidate in ['c00', 'c01', 'c02', 'c03']")
    assert piloted["top1"].max() < 0.7, "the larger proxies' readings are forgotten"
    lines = dict(plan_lines(ear.plans[1].record))
    assert "near the ceiling" in lines["proxy"]
    assert study.analyze().analysis.verdict.kind != "not learned"


@pytest.mark.usefixtures("enough_images")
@pytest.mark.parametrize("where", ["forget_trials", "write_record", "table", 3, 8, 20])
def test_a_pilot_begun_anew_is_begun_whole(
    where: str | int, make_study: MakeStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_study(**MADE_SMALLER, folder="whole").run(train=easily)
    study = make_study(**MADE_SMALLER)
    if isinstance(where, int):
        study.run(train=interrupted_after(where, easily))
    else:
        study.plan()
        study._session.begin(())
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            owner, name = (session, "write_table") if where == "table" else (RunFolder, where)
            patch.setattr(owner, name, killed_at(1, getattr(owner, name)))
            study.run(train=easily)
    study.release()
    assert Study.open("run").run(train=easily)
    columns = ["candidate", "seed", "epoch", "top1"]
    whole, torn = (pd.read_csv(Path(name) / "trials.csv")[columns] for name in ("whole", "run"))
    assert torn.sort_values(columns[:3]).to_numpy().tolist() == whole.sort_values(columns[:3]).to_numpy().tolist()
    assert macs_of("run") == macs_of("whole")


def killed_at(call: int, usual: Callable[..., Any]) -> Callable[..., Any]:
    """A function during whose nth call the process ends."""
    calls = count(1)

    def function(*arguments: Any) -> Any:
        if next(calls) == call:
            raise KeyboardInterrupt
        return usual(*arguments)

    return function


def test_few_images_say_nothing_of_the_ceiling(make_study: MakeStudy) -> None:
    study = make_study(**MADE_SMALLER)
    assert study.run(train=easily)
    assert study.prepared.record.pilot.smaller == 0  # type: ignore[union-attr]


@pytest.mark.usefixtures("enough_images")
def test_a_size_that_was_asked_for_is_kept(make_study: MakeStudy) -> None:
    study = make_study(**PILOTED, proxy_width=0.5)
    assert study.run(train=easily)
    assert study.prepared.record.pilot.smaller == 0  # type: ignore[union-attr]


def steadily(job: Job) -> Iterator[Reading]:
    """The same for all, so that the search settles early and time is left."""
    start = job.history[-1].epoch if job.history else 0
    for epoch in range(start + 1, job.epochs + 1):
        status: Status = "running" if epoch < job.epochs else "paused"
        top1 = 0.6 - 0.2 / epoch + 0.0002 * (sum(map(ord, str(job.trial))) % 7)
        yield Reading(trial=job.trial, epoch=epoch, status=status, top1=top1, val_loss=1 - top1, seconds=0.1)


def slowly(job: Job) -> Iterator[Reading]:
    """As `gently`, but a training takes two to three seconds."""
    for reading in gently(job):
        yield replace(reading, seconds=1 + 0.5 * (job.network.resolution % 3) / 2)


LONGER: dict[str, Any] = PILOTED | {"epochs": 2, "budget": 300}


def test_five_divisions_are_trained_longer_where_time_is_left(make_study: MakeStudy) -> None:
    ear = Ear()
    study = make_study(**LONGER)
    assert study.run([ear], train=steadily)
    lengths = RunFolder(Path("run")).record().lengths
    assert lengths is not None and lengths.epochs == 8
    assert len(ear.plans) == 3, "the pilot, the search, the longer trainings"
    trained = epochs_trained()
    assert sorted(set(trained[trained == 8].index.get_level_values("candidate"))) == sorted(lengths.candidates)
    assert {"c00", "c01", "c02", "c03"} < set(lengths.candidates)
    analysis = study.analyze().analysis
    assert analysis.trials.epochs == 2
    assert analysis.lengths is not None and analysis.lengths.pairs == 10
    assert analysis.lengths.sentence in repr(study.analyze())


NOT_SETTLED: dict[str, Any] = PILOTED | {"epochs": 2, "budget": 24}
"""What is left of the budget after the start holds some 43 trainings of 0.2 s: more than a plan of 30, no 45."""


def test_a_search_that_is_not_settled_goes_on_while_there_is_time(make_study: MakeStudy) -> None:
    ear = Ear()
    study = make_study(**NOT_SETTLED)
    assert study.run([ear], train=gently)
    plans = [begun.record.plan for begun in ear.plans]
    assert plans[1].trials == 30
    record = RunFolder(Path("run")).record()
    trained = epochs_trained().drop(UNSCALED)
    assert len(trained) == record.plan.trials == record.strategy["trials"] > plans[1].trials
    seconds = pd.read_csv("run/trials.csv")["seconds"].sum()
    assert 23.7 < STARTUP_SECONDS + seconds <= 24, "what is left holds no other training"
    assert record.plan.seconds <= record.plan.budget_seconds == 24
    assert record.lengths is None
    told = [line for begun in ear.plans[2:] for line in plan_lines(begun.record)]
    assert told == [("more", "trials as long as there is time: nothing is settled")], (
        "once, though they come one by one"
    )
    assert Study.open("run").complete


class Clock:
    """The seconds of a simulated run."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@dataclass(frozen=True)
class TwoAtOnce(Inline):
    """Two workers in simulated time: a training takes its readings' seconds, and who is free first asks first."""

    clock: Clock
    idle: list[float]  # when each worker had nothing to do any more

    def workers_on(self, device: str) -> int:
        return 2

    def run(self, source: JobSource, *, train: Train, on_reading: OnReading, conditions: Conditions) -> None:
        """Trains until nothing is wanted, after a start of five seconds."""
        self.clock.now += 5
        busy: list[tuple[float, int, Job, list[Reading]]] = []
        free, told, done = [0, 1], None, False
        while True:
            for worker in list(free):
                found = DONE if done else source.next()
                done = found is DONE  # then nothing is asked any more
                if isinstance(found, Decision):
                    self.idle[worker] = max(self.idle[worker], self.clock.now)
                    continue
                readings = list(train(found))
                busy.append((self.clock.now + sum(one.seconds or 0.0 for one in readings), worker, found, readings))
                free.remove(worker)
            if told is not None:  # as with Ray Tune: the last reading is there before the job has ended
                source.ended(told[1])
                free.append(told[0])
                told = None
            elif busy:
                first = min(range(len(busy)), key=lambda row: busy[row][0])
                self.clock.now, worker, job, readings = busy.pop(first)
                for reading in readings:
                    on_reading(reading)
                told = worker, job
            else:
                return


def test_a_worker_that_would_wait_for_the_last_trial_begins_another(
    make_study: MakeStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(session, "time", clock)
    executor = TwoAtOnce(clock, [0.0, 0.0])
    study = make_study(**PILOTED | {"epochs": 2, "budget": 64, "executor": executor})
    assert study.run(train=slowly)
    record = RunFolder(Path("run")).record()
    assert record.plan.more and record.plan.final
    assert clock.now <= 64 - ENDING_SECONDS + 1e-9, "the analysis comes after it"
    took = pd.read_csv("run/trials.csv").groupby(["candidate", "seed"])["seconds"].sum().drop(UNSCALED)
    assert 64 - ENDING_SECONDS - min(executor.idle) < 1.1 * took.max(), "neither had the time for another one"
    trained = pd.read_csv("run/trials.csv")["seconds"].sum()
    assert 2 * (clock.now - 5) - trained < took.max(), "and neither has waited"


@pytest.mark.parametrize(
    ("asked", "train", "back"),
    [*((LONGER, steadily, back) for back in (1, 5, 29)), *((NOT_SETTLED, gently, back) for back in (1, 3, 20))],
)
def test_cut_off_in_the_trainings_that_came_later_it_goes_on(
    make_study: MakeStudy, asked: dict[str, Any], train: Train, back: int
) -> None:
    make_study(**asked, folder="whole").run(train=train)
    readings = len(pd.read_csv("whole/trials.csv"))
    make_study(**asked).run(train=interrupted_after(readings - back, train))
    assert Study.open("run").run(train=train)
    columns = ["candidate", "seed", "epoch", "top1"]
    whole, torn = (pd.read_csv(Path(name) / "trials.csv")[columns] for name in ("whole", "run"))
    assert torn.sort_values(columns[:3]).to_numpy().tolist() == whole.sort_values(columns[:3]).to_numpy().tolist()


def test_a_number_of_trials_that_was_asked_for_is_kept(make_study: MakeStudy) -> None:
    study = make_study(**NOT_SETTLED | {"epochs": ..., "strategy": Surface(trials=14, epochs=2)})
    assert study.run(train=gently)
    assert len(epochs_trained().drop(UNSCALED)) == 14


def test_time_that_went_elsewhere_is_not_spent_again(make_study: MakeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count(0, 1000)
    monkeypatch.setattr(session, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    study = make_study(**NOT_SETTLED)
    assert study.run(train=gently)
    assert len(epochs_trained().drop(UNSCALED)) == 30
    assert Study.open("run").run(train=gently)
    assert len(epochs_trained().drop(UNSCALED)) == 30, "nor by resuming, which does not know of it"


@pytest.fixture
def few_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded set with 24 images for training and 12 for validation."""
    monkeypatch.setattr(sources, "open_shapes", partial(shapes.open_shapes, train=24, val=12))


def as_drawn(job: Job, *, easiest: float, hardest: float) -> Iterator[Reading]:
    """Nothing is learned of images above a difficulty, all of those below another after one epoch."""
    drawn = RunFolder(Path("run")).record().data.source
    difficulty = float((drawn or "").partition(":")[2] or shapes.DIFFICULTY)
    for reading in gently(job):
        forced = 0.99 if difficulty < easiest else 0.09 if difficulty > hardest else reading.top1
        yield replace(reading, top1=forced)


@pytest.mark.usefixtures("few_shapes", "enough_images")
@pytest.mark.parametrize(
    ("easiest", "hardest", "difficulty", "says"),
    [
        (0, 0.4, 0.25, "shapes:0.25, drawn anew: easier, since the pilot learned nothing"),
        (0.6, 1, 0.75, "shapes:0.75, drawn anew: harder, since the pilot was near the ceiling"),
    ],
    ids=["unlearned", "saturated"],
)
def test_embedded_images_are_as_difficult_as_the_pilot_asks(
    make_study: MakeStudy, easiest: float, hardest: float, difficulty: float, says: str
) -> None:
    ear = Ear()
    study = make_study(**MADE_SMALLER | {"budget": 20}, data=None)
    before = study.plan().record
    train = partial(as_drawn, easiest=easiest, hardest=hardest)
    assert not study.run([ear], train=interrupted_after(30, train))
    study.release()
    again = Study.open("run")
    assert again.run([ear], train=train)
    record = RunFolder(Path("run")).record()
    assert record.pilot is not None and record.pilot.found is not None
    assert (record.pilot.difficulty, record.data.source) == (difficulty, f"shapes:{difficulty}")
    assert record.pilot.smaller == 0 and record.base == before.base, "the proxies stay as they are"
    assert record.data.fingerprint == again.prepared.dataset.fingerprint != before.data.fingerprint
    assert record.pilot.found.learned and record.pilot.found.saturated is None
    told = [dict(plan_lines(plan.record)).get("data", "") for plan in ear.plans]
    assert any(line.startswith(says) for line in told)
    assert again.analyze().analysis.verdict.kind != "not learned"


@pytest.mark.usefixtures("few_shapes", "enough_images")
def test_a_difficulty_that_was_asked_for_is_kept(make_study: MakeStudy) -> None:
    study = make_study(**MADE_SMALLER, data="shapes:0.5")
    assert study.run(train=partial(as_drawn, easiest=0, hardest=0.4))
    record = study.prepared.record
    assert record.pilot is not None and record.pilot.difficulty is None
    assert record.data.source == "shapes:0.5"
