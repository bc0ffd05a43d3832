"""From the tables of a search to the answer: `analyze`, and what it returns."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from scaling_search.analysis import basis
from scaling_search.analysis.advice import Advice, advise
from scaling_search.analysis.agreement import Agreement, halfway_agreement
from scaling_search.analysis.caveats import disagreement, find_caveats
from scaling_search.analysis.decision import Decision, Pick, decide
from scaling_search.analysis.law import Law, NoLaw, find_law
from scaling_search.analysis.learning import find_unlearned, has_learned, split_candidates
from scaling_search.analysis.lengths import Lengths, compare_lengths
from scaling_search.analysis.means import PairedMeans, describe, paired_means
from scaling_search.analysis.metric import Metric, Name, choose_metric, scored
from scaling_search.analysis.noise import noise_grid
from scaling_search.analysis.outlook import outlook
from scaling_search.analysis.pooling import MOST, pooled
from scaling_search.analysis.surface import Observed, Surface
from scaling_search.analysis.trials import EFFECTIVE, SHARES, Trials
from scaling_search.analysis.unscaled import Unscaled, judge_unscaled
from scaling_search.analysis.verdict import Verdict, judge
from scaling_search.coefficients import REFERENCES
from scaling_search.errors import InvalidInput
from scaling_search.evidence import EPSILON


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """The answer of a search so far, with its doubt.

    `table` has a row for each compared candidate, indexed by candidate: candidates.csv with the effective shares, then
    seeds, top1, top1_se, val_loss, val_loss_se (mean and standard error over seeds, at realised cost), top1_equal_cost,
    top1_equal_cost_se (read from the surface at the target cost), expected_loss, probability_within_epsilon, inside (of
    the region) and probability_best. `means` are those of the metric that is judged, in accuracy. `unscaled` is the
    proxies' base itself, where it was trained.
    """

    trials: Trials
    table: pd.DataFrame
    metric: Metric
    means: PairedMeans
    surface: Surface
    decision: Decision
    unscaled: Unscaled | None
    agreement: Agreement | None
    lengths: Lengths | None
    verdict: Verdict
    advice: Advice | None
    law: Law | NoLaw
    warnings: tuple[str, ...]

    @property
    def pick(self) -> Pick:
        return self.decision.pick

    def references(self) -> pd.DataFrame:
        """One row a reference, indexed by its name: depth, width, resolution, uniform, fast, paper.

        One that was built stands where its network really is, with the columns of `table`. Another that lies between
        what was trained stands where it was asked for, with candidate "" and without what only a network has.
        """
        built = self.table.reset_index().explode("named").drop_duplicates("named").set_index("named")
        asked = self.decision.references.assign(candidate="")
        rows = pd.concat([built, asked.loc[asked.index.difference(built.index)]])
        return rows.loc[[name for name in REFERENCES if name in rows.index]]


def analyze(trials: Trials, *, epsilon: float = EPSILON, metric: Literal["auto"] | Name = "auto") -> Analysis:
    """Analyses what a search holds so far: finished, running or interrupted, with failed trials or one seed.

    Args:
        trials: of tables (`trials_from_tables`).
        epsilon: loss of accuracy, as a fraction, that does not matter.
        metric: what is judged; the one that tells candidates apart better by default.

    Raises:
        InvalidInput: epsilon is not between 0 and 1, or cross-entropy is asked for and a trial has none.
    """
    if not 0 < epsilon < 1:
        raise InvalidInput(f"--epsilon is a loss of accuracy between 0 and 1, as 0.005, and not {epsilon}")
    final, candidates, chosen, means, surface = _judged(trials, metric)
    accuracy = surface if chosen.name == "top1" else _surface(trials, candidates, _means(trials, final, chosen, "top1"))
    decision = decide(surface, accuracy, candidates, epsilon=epsilon)
    unscaled = judge_unscaled(trials.unscaled, final, metric=chosen, surface=surface, decision=decision)
    table = _table(candidates, final, decision, accuracy)
    split = split_candidates(final)
    agreement = halfway_agreement(trials.readings, chosen.name)
    unlearned = find_unlearned(table, split, classes=trials.classes)
    verdict = judge(decision, unlearned, saved=trials.target_ratio < 1)
    remedy = unlearned.remedy if unlearned else None
    warnings = [*find_caveats(trials, table, decision, agreement=agreement, split=split)]
    warnings += unscaled.warnings(epsilon) if unscaled and not unlearned else []
    return Analysis(
        trials=trials,
        table=table,
        metric=chosen,
        means=means,
        surface=surface,
        decision=decision,
        unscaled=unscaled,
        agreement=agreement,
        lengths=_lengths(trials, final, candidates, chosen, noise=means.error_sd or 0.0),
        verdict=verdict,
        advice=_advice(trials, surface, decision, verdict, remedy=remedy, value=chosen.name),
        law=_law(trials, table, accuracy, decision),
        warnings=(*warnings, *_disagreement(trials, candidates, final, chosen, accuracy, decision)),
    )


def pick_alone(trials: Trials) -> tuple[float, float, float]:
    """Shares of the division that `analyze` picks, without its doubt: what thousands of replays need."""
    _, candidates, _, _, surface = _judged(trials, "auto")
    everywhere = basis.places()[basis.searched(candidates[SHARES].to_numpy(float), basis.places())]
    depth, width, resolution = everywhere[surface.mean_at(everywhere).argmax()].tolist()
    return depth, width, resolution


def _judged(
    trials: Trials, metric: Literal["auto"] | Name
) -> tuple[pd.DataFrame, pd.DataFrame, Metric, PairedMeans, Surface]:
    """Final readings and table of the compared candidates, what is judged, its means and their surface."""
    compared = trials.compared
    final = trials.final[trials.final["candidate"].isin(compared)]
    chosen = choose_metric(final, trials.readings, wanted=metric)
    candidates = trials.candidates.loc[compared]
    means = _means(trials, final, chosen)
    return final, candidates, chosen, means, _surface(trials, candidates, means)


def _means(trials: Trials, final: pd.DataFrame, metric: Metric, name: Name | None = None) -> PairedMeans:
    """The candidates' means of the reading that is judged, or of the other one."""
    return paired_means(scored(final, metric, name), "score", beside=scored(trials.unscaled, metric, name))


def _surface(trials: Trials, candidates: pd.DataFrame, means: PairedMeans) -> Surface:
    rows = candidates.loc[list(means.candidates)]
    observed = Observed(
        shares=rows[SHARES].to_numpy(float),
        ln_cost=np.log(rows["macs_ratio"].to_numpy(float) / trials.target_ratio),
        mean=means.means,
        noise=noise_grid(means),
        growth=trials.target_ratio,
    )
    return Surface(pooled(observed, means.seeds))


def _table(candidates: pd.DataFrame, final: pd.DataFrame, decision: Decision, accuracy: Surface) -> pd.DataFrame:
    draws = accuracy.draws_at(candidates[SHARES].to_numpy(float))
    measured = [
        final.groupby("candidate").size().to_frame("seeds"),
        describe(final, "top1"),
        describe(final, "val_loss"),
    ]
    columns = ["expected_loss", "probability_within_epsilon", "inside", "probability_best"]
    table = candidates.join([*measured, decision.candidates[columns]], how="inner")
    return table.assign(top1_equal_cost=draws.mean(axis=1), top1_equal_cost_se=draws.std(axis=1))


def _advice(
    trials: Trials, surface: Surface, decision: Decision, verdict: Verdict, *, remedy: str | None, value: str
) -> Advice | None:
    if remedy is not None:
        return Advice(sentence=remedy)
    if verdict.kind != "tied":
        return None
    if basis.alone(decision.candidates[SHARES].to_numpy(float)):
        return Advice(sentence="Finish several candidates that divide the compute differently.")
    nodes = basis.nodes()[basis.searched(decision.candidates[SHARES].to_numpy(float), basis.nodes())]
    return advise(outlook(surface, nodes=nodes), decision, trials, value, pooled=len(decision.candidates) > MOST)


def _lengths(
    trials: Trials, final: pd.DataFrame, candidates: pd.DataFrame, chosen: Metric, *, noise: float
) -> Lengths | None:
    if trials.longer.empty:
        return None
    epochs = trials.epochs, int(trials.longer["epoch"].max())
    return compare_lengths(scored(final, chosen), scored(trials.longer, chosen), candidates, epochs=epochs, noise=noise)


def _law(trials: Trials, table: pd.DataFrame, accuracy: Surface, decision: Decision) -> Law | NoLaw:
    if len(table) > MOST:  # pooled candidates are not left out one by one
        return NoLaw(sentence=f"No law: of more than {MOST} candidates the surface knows all that one could say.")
    if trials.target_ratio < 1:
        return NoLaw(sentence="No law: it forecasts what added compute brings, and this search saves some.")
    names, chance = [*table.index, *trials.anchors], 1 / trials.classes if trials.classes else 0.0
    shown = trials.final.groupby("candidate")["top1"].agg(["mean", "size"]).loc[names].to_numpy(float)
    sizes, base = trials.candidates.loc[names, EFFECTIVE].to_numpy(float), trials.unscaled["top1"]
    if has_learned(float(base.mean()), chance):  # NaN, where it was not trained, has not
        shown, sizes = np.vstack([shown, (base.mean(), len(base))]), np.vstack([sizes, np.ones(3)])
    return find_law(
        sizes, shown[:, 0], shown[:, 1],
        foretold=accuracy.left_out(), compared=np.arange(len(sizes)) < len(table), pick=decision.pick.coefficients,
        chance=chance,
    )  # fmt: skip


def _disagreement(
    trials: Trials, candidates: pd.DataFrame, final: pd.DataFrame, chosen: Metric, accuracy: Surface, decision: Decision
) -> list[str]:
    if not np.isfinite(final["val_loss"].to_numpy(float)).all():
        return []
    other = accuracy
    if chosen.name == "top1":
        other = _surface(trials, candidates, _means(trials, final, chosen, "val_loss"))
    return list(disagreement(chosen, decision, other))
