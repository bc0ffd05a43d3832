"""The next best question: the corners and the middle, then always the trial that is worth most.

What a trial is worth is the knowledge gradient: by how much its reading is expected to lower the expected loss of the
best division, under the posterior that the answer is read from (`analysis.surface`, `analysis.outlook`; Frazier, Powell
and Dayanik 2009). One formula chooses between a new place and another seed of an old one. What is being trained counts
as read: its variance is gone, what it will show is not known.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, field_validator

from scaling_search.coefficients import lattice
from scaling_search.errors import InvalidInput
from scaling_search.evidence import EPSILON, Evidence, Reading, Realised, Trial
from scaling_search.strategies.base import DONE, WAIT, Ask, Asks, Decision, Planned
from scaling_search.strategies.points import Point, reference_points, shares_of

if TYPE_CHECKING:
    import numpy as np

    from scaling_search.analysis.outlook import Outlook
    from scaling_search.analysis.surface import Surface as Posterior

TRAININGS = (12, 15, 20, 30, 45, 60)
"""What a plan chooses among; the first is about the least that settles anything."""

Fits = Callable[[tuple[float, float, float]], bool]
"""Whether a training of such shares is to be had."""

_FIRST = ("depth", "width", "resolution", "uniform")
ENOUGH = 4  # readings before which there is no posterior to ask by
_MOST = 10_000
_SAME = 1e-6  # shares that differ by less are the same


class Surface(Planned):
    """Asks for the trial whose reading lowers the expected loss most, and stops when little is left to lose.

    Attributes:
        trials: trainings in all; None leaves them to the plan.
        least: readings before which it never stops.
        epsilon: loss of accuracy that does not matter: the search stops when no more is expected to be lost.
    """

    strategy: Literal["surface"] = "surface"
    trials: int | None = Field(default=None, ge=ENOUGH, le=_MOST)
    least: int = Field(default=11, ge=ENOUGH, le=10_000)
    epsilon: float = Field(default=EPSILON, gt=0, lt=1)

    @field_validator("seeds")
    @classmethod
    def _decided(cls, seeds: int | None) -> int | None:
        if seeds is not None:
            raise InvalidInput(
                "it decides itself how often a division is trained: leave --seeds out, or use --search lattice"
            )
        return seeds

    @property
    def proposals(self) -> int:
        """Every training may be of a new division."""
        return self.trials or 0

    def points(self) -> list[Point]:
        """The corners and the middle."""
        return [point for name in _FIRST for point in reference_points() if point.names == (name,)]

    def trainings(self, candidates: int) -> int:
        """As many as are to be had, however many candidates there are."""
        assert self.trials is not None, "a refinement has its trials"
        return self.trials

    def refinements(self) -> Sequence[Self]:
        """Along `TRAININGS`."""
        return [self.model_copy(update={"trials": trials}) for trials in ((self.trials,) if self.trials else TRAININGS)]

    def extended(self, trainings: int, evidence: Evidence) -> Self:
        """So many more, whether little is left to lose or not.

        Raises:
            InvalidInput: it is none.
        """
        if trainings < 1:
            raise InvalidInput("that is less than one more training")
        total = len(evidence.histories) + trainings
        return self.model_copy(update={"trials": total, "least": total})

    def with_more(self, trainings: int) -> Self:
        """So many more, as long as something is left to lose: what a plan has underrated."""
        assert self.trials is not None, "the plan has filled these in"
        return self.model_copy(update={"trials": min(_MOST, self.trials + trainings)})

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        """What was begun and not ended; the first ones; then what is worth most, until little is left to lose."""
        assert self.trials is not None and self.epochs is not None, "the plan has filled these in"
        under_way = {ask.trial for ask in running}
        torn = [trial for trial in sorted(evidence.histories) if not evidence.has(trial, self.epochs)]
        if torn := [trial for trial in torn if trial not in under_way]:
            return [Ask(trial, self.epochs) for trial in torn]
        known = Known(evidence, self.epochs, under_way)
        if known.spent >= self.trials or self._settled(known):
            return WAIT if running else DONE
        wanted = self._next(known)
        return wanted if wanted else WAIT if running else DONE

    def fitting(self, evidence: Evidence, running: frozenset[Ask], fits: Fits) -> Asks:
        """What is worth most of what fits; none where little is left to lose, or all trainings are spent."""
        assert self.trials is not None and self.epochs is not None, "the plan has filled these in"
        known = Known(evidence, self.epochs, {ask.trial for ask in running})
        if known.spent >= self.trials or len(known.read) < ENOUGH or self._settled(known):
            return []
        return known.worth_most(self.epochs, proposals=self.proposals, fits=fits)

    def _next(self, known: "Known") -> Asks:
        """The first ones while there is no posterior, also where they fail; else the trial that is worth most."""
        assert self.epochs is not None
        if len(known.read) < ENOUGH:
            untouched = [name for name in known.evidence.candidates if not known.seeds[name]]
            if untouched or known.under_way:
                return [Ask(Trial(candidate=name, seed=0), self.epochs) for name in untouched]
            if len({trial.candidate for trial in known.read}) < 2 and (points := known.untried(self.proposals)):
                return points
        if not known.read:
            return []
        return known.worth_most(self.epochs, proposals=self.proposals)

    def _settled(self, known: "Known") -> bool:
        """Whether no more than ε is expected to be lost, with all readings and without the newest one too."""
        if len(known.read) < self.least:
            return False
        newest = max(known.read, key=lambda trial: (trial.seed, trial.candidate))
        rest = [trial for trial in known.read if trial != newest]
        return all(known.judged(read).loss() <= self.epsilon for read in (known.read, rest))


class Known:
    """The evidence as a strategy of the next best question sees it.

    Attributes:
        read: trials with a reading to judge by.
        seeds: trainings of each candidate, with those under way.
        failed: candidates of which a trial failed: they are not asked for again.
        spent: trainings so far, with those under way.
    """

    def __init__(self, evidence: Evidence, epochs: int, under_way: Collection[Trial]) -> None:
        self.evidence = evidence
        self.epochs = epochs
        self.under_way = sorted(under_way)
        begun = set(evidence.histories) | set(under_way)
        self.read = [trial for trial in sorted(evidence.histories) if _shows(evidence, trial, epochs)]
        self.seeds = Counter(trial.candidate for trial in begun)
        self.failed = {trial.candidate for trial in set(evidence.histories) - set(self.read) - set(under_way)}
        self.spent = len(begun)

    def untried(self, proposals: int) -> Asks:
        """A division of a coarse lattice that nothing was proposed for: where the first ones fail."""
        if len(self.evidence.proposals) >= proposals:
            return []
        tried = {proposal.shares for proposal in self.evidence.proposals}
        points = [Point(coefficients=shares.coefficients()) for shares in lattice(4)]
        return [point for point in points if point.shares.as_tuple() not in tried][:1]

    def worth_most(self, epochs: int, *, proposals: int, fits: Fits = lambda shares: True) -> Asks:
        """The trial or point whose reading lowers the expected loss most, what is being trained taken as read."""
        import numpy as np

        now = self.outlook(self.read)
        names = list(dict.fromkeys(trial.candidate for trial in self.read))
        rows = [
            now.places + names.index(trial.candidate)
            if trial.candidate in names
            else self._node(now.nodes, trial.candidate)
            for trial in self.under_way
        ]
        if rows:
            noise = [now.trial_variance[row - now.places] if row >= now.places else now.new_variance for row in rows]
            now = now.pending(np.array(rows), np.array(noise))
        new, again = now.gain(), now.seed_gain()
        found = self._at(now.nodes)
        new[self._closed(found, full=len(self.evidence.proposals) >= proposals)] = -1.0
        new[[not fits(tuple(node)) for node in now.nodes.tolist()]] = -1.0
        again[[name in self.failed or not fits(self.evidence.candidates[name]) for name in names]] = -1.0
        if max(new.max(), again.max()) < 0:
            return []
        if again.max() >= new.max():
            name = names[int(again.argmax())]
            return [Ask(Trial(candidate=name, seed=self.seeds[name]), epochs)]
        node = int(new.argmax())
        waiting = [name for name in found[node] if not self.seeds[name]]
        if waiting:
            return [Ask(Trial(candidate=waiting[0], seed=0), epochs)]
        return [Point(coefficients=shares_of(now.nodes[node].tolist()).coefficients())]

    def outlook(self, read: Sequence[Trial]) -> "Outlook":
        """What these readings let one foresee."""
        return _outlook(self.posterior(read))

    def judged(self, read: Sequence[Trial]) -> "Outlook":
        """The same over what an answer judges: the divisions between those that were read."""
        from scaling_search.analysis import basis

        now = self.outlook(read)
        return now.among(basis.searched(self.posterior(read).observed.shares, now.nodes))

    def stated(self) -> float:
        """What an answer would say now that its pick is expected to lose."""
        from scaling_search.analysis.decision import least_loss

        posterior = self.posterior(self.read)
        return least_loss(posterior, posterior.observed.shares)

    def posterior(self, read: Sequence[Trial]) -> "Posterior":
        """The surface of these readings, and of the unscaled network's."""
        names = sorted({trial.candidate for trial in read})
        histories = tuple(self.evidence.history(trial) for trial in read)
        base = tuple(self.evidence.unscaled[trial] for trial in sorted(self.evidence.unscaled))
        return _posterior(histories, base, tuple((name, self._realised(name)) for name in names), self.epochs)

    def _realised(self, name: str) -> Realised:
        return self.evidence.realised.get(name) or Realised(self.evidence.candidates[name], 2.0)

    def _node(self, nodes: "np.ndarray", name: str) -> int:
        """The node nearest to what a candidate was asked to be."""
        return int(abs(nodes - self.evidence.candidates[name]).sum(axis=1).argmin())

    def _at(self, nodes: "np.ndarray") -> list[list[str]]:
        """The candidates that each node has come to, "" where a limit refused it."""
        import numpy as np

        there = [(proposal.candidate, proposal.shares) for proposal in self.evidence.proposals]
        there += list(self.evidence.candidates.items())
        shares = np.array([shares for _, shares in there])
        same = abs(nodes[:, None] - shares[None]).max(axis=2) < _SAME  # [nodes, candidates]
        return [[there[index][0] for index in np.flatnonzero(row)] for row in same]

    def _closed(self, found: Sequence[Sequence[str]], *, full: bool) -> list[int]:
        """Nodes at which no new network is to be had: refused, trained already, or no more points may be asked for."""
        return [
            node
            for node, names in enumerate(found)
            if (full and not names) or any(not name or self.seeds[name] or name in self.failed for name in names)
        ]


def _shows(evidence: Evidence, trial: Trial, epochs: int) -> bool:
    """Whether the trial has a reading at that epoch: one that a scheduler stopped before has none to compare."""
    whole = any(reading.epoch == epochs for reading in evidence.history(trial))
    return whole and evidence.top1(trial, epochs) is not None


@lru_cache(maxsize=16)  # a decision needs the same one several times, and so does the decision after a proposal
def _posterior(
    histories: tuple[tuple[Reading, ...], ...],
    base: tuple[tuple[Reading, ...], ...],
    built: tuple[tuple[str, Realised], ...],
    epochs: int,
) -> "Posterior":
    """The surface of these readings of candidates, in the order of their names, and of the unscaled network.

    A pure function.
    """
    import numpy as np
    import pandas as pd

    from scaling_search.analysis.means import paired_means
    from scaling_search.analysis.metric import choose_metric, scored
    from scaling_search.analysis.noise import noise_grid
    from scaling_search.analysis.surface import Observed
    from scaling_search.analysis.surface import Surface as Posterior

    def table(histories: tuple[tuple[Reading, ...], ...]) -> pd.DataFrame:
        readings = [one for history in histories for one in history]
        values = [(one.trial.candidate, one.trial.seed, one.epoch, one.top1, one.val_loss) for one in readings]
        return pd.DataFrame(values, columns=["candidate", "seed", "epoch", "top1", "val_loss"])

    rows, beside = table(histories), table(base)
    final, beside = rows[rows["epoch"] == epochs], beside[(beside["epoch"] == epochs) & beside["top1"].notna()]
    metric = choose_metric(final, rows)
    means = paired_means(scored(final, metric), "score", beside=scored(beside, metric))
    assert means.candidates == tuple(name for name, _ in built)
    ratio = np.array([one.macs_ratio for _, one in built])
    observed = Observed(
        shares=np.array([one.shares for _, one in built]),
        ln_cost=np.log(ratio / np.median(ratio)),
        mean=means.means,
        noise=noise_grid(means),
        growth=float(np.median(ratio)),
    )
    return Posterior(observed)


@lru_cache(maxsize=16)
def _outlook(posterior: "Posterior") -> "Outlook":
    from scaling_search.analysis import basis
    from scaling_search.analysis.outlook import outlook

    return outlook(posterior, nodes=basis.nodes())
