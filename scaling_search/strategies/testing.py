"""A conformance kit for strategies, as `optuna.testing` is one for samplers: what every search relies on.

    import pytest
    from scaling_search.strategies import testing

    @pytest.mark.parametrize("check", testing.CHECKS)
    def test_mine(check):
        check(MyStrategy(seeds=2, epochs=3))

A check takes a strategy with nothing left open, runs it in a small simulated search (no network, no training) and
raises AssertionError where the strategy breaks a promise.
"""

import random
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from itertools import islice

from scaling_search.evidence import EVEN, Choices, Division, Evidence, Proposal, Reading, Realised, Status, Trial
from scaling_search.strategies.base import DONE, WAIT, Ask, Decision, Strategy
from scaling_search.strategies.points import Point

_ENOUGH = 100_000  # decisions; a strategy that has not ended by then never will


@dataclass
class World:
    """A simulated search: candidates are places on a coarse lattice, readings a known landscape.

    Attributes:
        parts: of the lattice that points are rounded to, so that different points can come to the same candidate.
        failing: candidates (by their position) whose trials fail in their second epoch.
        limit: the largest share of resolution that is allowed.
        only: every point comes to one and the same candidate.
    """

    parts: int = 12
    failing: Collection[int] = ()
    limit: float = 1.0
    only: bool = False
    candidates: dict[str, Division] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    proposals: list[Proposal] = field(default_factory=list)
    choices: dict[str, Choices] = field(default_factory=dict)

    def begin(self, points: Iterable[Point]) -> None:
        """The candidates that a search starts with."""
        for point in points:
            self.place(point)

    def place(self, point: Point) -> str:
        """The candidate that a point comes to, a new one if need be; "" beyond the limit."""
        if point.choices:
            return self._place_choices(point.choices)
        depth, width, resolution = point.shares.as_tuple()
        if resolution > self.limit:
            return ""
        steps = (0, 0) if self.only else (round(depth * self.parts), round(width * self.parts))
        rounded = steps[0] / self.parts, steps[1] / self.parts, 1 - sum(steps) / self.parts
        known = {division: name for name, division in self.candidates.items()}
        name = known.get(rounded) or f"c{len(self.candidates):02d}"
        self.candidates.setdefault(name, rounded)
        return name

    def evidence(self) -> Evidence:
        """What a strategy sees."""
        built = {name: Realised(EVEN, self._cost(name)) for name in self.choices}
        return Evidence.of(self.candidates, self.readings, self.proposals, realised=built, choices=self.choices)

    def train(self, ask: Ask) -> Reading:
        """The trial's next epoch."""
        last = self.evidence().last(ask.trial)
        epoch = 1 if last is None else last.epoch + 1
        if int(ask.trial.candidate[1:]) in self.failing and epoch == 2:
            reading = Reading(trial=ask.trial, epoch=epoch, status="failed", reason="simulated")
        else:
            status: Status = "paused" if epoch >= ask.epochs else "running"
            reading = Reading(trial=ask.trial, epoch=epoch, status=status, top1=self._top1(ask.trial, epoch))
        self.readings.append(reading)
        return reading

    def _place_choices(self, choices: Choices) -> str:
        """In a space of stages: the last choice is halved, so that different ones can come to one network."""
        if self.limit < 1 and choices[0] == 0:
            return ""
        same = [name for name, other in self.choices.items() if self.only or _alike(other, choices)]
        name = same[0] if same else f"c{len(self.candidates):02d}"
        self.candidates.setdefault(name, EVEN)
        self.choices.setdefault(name, choices)
        return name

    def _cost(self, name: str) -> float:
        """MACs over the base's of what was chosen."""
        return float(0.5 + sum(self.choices[name]) / (1 + len(self.choices[name])))

    def _top1(self, trial: Trial, epoch: int) -> float:
        depth, width, resolution = self.candidates[trial.candidate]
        apart = (depth - 0.2) ** 2 + (width - 0.3) ** 2 + (resolution - 0.5) ** 2
        if chosen := self.choices.get(trial.candidate):
            apart = sum((value - place % 3) ** 2 for place, value in enumerate(chosen)) / (4 * len(chosen))
        noise = random.Random(f"{trial} {epoch}").gauss(0, 0.01)
        return min(max(0.8 - 0.3 * apart - 0.4 / (epoch + 1) + noise, 0.0), 1.0)


def _alike(choices: Choices, others: Choices) -> bool:
    return (*choices[:-1], choices[-1] // 2) == (*others[:-1], others[-1] // 2)


def search(strategy: Strategy, world: World, *, workers: int = 1, stop_after: int | None = None) -> World:
    """Runs a strategy in a world until it is done, or has brought so many readings. Checks every ask.

    Args:
        world: a new one, or one that an earlier call has left: then the search is resumed.
        workers: trials at once; they take turns.
    """
    if not world.candidates:
        world.begin(strategy.points())
    running: list[Ask] = []
    brought = 0
    for _ in range(_ENOUGH):
        if stop_after is not None and brought >= stop_after:
            return world
        if len(running) < workers:
            decision = strategy.decide(world.evidence(), frozenset(running))
            if decision is DONE and not running:
                return world
            if isinstance(decision, Decision):
                assert running or decision is not WAIT, "it waits while nothing is being trained"
            else:
                assert decision, "it asks for nothing, and says neither WAIT nor DONE"
                wanted = decision[0]
                if isinstance(wanted, Point):
                    world.proposals.append(wanted.proposed(world.place(wanted)))
                else:
                    _check_ask(strategy, wanted, world.evidence(), running)
                    running.append(wanted)
                continue
        ask = running.pop(0)
        brought += 1
        if not world.train(ask).resting:
            running.append(ask)
    raise AssertionError("it never ends")


def _check_ask(strategy: Strategy, ask: Ask, evidence: Evidence, running: Collection[Ask]) -> None:
    assert ask.trial.candidate in evidence.candidates, f"{ask.trial} is no candidate"
    assert ask.trial not in {other.trial for other in running}, f"{ask.trial} is being trained already"
    assert not evidence.has(ask.trial, ask.epochs), f"{ask.trial} has its {ask.epochs} epochs, or has ended"
    assert ask.epochs >= 1, f"{ask.epochs} epochs are none"
    if strategy.epochs is not None:
        assert ask.epochs <= strategy.epochs, f"{ask.epochs} epochs are more than {strategy.epochs}"
    if strategy.seeds is not None:
        assert 0 <= ask.trial.seed < strategy.seeds, f"seed {ask.trial.seed} is none of {strategy.seeds}"


def check_stays_inside(strategy: Strategy) -> None:
    """It asks only for candidates that there are, for trials that neither run nor have ended, and for valid points."""
    search(strategy, World())
    search(strategy, World(), workers=4)


def check_keeps_the_budget(strategy: Strategy) -> None:
    """No more trainings than the plan counted with: its points and proposals, with every seed."""
    world = search(strategy, World())
    start = World()
    start.begin(strategy.points())
    trials = {reading.trial for reading in world.readings}
    came = [proposal for proposal in world.proposals if proposal.candidate]
    assert len(came) <= strategy.proposals, "it asked for more points than it had said"
    most = strategy.trainings(len(start.candidates) + strategy.proposals)
    assert len(trials) <= most, f"it trained {len(trials)} trials where {most} were planned"


def check_is_deterministic(strategy: Strategy) -> None:
    """Equal evidence, equal asks; two searches are the same."""
    first, second = search(strategy, World()), search(strategy, World())
    assert first.readings == second.readings, "a second search went otherwise"
    assert first.proposals == second.proposals, "a second search asked for other points"
    half = replace(first, readings=first.readings[: len(first.readings) // 2], proposals=[])
    decisions = [strategy.decide(half.evidence(), frozenset()) for _ in range(2)]
    assert decisions[0] == decisions[1], "asked twice about the same evidence it says two things"


def check_survives_failures(strategy: Strategy) -> None:
    """Trials that fail are not asked for again, and do not keep the search from ending, even when all fail."""
    search(strategy, World(failing=(0, 3)))
    search(strategy, World(failing=range(1000)), workers=2)


def check_takes_one_candidate(strategy: Strategy) -> None:
    """A search in which every point comes to the same network ends."""
    world = search(strategy, World(only=True))
    assert len(world.candidates) == 1


def check_survives_limits(strategy: Strategy) -> None:
    """Points that a limit refuses do not keep the search from ending."""
    search(strategy, World(limit=0.4))


def check_takes_readings_in_any_order(strategy: Strategy) -> None:
    """What arrived when does not matter, only what is known."""
    world = search(strategy, World())
    for count in range(0, len(world.readings), max(1, len(world.readings) // 7)):
        known = world.readings[:count]
        mixed = random.Random(count).sample(known, len(known))
        in_order, otherwise = (
            replace(world, readings=list(readings), proposals=[]).evidence() for readings in (known, mixed)
        )  # fmt: skip
        assert strategy.decide(in_order, frozenset()) == strategy.decide(otherwise, frozenset()), (
            f"after {count} readings the order of their arrival changed its mind"
        )


def check_resumes_as_if_undisturbed(strategy: Strategy) -> None:
    """Interrupted after any reading and asked again, it comes to the same readings and proposals."""
    whole = search(strategy, World())
    stops = range(1, len(whole.readings))
    for stop in islice(stops, 0, None, max(1, len(stops) // 40)):
        world = search(strategy, World(), stop_after=stop)
        search(strategy, world)
        assert _sorted(world.readings) == _sorted(whole.readings), (
            f"interrupted after {stop} readings it went otherwise"
        )
        assert world.proposals == whole.proposals, f"interrupted after {stop} readings it asked for other points"


def check_waits_for_others(strategy: Strategy) -> None:
    """With more workers than work it waits, and ends when all have ended."""
    search(strategy, World(), workers=1000)


def _sorted(readings: Iterable[Reading]) -> list[Reading]:
    return sorted(readings, key=lambda reading: (reading.trial, reading.epoch))


CHECKS: tuple[Callable[[Strategy], None], ...] = (
    check_stays_inside,
    check_keeps_the_budget,
    check_is_deterministic,
    check_survives_failures,
    check_takes_one_candidate,
    check_survives_limits,
    check_takes_readings_in_any_order,
    check_resumes_as_if_undisturbed,
    check_waits_for_others,
)
"""Every promise, one function each."""
