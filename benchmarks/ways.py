"""Other ways to draw the surface, beside the one that ships, over the same simulated searches.

    python benchmarks/ways.py [WAY …] [--searches 8] [--cliffs 30] [--seed 51] [--only DESIGN …]

Targets that the shipped surface misses (results/verdicts): what cliffs are expected to lose, how often the region keeps
their best, probabilities of being the best. Each line has, in points of accuracy: of cliffs the regret, stated over
lost, and how often their best is kept; of the other truths that are not flat the regret, its difference from the
shipped way's with its standard error (same searches), stated, lost over stated of jagged truths, kept; of all the
clear verdicts and those that were wrong; and true minus given probability of candidates given .6 to .9.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

import numpy as np
import pandas as pd
import verdicts
from truths import KINDS, Design, designs

from scaling_search.analysis import basis, noise, surface, tail
from scaling_search.analysis.surface import Observed, Surface

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]
OTHERS = tuple(kind for kind in KINDS if kind != "cliff")
EXTRA = 9.0
"""In place of a length: the further kernel of a way."""


class Tempered(Surface):
    """Cells weighted by prior × evidence^evidence × (density of each mean, given the others)^others."""

    evidence, others = 1.3, 0.0

    def _weigh(self) -> None:
        inverse, residual = np.linalg.inv(self._covariance()), self._residual()
        alphas = np.einsum("cij,cj->ci", inverse, residual)
        spread = np.diagonal(inverse, axis1=1, axis2=2)
        together = 0.5 * np.linalg.slogdet(inverse)[1] - 0.5 * (residual * alphas).sum(axis=1)
        one_by_one = (0.5 * np.log(spread) - 0.5 * alphas**2 / spread).sum(axis=1)  # Rasmussen and Williams, eq. 5.10
        log = self._prior + self.evidence * together + self.others * one_by_one
        self._alphas = alphas
        self._weighed(log)

    def _weighed(self, log: np.ndarray) -> None:
        weights = np.exp(log - log.max())
        kept = weights > 1e-4 * weights.sum()
        self.weights = weights[kept] / weights[kept].sum()
        self.length, self.amplitude, self.level = self.length[kept], self.amplitude[kept], self.level[kept]
        self._alphas = self._alphas[kept]


class Sharper(Tempered):
    evidence = 1.6


class LeaveOneOut(Tempered):
    evidence, others = 0.0, 1.0


class Half(Tempered):
    evidence, others = 0.5, 0.5


class OneTail(Tempered):
    """With a tail of its own; log_evidence is that of the means before they were compressed."""

    evidence = 1.0

    def __init__(self, observed: Observed, span: float, noises: float) -> None:
        with patch.multiple(tail, SPAN=span, NOISES=noises):
            super().__init__(observed)

    def _weighed(self, log: np.ndarray) -> None:
        super()._weighed(log)
        squeezed = np.maximum((self.tail.top - self.observed.mean) / self.tail.limit, 1)  # 1 / slope of the tail
        self.log_evidence = float(np.logaddexp.reduce(log) - np.log(squeezed).sum())


class Tails(Surface):
    """Three tails, from a tight one to none, each by its evidence: a warped process (Snelson et al. 2004)."""

    def __init__(self, observed: Observed) -> None:
        super().__init__(observed)
        self.parts = [OneTail(observed, span, noises) for span, noises in ((0.5, 0.25), (1.5, 1.0), (np.inf, 0.0))]
        log = np.array([part.log_evidence for part in self.parts]) + np.log([0.25, 0.5, 0.25])
        self.chance = np.exp(log - np.logaddexp.reduce(log))
        even = (np.arange(surface.DRAWS) + 0.5) / surface.DRAWS
        self.taken = np.minimum(np.searchsorted(np.cumsum(self.chance), even), 2)
        self.taken = np.random.default_rng(3).permutation(self.taken)

    def mean_at(self, shares: np.ndarray) -> np.ndarray:
        return np.asarray(self.chance @ np.stack([part.mean_at(shares) for part in self.parts]))

    def draws_at(self, shares: np.ndarray) -> np.ndarray:
        draws = np.stack([part.draws_at(shares) for part in self.parts])  # [3, places, DRAWS]
        return np.asarray(draws[self.taken, :, np.arange(surface.DRAWS)].T)


class Lasting(Surface):
    """Draws at the candidates hold what is lasting in each network: probabilities of being the best network."""

    def draws_at(self, shares: np.ndarray) -> np.ndarray:
        draws = super().draws_at(shares)
        if shares is basis.places():
            return draws
        return np.asarray(draws + self.lasting_sd * np.random.default_rng(5).standard_normal(draws.shape))


def matern(first: np.ndarray, second: np.ndarray, *, length: float, order: int) -> np.ndarray:
    """Matérn kernels of smoothness 1/2 (order 1) and 3/2 (order 3)."""
    apart = np.sqrt(order * ((first[:, None] - second[None]) ** 2).sum(axis=-1) / 2) / length
    return np.asarray((1 + apart if order == 3 else 1.0) * np.exp(-apart))


def steps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Jumps along each share alone: a sum of three processes of smoothness 1/2."""
    return np.asarray(np.exp(-np.abs(first[:, None] - second[None]) / 0.5).mean(axis=-1))


def neural(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Sigmoids in any direction, not stationary: a network with endlessly many units (ibid., eq. 4.29)."""
    one, two = 5 * (first - 1 / 3), 5 * (second - 1 / 3)
    own = [1 + 2 * (1 + (side**2).sum(axis=1)) for side in (one, two)]
    return np.asarray(2 / np.pi * np.arcsin(2 * (1 + one @ two.T) / np.sqrt(np.outer(*own))))


@dataclass(frozen=True, kw_only=True)
class Way:
    """What is otherwise than in `analysis/`: lengths with their prior, a further kernel, constants, the class."""

    lengths: tuple[float, ...] = basis.LENGTHS
    prior: tuple[float, ...] = basis.LENGTH_PRIOR
    extra: Kernel | None = None
    surface: Mapping[str, float] = field(default_factory=dict)
    noise: Mapping[str, object] = field(default_factory=dict)
    tail: Mapping[str, float] = field(default_factory=dict)
    kind: type[Surface] = Surface


def with_member(extra: Kernel, prior: tuple[float, ...] = (0.2, 0.35, 0.3, 0.15)) -> Way:
    """A further kernel as a fourth member of the mixture."""
    return Way(lengths=(*basis.LENGTHS, EXTRA), prior=prior, extra=extra)


WAYS = {
    "shipped": Way(),
    "tighter tail": Way(tail={"SPAN": 0.75, "NOISES": 0.5}),
    "no tail": Way(tail={"SPAN": np.inf}),
    "three tails": Way(kind=Tails),
    "matern 1/2": with_member(lambda first, second: matern(first, second, length=1.0, order=1)),
    "matern 3/2": with_member(lambda first, second: matern(first, second, length=0.8, order=3), (0.15, 0.3, 0.3, 0.25)),
    "steps": with_member(steps),
    "neural": with_member(neural),
    "outliers": Way(noise={"LASTING": 0.01 * np.array([0.1, 0.4, 0.8, 1.5, 3.0]), "LASTING_SD": 0.008}),
    "local noise": Way(noise={"ALIKE_PRIOR": np.array([0.5, 0.3, 0.2])}),
    "longer": Way(prior=(0.15, 0.35, 0.5)),
    "longest": Way(lengths=(*basis.LENGTHS, 2.5), prior=(0.15, 0.35, 0.3, 0.2)),
    "smaller": Way(surface={"TYPICAL": 0.005}),
    "size nearer": Way(surface={"TYPICAL_SD": 1.0}),
    "size wider": Way(surface={"TYPICAL_SD": 2.0}),
    "less lasting": Way(noise={"LASTING_SD": 0.003}),
    "tempered 1.3": Way(kind=Tempered),
    "tempered 1.6": Way(kind=Sharper),
    "leave one out": Way(kind=LeaveOneOut),
    "half leave one out": Way(kind=Half),
    "lasting in draws": Way(kind=Lasting),
}


@contextmanager
def taken(way: Way) -> Iterator[None]:
    """`verdicts` judges by this way."""
    plain = basis._kernel

    def kernel(first: np.ndarray, second: np.ndarray, length: float) -> np.ndarray:
        return way.extra(first, second) if way.extra and length == EXTRA else plain(first, second, length)

    def made(observed: Observed) -> Surface:
        return way.kind(observed)

    with ExitStack() as stack:
        for module, changes in ((surface, way.surface), (noise, way.noise), (tail, way.tail)):
            for name, value in changes.items():
                stack.enter_context(patch.object(module, name, value))
        stack.enter_context(patch.multiple(basis, LENGTHS=way.lengths, LENGTH_PRIOR=way.prior, _kernel=kernel))
        stack.enter_context(patch.object(verdicts, "Surface", made))
        forget()
        yield
    forget()


def forget() -> None:
    """What was kept of other lengths and kernels."""
    basis._projection.cache_clear()
    surface._places_features.cache_clear()


def searched(way: Way, chosen: list[Design], *, seed: int, searches: int, cliffs: int) -> list[pd.DataFrame]:
    """Rows and probabilities of all searches, as `verdicts.run` gives them: the cliffs first."""
    with taken(way):
        wanted = [(cliffs, ("cliff",)), (searches, OTHERS)]
        parts = [verdicts.run(count, seed, chosen, kinds=kinds) for count, kinds in wanted if count]
    return [pd.concat(part, ignore_index=True) for part in zip(*parts, strict=True)]


def line(rows: pd.DataFrame, given: pd.DataFrame, shipped: pd.DataFrame) -> dict[str, float | str]:
    """What the head of this file says of a line; shipped has the same searches."""
    cliffs, jagged = rows[rows["kind"] == "cliff"], rows[rows["kind"] == "jagged"]
    others = rows[~rows["kind"].isin(["cliff", "flat"])]
    more = others["regret"] - shipped.loc[others.index, "regret"]
    high = given[given["given"].between(0.6, 0.9)]
    return {
        "cliffs": cliffs["regret"].mean(), "over": cliffs["stated"].mean() / cliffs["regret"].mean(),
        "kept cliffs": cliffs["kept"].mean(), "regret": others["regret"].mean(), "more": more.mean(),
        "error": more.sem(), "stated": others["stated"].mean(),
        "jagged": jagged["regret"].mean() / jagged["stated"].mean(), "kept": others["kept"].mean(),
        "clear": rows["clear"].sum(), "wrong": rows["wrong"].sum(), "gap": (high["best"] - high["given"]).mean(),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", nargs="*", default=list(WAYS), help=f"any of {', '.join(WAYS)}")
    parser.add_argument("--searches", type=int, default=8, help="of each kind of truth and design")
    parser.add_argument("--cliffs", type=int, default=30, help="of cliffs and each design")
    parser.add_argument("--seed", type=int, default=51)
    parser.add_argument("--only", nargs="+", help="names of designs, as «9 x 2, 2.5»")
    arguments = parser.parse_args()
    chosen = [design for design in designs() if not arguments.only or design.name in arguments.only]
    shipped, lines = None, []
    for name in dict.fromkeys(["shipped", *arguments.way]):
        rows, given = searched(
            WAYS[name], chosen, seed=arguments.seed, searches=arguments.searches, cliffs=arguments.cliffs
        )
        shipped = rows if shipped is None else shipped
        lines.append({"way": name, **line(rows, given, shipped)})
        print(pd.DataFrame(lines[-1:]).to_string(index=False, header=len(lines) == 1, float_format="{:.3f}".format),
              flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
