"""The last round of a search for a baseline: a run of its own in RUN/finals/, planned from what the search has found.

The best few by reward, and known networks scaled until they cost what the first of them costs, all with fresh seeds and
longer trainings. Which network is judged, the pick, is named before anything of this is trained.
"""

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from scaling_search.analysis.seeds import PICK, Ranked
from scaling_search.architecture import Network
from scaling_search.coefficients import REFERENCES, Multipliers
from scaling_search.environment import git_commit, resolve_device, versions
from scaling_search.errors import InvalidInput
from scaling_search.search.executors import Executor
from scaling_search.search.folder import RunFolder
from scaling_search.search.listener import Listener
from scaling_search.search.plan import Plan, Work, choose_plan
from scaling_search.search.proxy import with_room
from scaling_search.search.record import RunRecord
from scaling_search.search.searchspace import load
from scaling_search.search.space import Built, Candidate, Rule, describe, unscaled_candidate
from scaling_search.search.staged import Seeking
from scaling_search.search.table import read_table
from scaling_search.strategies import Finals, Point
from scaling_search.study.beginning import data_listener, typed_command
from scaling_search.study.design import space_of
from scaling_search.study.engines import executor_again
from scaling_search.study.preparation import Prepared, data_again, executor_record
from scaling_search.units import format_seconds

if TYPE_CHECKING:
    from scaling_search.study.dataset import Data

FOLDER = "finals"
RIVALS = ("b0", "mnasnet", "mobilenet_v2")
"""Known networks that the pick is compared with; the verdict is about the first."""
LONGER = 2
"""So many times the search's epochs, or as many as there is time for, but not fewer than those."""
SHARE = 1 / 3
"""Of the whole time, for this round."""
PLACES = (PICK, "second", "third")
_SAME_COST = 0.02


def plan_finals(
    run: RunFolder,
    ranked: Ranked,
    *,
    data: "Data" = None,
    executor: Executor | None = None,
    listeners: Sequence[Listener] = (),
) -> Prepared:
    """What is trained in the last round, with two or three fresh seeds, as the time allows.

    Args:
        ranked: what the search has found, best first.
        executor: instead of the run's.

    Raises:
        InvalidInput: no known network can be made to cost what the pick costs.
    """
    record = run.record()
    assert record.seeking is not None and record.epochs is not None, "a search for a baseline says both"
    executor = executor or executor_again(record.executor)
    workers = executor.workers_on(resolve_device(record.device.kind))
    candidates = _finalists(run, record, ranked)
    work = Work(
        train_images=record.data.train, val_images=record.data.val, workers=workers,
        minimum_epochs=LONGER * record.epochs, maximum_epochs=LONGER * record.epochs,
    )  # fmt: skip
    budget = record.plan.budget_seconds * SHARE / (1 - SHARE)

    def planned(asked: Finals) -> tuple[Finals, Plan]:
        return choose_plan(
            asked.refinements(), lambda _: candidates, speed=record.speed, work=work, budget_seconds=budget
        )

    strategy, plan = planned(Finals(first_seed=record.seeds or 1))
    assert strategy.epochs is not None, "the plan has filled these in"
    if strategy.epochs < record.epochs:
        strategy, plan = planned(strategy.with_epochs(record.epochs))
        warnings.warn(
            f"the last round takes about {format_seconds(plan.seconds)} with the search's {record.epochs} epochs, and "
            f"a third of the budget is {format_seconds(budget)}",
            stacklevel=2,
        )
    pixels = max(record.data.pixels, with_room(max(one.network.resolution for one in candidates)))
    dataset = data_again(record.data, data, data_listener(listeners), pixels=pixels)
    again = record.model_copy(
        update={
            "command": typed_command(), "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "git": git_commit(), "versions": versions(), "strategy": strategy.to_dict(), "seeking": None,
            "counts": (), "executor": executor_record(executor, workers), "plan": plan,
            "data": record.data.model_copy(update={"pixels": pixels, "fingerprint": dataset.fingerprint}),
        }
    )  # fmt: skip
    return Prepared(
        record=again, space=space_of(again), candidates=candidates, dataset=dataset, strategy=strategy,
        executor=executor,
    )  # fmt: skip


def _finalists(run: RunFolder, record: RunRecord, ranked: Ranked) -> tuple[Candidate, ...]:
    """The best few by reward, then the known networks at the cost of the first."""
    assert record.seeking is not None
    known = {one.id: one for one in read_table(run.candidates, record.base_network())}
    best = [known[str(name)] for name in ranked.table.index[: len(PLACES)]]
    found = [
        unscaled_candidate(
            f"c{number:02d}", one.network, macs_ratio=one.macs_ratio, names=(place,), full=one.full,
            choices=one.choices, described=True,
        )
        for number, (place, one) in enumerate(zip(PLACES, best, strict=False))
    ]  # fmt: skip
    for name in RIVALS:
        try:
            found.append(_rival(name, f"c{len(found):02d}", best[0], record, record.seeking))
        except InvalidInput as error:
            warnings.warn(f"{name} is left out of the last round: {error}", stacklevel=2)
    if len(found) == len(best):
        raise InvalidInput("no known network can be made to cost what the pick costs")
    return tuple(found)


def _rival(name: str, candidate: str, pick: Candidate, record: RunRecord, seeking: Seeking) -> Candidate:
    """A known network that costs at full size what the pick does, and its stand-in, made as the pick's is."""
    assert pick.full is not None, "a choice has a network of full size"
    base, own = record.base_network(), load(name).network()
    full = _of_cost(own.replaced(rounding=own.rounding.for_proxies()), pick.full.cost.macs)
    small = seeking.small(full, base.classes)
    built = Built(
        multipliers=Multipliers(depth=1.0, width=1.0, resolution=1.0), pixels=full.resolution, network=describe(full),
        cost=full.cost(), macs_ratio=full.cost().macs / record.full_network().cost().macs,
    )  # fmt: skip
    ratio = small.cost().macs / base.cost().macs
    return unscaled_candidate(candidate, small, macs_ratio=ratio, names=(name,), full=built, described=True)


def _of_cost(network: Network, macs: int) -> Network:
    """The network scaled until it costs so much, within 2 %: a third of the difference in each dimension."""
    growth = macs / network.cost().macs
    if abs(growth - 1) <= _SAME_COST:
        return network
    return Rule(growth=growth).apply(Point(coefficients=REFERENCES["uniform"].coefficients()), network).network
