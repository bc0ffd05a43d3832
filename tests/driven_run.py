"""A driver over a folder and without networks: begun, left, and driven again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fake_training import quick

from scaling_search.coefficients import Coefficients, Shares
from scaling_search.evidence import Reading, Realised
from scaling_search.search.driver import Driver, Jobs
from scaling_search.search.executors import Conditions, Executor, Inline, Job
from scaling_search.search.journal import Journal
from scaling_search.strategies import Ask, Point, Strategy
from scaling_search.training.recipe import Recipe, recipe


@dataclass(frozen=True, kw_only=True)
class Place:
    """A candidate without a network."""

    id: str
    coefficients: Coefficients
    choices: tuple[int, ...] = ()

    @property
    def key(self) -> tuple[float, ...]:
        return tuple(round(share, 2) for share in self.shares.as_tuple())

    @property
    def shares(self) -> Shares:
        return self.coefficients.shares()

    @property
    def realised(self) -> Realised:
        return Realised(self.shares.as_tuple(), 2.0)

    def with_id(self, name: str) -> "Place":
        return replace(self, id=name)


class Triangle:
    """Everything up to a limit in resolution is allowed."""

    def __init__(self, limit: float = 1.0) -> None:
        self.limit = limit

    def candidate(self, point: Point) -> Place | None:
        return None if point.shares.resolution > self.limit else Place(id="", coefficients=point.coefficients)


class Run:
    """A run folder that is driven, left and driven again."""

    def __init__(self, folder: Path, strategy: Strategy, *, of: Recipe | None = None, places: Triangle | None = None):
        folder.mkdir(exist_ok=True)
        self.folder, self.strategy, self.recipe = folder, strategy, of or recipe("proxy")
        self.places = places or Triangle()
        self.table: list[Place] = []
        for point in strategy.points():
            found = self.places.candidate(point)
            if found and found.key not in {known.key for known in self.table}:
                self.table.append(found.with_id(f"c{len(self.table):02d}"))

    def driver(self, *, retell: bool = False) -> Driver[Place]:
        def write(places: Sequence[Place]) -> None:
            self.table = list(places)

        return Driver(
            self.strategy, self.places, self.table, journal=Journal(self.folder),
            checkpoints=self.folder / "checkpoints", write=write, retell=retell,
        )  # fmt: skip

    def go(
        self, executor: Executor | None = None, *, train: Callable[[Job], Iterator[Reading]] = quick,
        stop_after: int | None = None, retell: bool = False,
    ) -> Driver[Place]:  # fmt: skip
        driver = self.driver(retell=retell)
        count = 0

        def on_reading(reading: Reading) -> None:
            nonlocal count
            driver.tell(reading)
            count += 1
            if count == stop_after:
                raise KeyboardInterrupt

        conditions = Conditions(device="cpu", epochs=self.strategy.epochs or 1)
        jobs = Jobs(driver, self.job)
        (executor or Inline()).run(jobs, train=train, on_reading=on_reading, conditions=conditions)
        return driver

    def job(self, ask: Ask, place: Place, checkpoint: Path, history: tuple[Reading, ...]) -> Job:
        nothing: Any = None
        return Job(
            trial=ask.trial, network=nothing, dataset=nothing, recipe=self.recipe, epochs=ask.epochs, device="cpu",
            checkpoint=checkpoint, history=history,
        )  # fmt: skip


def known(driver: Driver[Place]) -> list[Reading]:
    return sorted(driver.journal.readings(), key=lambda reading: (reading.trial, reading.epoch))
