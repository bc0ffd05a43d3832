"""Each check says PASS, WARNING or FAIL of a planted run that it should say it of."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from planted_run import analyze_run, edit_trials, peak, plant, read_run, searched

from scaling_search.analysis import Analysis, analyze
from scaling_search.analysis.wording import percent
from scaling_search.coefficients import lattice
from scaling_search.report.cards import CHECKS, Card, cards
from scaling_search.report.cards.added import added
from scaling_search.report.cards.border import border
from scaling_search.report.cards.cost import cost
from scaling_search.report.cards.crossing import crossing
from scaling_search.report.cards.drift import drift
from scaling_search.report.cards.foretold import foretold
from scaling_search.report.cards.learned import learned
from scaling_search.report.cards.noise import noise
from scaling_search.report.cards.transfer import transfer
from scaling_search.report.cards.verified import verified
from scaling_search.report.opening import numbers
from scaling_search.search.verification import Verification, write_verification

INNER = peak((0.3, 0.3, 0.4))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plant(tmp_path_factory.mktemp("planted"), truth=INNER)


@pytest.fixture(scope="module")
def analysis(run: Path) -> Analysis:
    return analyze_run(run)


def planted(folder: Path, **how: object) -> Analysis:
    return analyze_run(plant(folder, **({"truth": INNER} | how)))  # type: ignore[arg-type]


def with_base(folder: Path, *, behind: float) -> Analysis:
    """The unscaled network so much worse than the best candidate."""
    run = plant(folder, truth=INNER)
    rows = pd.read_csv(run / "trials.csv", dtype={"reason": str})
    best = rows[rows["candidate"] == rows["candidate"].iloc[int(rows["top1"].to_numpy().argmax())]]
    base = best.assign(candidate="base", top1=best["top1"] - behind, val_loss=best["val_loss"] + 2 * behind)
    edit_trials(run, lambda rows: pd.concat([base, rows]))
    return analyze_run(run)


def test_a_good_run_passes_but_for_what_it_has_not_tried(analysis: Analysis, run: Path) -> None:
    found = {card.name: card.standing for card in cards(analysis, run)}
    assert found == {
        "learned": "PASS", "added": "WARNING", "foretold": "PASS", "noise": "PASS", "cost": "PASS", "border": "PASS",
        "crossing": "PASS", "transfer": "WARNING",
    }  # fmt: skip


def verification() -> Verification:
    """Of two networks; the pick moved towards depth when trainings got longer."""
    shares, moved = (
        dict(zip(("depth", "width", "resolution"), division, strict=True))
        for division in ((0.3, 0.3, 0.4), (0.6, 0.2, 0.2))
    )
    place: dict[str, Any] = {"growth": 2.0, "expected_loss": 0.001}
    one: dict[str, Any] = {"candidate": "c00", "shares": shares, "macs_ratio": 2.0, "expected": 0.75, "seeds": 2}
    content: dict[str, Any] = {
        "verdict": "changed", "sentence": "So it was.", "epsilon": 0.005, "epochs": (4, 8), "seeds": 2, "first_seed": 9,
        "headline": {"reported": 0.75, "fresh": 0.7312, "longer": 0.8}, "ahead": "uniform", "lost": 0.01,
        "order": {"held": 1, "pairs": 1},
        "networks": (one | {"names": ("pick",), "top1": 0.8}, one | {"names": ("uniform",), "top1": 0.81}),
        "transfer": {"picks": ({"of": "run", "epochs": 4, "shares": shares, **place},
                               {"of": "longer", "epochs": 8, "shares": moved, **place}), "distance": 543.2},
    }  # fmt: skip
    return Verification.model_validate(content)


def test_a_verification_is_a_card_with_the_way_of_the_pick(analysis: Analysis, tmp_path: Path) -> None:
    assert verified(analysis, tmp_path) is None
    write_verification(tmp_path, verification())
    card = verified(analysis, tmp_path)
    assert card is not None
    assert card.standing == "FAIL"
    assert "moved by 30 % of the compute (longer)" in card.sentence
    way = drift(verification().transfer)
    assert way in card.drawing
    assert way.count("<circle") == 2
    assert way.count('class="stroke"') == 2, "one arrow: a line and its barbs"
    assert ">longer</text>" in way


def test_fresh_seeds_replace_the_searchs_accuracy(analysis: Analysis) -> None:
    assert numbers(analysis)[3][0] == percent(analysis.pick.top1, analysis.pick.top1_se)
    value, label = numbers(analysis, verification())[3]
    assert value == "73.1 %"
    assert "fresh seeds" in label and "75.0 %" in label


def test_every_check_has_a_sentence_and_where_it_can_a_drawing(analysis: Analysis, run: Path) -> None:
    for card in cards(analysis, run):
        assert card.question.endswith("?")
        assert card.sentence.endswith(".")
        assert "nan" not in card.sentence.lower()
        assert card.drawing.startswith("<svg") or card.name in ("added", "transfer"), card.name


@pytest.mark.parametrize("check", [check for check in CHECKS if check is not verified])
def test_a_check_can_be_asked_of_next_to_nothing(
    tmp_path: Path, check: Callable[[Analysis, Path], Card | None]
) -> None:
    few = planted(tmp_path, points=searched()[:2], seeds=1, epochs=1)
    card = check(few, tmp_path)
    assert card is not None
    assert "nan" not in card.sentence.lower()


def test_learned(tmp_path: Path) -> None:
    assert (
        learned(planted(tmp_path / "a", truth=peak((0, 0, 1), height=0.11, steepness=0.0)), tmp_path).standing == "FAIL"
    )


@pytest.mark.parametrize(("behind", "standing"), [(0.1, "PASS"), (-0.02, "FAIL")])
def test_added(tmp_path: Path, behind: float, standing: str) -> None:
    card = added(with_base(tmp_path, behind=behind), tmp_path)
    assert card is not None
    assert card.standing == standing


def test_a_search_that_saves_compute_is_not_asked_whether_more_helps(analysis: Analysis) -> None:
    assert (
        added(replace(analysis, trials=replace(analysis.trials, growth=0.5, candidates=_halved(analysis))), Path())
        is None
    )


def _halved(analysis: Analysis) -> pd.DataFrame:
    return analysis.trials.candidates.assign(macs_ratio=0.5)


def test_foretold_fails_where_there_is_no_pattern(tmp_path: Path) -> None:
    rough = np.random.default_rng(0).normal(0, 0.05, 18)
    random = planted(tmp_path / "a", truth=lambda shares: 0.7 + rough[: len(shares)], noise=0.002)
    assert foretold(random, tmp_path).standing in ("WARNING", "FAIL")
    assert "believe measured candidates" in foretold(random, tmp_path).sentence
    flat = planted(tmp_path / "b", truth=peak((0, 0, 1), steepness=0.0))
    assert foretold(flat, tmp_path).standing == "WARNING"


def test_noise_is_assumed_with_one_seed(tmp_path: Path) -> None:
    card = noise(planted(tmp_path / "none", seeds=1), tmp_path)
    assert card.standing == "WARNING"
    assert "No candidate has a second seed" in card.sentence
    base = plant(tmp_path / "base", truth=INNER, seeds=1)
    edit_trials(base, _with_base)
    assert "those of the unscaled network differ by 1.8 points" in noise(analyze_run(base), tmp_path).sentence
    one = plant(tmp_path / "one", truth=INNER)
    edit_trials(one, lambda rows: rows[(rows["seed"] == 0) | (rows["candidate"] == "c03")])
    card = noise(analyze_run(one), tmp_path)
    assert card.standing == "WARNING"
    assert "Repeats of 1 candidate with other seeds differ" in card.sentence
    assert "partly assumed" in card.sentence


def _with_base(rows: pd.DataFrame) -> pd.DataFrame:
    """Three seeds of the unscaled network, two points apart."""
    own = [rows[rows["candidate"] == "c00"].assign(candidate="base", seed=seed) for seed in range(3)]
    own = [one.assign(top1=0.3 + 0.02 * seed, val_loss=2.0 - 0.04 * seed) for seed, one in enumerate(own)]
    return pd.concat([rows, *own])


def test_cost(tmp_path: Path) -> None:
    assert cost(planted(tmp_path / "a", cost_noise=0.08), tmp_path).standing == "WARNING"
    uneven = planted(tmp_path / "b", truth=peak((0, 0, 1), steepness=0.0), cost_noise=0.2, cost_effect=0.2)
    assert cost(uneven, tmp_path).standing == "FAIL"


def test_border(tmp_path: Path) -> None:
    assert border(planted(tmp_path / "a", truth=peak((0, 0, 1), steepness=0.3)), tmp_path).standing == "WARNING"
    shallow = [point for point in lattice(8) if point.depth < 0.4]
    cut = planted(tmp_path / "b", truth=peak((0.7, 0.1, 0.2), steepness=0.2), points=shallow)
    assert border(cut, tmp_path).standing == "FAIL"


def test_crossing(tmp_path: Path, run: Path) -> None:
    assert crossing(planted(tmp_path / "a", epochs=1), tmp_path).sentence.startswith("Not known")
    turned = plant(tmp_path / "b", truth=INNER)

    def turn(rows: pd.DataFrame) -> pd.DataFrame:
        early = rows["epoch"] < 4
        return rows.assign(
            top1=rows["top1"].mask(early, 0.8 - rows["top1"]),
            val_loss=rows["val_loss"].mask(early, 3.2 - rows["val_loss"]),
        )

    edit_trials(turned, turn)
    assert crossing(analyze_run(turned), tmp_path).standing == "FAIL"


def test_transfer(tmp_path: Path) -> None:
    """Five divisions, trained to 4 and to 16 epochs: as they were, and with what depth gains."""
    run = plant(tmp_path, truth=INNER, noise=0.001)
    rows = pd.read_csv(run / "trials.csv", dtype={"reason": str})
    last = rows[(rows["epoch"] == 4) & rows["candidate"].isin(["c00", "c04", "c07", "c11", "c14"])]
    longer = last.assign(epoch=16)
    trials = read_run(run)
    kept = analyze(replace(trials, longer=longer))
    assert transfer(kept, run).standing == "PASS"
    assert "10 of 10 pairs" in transfer(kept, run).sentence
    depth = longer["candidate"].map(trials.candidates["share_depth"])
    moved = longer.assign(top1=longer["top1"] + 0.15 * depth, val_loss=longer["val_loss"] - 0.3 * depth)
    assert transfer(analyze(replace(trials, longer=moved)), run).standing == "FAIL"
