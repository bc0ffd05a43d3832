"""The proxies' base itself: no rival of the divisions, judged beside them, and an anchor of the law."""

from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import pandas as pd
import pytest
from planted_run import analyze_run, fail_rows, peak, plant, read_run, searched

from scaling_search.analysis import Analysis, summary_lines, to_dict
from scaling_search.analysis.law import Law
from scaling_search.analysis.trials import EFFECTIVE, SHARES
from scaling_search.analysis.unscaled import Unscaled
from scaling_search.errors import InvalidInput
from scaling_search.evidence import UNSCALED

BEST = (0.25, 0.25, 0.5)


def add_base(run: Path, *, below: float, seeds: int = 3, row: bool = True) -> Path:
    """Trains the base too, so far below the first candidate of the same seed; row: it stands in candidates.csv."""
    table, rows = pd.read_csv(run / "candidates.csv"), pd.read_csv(run / "trials.csv", dtype={"reason": str})
    base = table.head(1).assign(candidate=UNSCALED, named="", macs_ratio=1.0)
    base[SHARES] = np.nan
    base[EFFECTIVE] = 1.0
    own = rows[(rows["candidate"] == "c00") & (rows["seed"] < seeds)]
    own = own.assign(candidate=UNSCALED, top1=(own["top1"] - below).clip(0), val_loss=own["val_loss"] + 2 * below)
    pd.concat([table, base] if row else [table]).to_csv(run / "candidates.csv", index=False)
    pd.concat([own, rows]).to_csv(run / "trials.csv", index=False)
    return run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return plant(tmp_path / "run", truth=peak(BEST, steepness=0.1), noise=0.004)


def same_answer(first: Analysis, second: Analysis) -> bool:
    """Whether they are the same but for the base, the law and the warnings."""
    own = ("references", "law", "warnings")
    left, right = ({key: part for key, part in to_dict(one).items() if key not in own} for one in (first, second))
    return left == right


@pytest.mark.parametrize("row", [True, False])
def test_what_a_trained_base_reaches_changes_nothing_of_the_divisions(run: Path, tmp_path: Path, row: bool) -> None:
    before = analyze_run(run)
    far = analyze_run(add_base(Path(copytree(run, tmp_path / "far")), below=0.2, row=row))
    after = analyze_run(add_base(run, below=0.1, row=row))
    assert same_answer(far, after)
    assert after.warnings == before.warnings
    assert after.table["top1"].equals(before.table["top1"])
    assert UNSCALED not in after.trials.candidates.index
    assert (before.unscaled, list(after.trials.unscaled["candidate"])) == (None, [UNSCALED] * 3)


def test_seeds_of_the_base_tell_of_noise_where_no_candidate_is_repeated(tmp_path: Path) -> None:
    def answer(spread: float) -> Analysis:
        run = add_base(plant(tmp_path / str(spread), truth=peak(BEST, steepness=0.1), noise=0.004), below=0.1)
        rows = pd.read_csv(run / "trials.csv", dtype={"reason": str})
        own = rows["candidate"] == UNSCALED
        rows.loc[own, "top1"] += spread * (rows.loc[own, "seed"] - 1)
        rows.loc[own, "val_loss"] -= 2 * spread * (rows.loc[own, "seed"] - 1)
        rows[own | (rows["seed"] == 0)].to_csv(run / "trials.csv", index=False)
        return analyze_run(run)

    quiet, loud = answer(0.0), answer(0.05)
    assert np.median(loud.surface.trial_sd) > 2 * np.median(quiet.surface.trial_sd)
    assert loud.pick.expected_loss > quiet.pick.expected_loss
    assert any("taken from the unscaled network's seeds" in warning for warning in loud.warnings)


def test_what_the_base_loses_is_said_with_its_interval(run: Path) -> None:
    analysis = analyze_run(add_base(run, below=0.1))
    found = analysis.unscaled
    assert found is not None
    true = 0.1 + 0.1 * ((np.array((0, 0, 1)) - BEST) ** 2).sum()  # c00 is all resolution
    assert found.expected_loss == pytest.approx(true, abs=0.006)
    assert found.low < found.expected_loss < found.high < found.low + 0.03
    assert found.probability_within_epsilon == 0
    assert found.top1 == pytest.approx(analysis.table["top1"]["c00"] - 0.1)
    assert to_dict(analysis)["references"]["unscaled"] == {
        "candidate": "base", "shares": None, "seeds": 3,
        **{name: pytest.approx(getattr(found, name), abs=1e-6) for name in (
            "top1", "top1_se", "val_loss", "expected_loss", "low", "high", "probability_within_epsilon")},
    }  # fmt: skip
    last = next(line for line in summary_lines(analysis) if line.startswith("unscaled"))
    assert "nothing added" in last and "1.00×" in last
    gains = replace(found, expected_loss=-0.0061, low=-0.029, high=0.018, probability_within_epsilon=0.78)
    lines = summary_lines(replace(analysis, unscaled=gains))
    head, last = (next(line for line in lines if line.startswith(name)) for name in ("reference", "unscaled"))
    assert last[head.index("within") - 2 :] == "  78 %", "a long cell moves the last column"


def test_a_base_of_one_seed_is_compared_on_that_seed(tmp_path: Path) -> None:
    def trained(seeds: int) -> Unscaled | None:
        run = plant(tmp_path / str(seeds), truth=peak(BEST, steepness=0.1), noise=0.003, random=3)
        return analyze_run(add_base(run, below=0.1, seeds=seeds)).unscaled

    three, one = trained(3), trained(1)
    assert three is not None and one is not None
    assert one.expected_loss == pytest.approx(three.expected_loss, abs=0.01), "the seed's own effect is taken off"
    assert one.high - one.low > three.high - three.low
    assert np.isnan(one.top1_se)


def test_a_base_as_good_as_the_candidates_is_warned_of(run: Path) -> None:
    warnings = analyze_run(add_base(run, below=-0.05)).warnings
    assert any("added compute may not help at all" in warning for warning in warnings)


def test_the_base_is_judged_in_points_of_accuracy_whatever_is_judged(run: Path) -> None:
    add_base(run, below=0.1)
    rows = pd.read_csv(run / "trials.csv", dtype={"reason": str})
    noise = np.random.default_rng(0).normal(0, 0.03, len(rows))
    rows.assign(top1=rows["top1"] + noise).to_csv(run / "trials.csv", index=False)
    analysis = analyze_run(run)
    assert analysis.metric.name == "val_loss"
    assert analysis.unscaled is not None
    share = analysis.metric.slope / 0.5  # the planted slope is half a point for one nat
    true = 0.1 + 0.1 * ((np.array((0, 0, 1)) - BEST) ** 2).sum()
    assert analysis.unscaled.expected_loss == pytest.approx(share * true, rel=0.1)


def test_the_base_is_an_anchor_of_the_law(run: Path) -> None:
    without = analyze_run(run).law
    law = analyze_run(add_base(run, below=0.1)).law
    assert isinstance(without, Law) and isinstance(law, Law)
    assert without.forecast == ()
    assert [phi for phi, *_ in law.forecast] == [1, 2, 3, 4, 5, 6, 7]


def test_a_base_that_learned_nothing_is_no_anchor(run: Path) -> None:
    law = analyze_run(add_base(run, below=0.55)).law
    assert isinstance(law, Law)
    assert law.forecast == ()


def test_the_base_alone_compares_nothing(run: Path) -> None:
    add_base(run, below=0.1)
    rows = pd.read_csv(run / "trials.csv", dtype={"reason": str})
    rows[rows["candidate"] == UNSCALED].to_csv(run / "trials.csv", index=False)
    with pytest.raises(InvalidInput, match="no finished trial"):
        analyze_run(run)


def test_a_base_that_is_not_finished_or_failed_is_not_judged(tmp_path: Path) -> None:
    run = add_base(plant(tmp_path, truth=peak(BEST), points=searched(2), epochs=3), below=0.1)
    rows = pd.read_csv(run / "trials.csv", dtype={"reason": str})
    end = (rows["candidate"] == UNSCALED) & (rows["epoch"] == 3)
    rows[~end].to_csv(run / "trials.csv", index=False)
    assert (len(read_run(run).unscaled), read_run(run).unfinished) == (0, 0)
    fail_rows(rows, end, "out of memory").to_csv(run / "trials.csv", index=False)
    assert list(read_run(run).failed["candidate"]) == [UNSCALED] * 3
    assert analyze_run(run).unscaled is None
