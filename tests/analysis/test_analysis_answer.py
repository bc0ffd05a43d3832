from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from planted_run import Truth, analyze_run, edit_trials, fail_rows, peak, plant, read_run, searched

from scaling_search.analysis import analyze, summary_lines, to_dict, write_best
from scaling_search.analysis.law import Law, NoLaw
from scaling_search.analysis.verdict import judge
from scaling_search.coefficients import REFERENCES
from scaling_search.errors import InvalidInput
from scaling_search.report.opening import numbers

BEST = (0.25, 0.25, 0.5)


def flat(accuracy: float) -> Truth:
    return lambda shares: np.full(len(shares), accuracy)


def test_a_strong_signal_is_found_and_called_clear(tmp_path: Path) -> None:
    analysis = analyze_run(plant(tmp_path, truth=peak(BEST)))
    assert analysis.verdict.kind == "clear"
    assert analysis.pick.shares.as_tuple() == pytest.approx(BEST, abs=0.05)
    assert analysis.pick.expected_loss < 0.001
    assert analysis.advice is None
    assert not analysis.warnings
    assert analysis.table["probability_best"].idxmax() == analysis.pick.candidate


def test_one_seed_suffices_for_a_strong_signal(tmp_path: Path) -> None:
    analysis = analyze_run(plant(tmp_path, truth=peak(BEST), seeds=1))
    assert analysis.pick.shares.as_tuple() == pytest.approx(BEST, abs=0.1)
    assert analysis.pick.expected_loss < 0.005
    assert any("was assumed, and not measured" in warning for warning in analysis.warnings)


def test_noise_that_swamps_the_signal_is_called_a_tie_with_advice(tmp_path: Path) -> None:
    analysis = analyze_run(plant(tmp_path, truth=peak(BEST, steepness=0.05), noise=0.06))
    assert analysis.verdict.kind == "tied"
    assert analysis.decision.fraction > 0.5
    assert analysis.advice is not None
    assert len(analysis.advice.options) == 10
    assert "of training" in analysis.advice.sentence


def test_a_loss_that_reads_like_what_does_not_matter_is_hardly_more(tmp_path: Path) -> None:
    decision = analyze_run(plant(tmp_path, truth=peak(BEST, steepness=0.05), noise=0.06)).decision
    for expected, words in (
        (0.00504, "0.5 points against the best division, hardly more"),
        (0.01, "more than the 0.5"),
    ):
        near = replace(decision, pick=replace(decision.pick, expected_loss=expected))
        sentence = judge(near, None).sentence
        assert words in sentence and ("hardly" in sentence) is ("hardly" in words)


def test_a_flat_truth_is_called_indifferent_and_rules_nothing_out(tmp_path: Path) -> None:
    analysis = analyze_run(plant(tmp_path, truth=flat(0.7), noise=0.004))
    assert analysis.verdict.kind == "indifferent"
    assert analysis.decision.fraction > 0.95
    assert analysis.verdict.sentence.endswith("every division may be as good within 0.5.")
    places = analysis.decision.places
    but_one = replace(analysis.decision, places=places.assign(inside=places.index != places.index[0]))
    assert "99 % of the divisions searched may be as good" in judge(but_one, None).sentence
    assert "99 %" in [number for number, _ in numbers(replace(analysis, decision=but_one))]


def test_a_larger_loss_that_does_not_matter_widens_the_region(tmp_path: Path) -> None:
    trials = read_run(plant(tmp_path, truth=peak(BEST, steepness=0.1)))
    narrow, wide = (analyze(trials, epsilon=epsilon).decision.fraction for epsilon in (0.002, 0.05))
    assert narrow < 0.5 < wide
    with pytest.raises(InvalidInput, match="--epsilon"):
        analyze(trials, epsilon=0.0)


def test_a_corner_that_is_out_is_said_with_what_it_loses(tmp_path: Path) -> None:
    sentence = analyze_run(plant(tmp_path, truth=peak(BEST, steepness=0.1))).verdict.sentence
    assert "all to depth (loses" in sentence
    assert sentence.endswith("are out.")


@pytest.mark.parametrize(("accuracy", "word"), [(0.12, "guessing"), (0.985, "ceiling")])
def test_chance_and_saturation_are_not_learned(tmp_path: Path, accuracy: float, word: str) -> None:
    analysis = analyze_run(plant(tmp_path, truth=flat(accuracy), noise=0.003, seed_noise=0.001))
    assert analysis.verdict.kind == "not learned"
    assert word in analysis.verdict.sentence
    assert analysis.advice is not None


def test_one_bistable_corner_does_not_hide_what_the_others_say(tmp_path: Path) -> None:
    run = plant(tmp_path, truth=peak(BEST, steepness=0.1), noise=0.003, seeds=2)

    def lose(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(top1=rows["top1"].mask((rows["candidate"] == "c00") & (rows["seed"] == 1), 0.3))

    edit_trials(run, lose)
    analysis = analyze_run(run)
    assert analysis.pick.shares.as_tuple() == pytest.approx(BEST, abs=0.12)
    assert analysis.pick.expected_loss < 0.003
    assert any(warning.startswith("c00 ends far apart from seed to seed") for warning in analysis.warnings)


def test_planted_cost_confounding_does_not_move_the_pick(tmp_path: Path) -> None:
    plain = analyze_run(plant(tmp_path / "plain", truth=peak(BEST), noise=0.002))
    dear = analyze_run(plant(tmp_path / "dear", truth=peak(BEST), noise=0.002, cost_noise=0.1, cost_effect=0.15))
    assert dear.pick.shares.as_tuple() == pytest.approx(plain.pick.shares.as_tuple(), abs=0.09)
    assert any("cost over 5 %" in warning for warning in dear.warnings)


def test_every_reference_stands_beside_the_pick(tmp_path: Path) -> None:
    analysis = analyze_run(plant(tmp_path, truth=peak(BEST), points=searched(2)))
    references = analysis.references()
    assert list(references.index) == list(REFERENCES)
    expected = peak(BEST)(np.array([REFERENCES["paper"].as_tuple()]))[0]
    assert references.loc["paper", "top1_equal_cost"] == pytest.approx(expected, abs=0.02)
    assert (references["expected_loss"] >= analysis.pick.expected_loss).all()


def test_a_reference_that_was_not_built_stands_where_it_was_asked_for(tmp_path: Path) -> None:
    points = [point for point in searched() if point != REFERENCES["paper"]]
    row = analyze_run(plant(tmp_path, truth=peak(BEST), points=points)).references().loc["paper"]
    assert row["candidate"] == ""
    assert row["share_depth"] == pytest.approx(REFERENCES["paper"].depth)


def test_networks_that_came_out_equal_are_listed_under_each_name(tmp_path: Path) -> None:
    run = plant(tmp_path, truth=peak(BEST), points=searched(2))
    table = pd.read_csv(run / "candidates.csv")
    table.loc[table["named"] == "uniform", "named"] = "uniform;fast"
    table.loc[table["named"] == "fast", "named"] = ""
    table.to_csv(run / "candidates.csv", index=False)
    twins = analyze_run(run).references().loc[["uniform", "fast"], "candidate"]
    assert twins.nunique() == 1


def test_only_what_lies_between_the_trained_is_picked(tmp_path: Path) -> None:
    edge = [point for point in searched(4) if point.depth == 0]  # a network whose depth cannot grow
    analysis = analyze_run(plant(tmp_path, truth=peak((0.6, 0.2, 0.2)), points=edge))
    assert analysis.pick.shares.depth == 0
    assert set(analysis.references().index) == {"width", "resolution"}


def test_a_network_of_much_less_compute_is_no_rival(tmp_path: Path) -> None:
    run = plant(tmp_path, truth=peak(BEST))
    table, rows = pd.read_csv(run / "candidates.csv"), pd.read_csv(run / "trials.csv")
    half = table.head(1).assign(candidate="half", named="", macs_ratio=1.2)
    half["effective_resolution"] = 1.2**0.5
    pd.concat([table, half]).to_csv(run / "candidates.csv", index=False)
    cheap = rows[rows["candidate"] == "c00"].assign(candidate="half", top1=0.5)
    pd.concat([rows, cheap]).to_csv(run / "trials.csv", index=False)
    analysis = analyze_run(run)
    assert analysis.trials.anchors == ["half"]
    assert "half" not in analysis.table.index
    assert isinstance(analysis.law, Law)
    assert len(analysis.law.forecast) == 7
    assert analysis.pick.shares.as_tuple() == pytest.approx(BEST, abs=0.05)


def test_three_candidates_still_give_an_analyze_run(tmp_path: Path) -> None:
    analysis = analyze_run(plant(tmp_path, truth=peak((0, 0, 1)), points=searched()[:3], seeds=2))
    assert analysis.pick.candidate == "c00"
    assert isinstance(analysis.law, NoLaw)
    assert to_dict(analysis)["law"] is None


def test_one_finished_trial_is_enough_for_an_analyze_run(tmp_path: Path) -> None:
    run = plant(tmp_path, truth=peak(BEST), seeds=1)
    edit_trials(run, lambda rows: rows.head(4))
    analysis = analyze_run(run)
    assert list(analysis.table.index) == ["c00"]
    assert "only one division has a finished trial" in analysis.verdict.sentence
    assert max(analysis.pick.shares.as_tuple()) < 0.6  # c00 is a corner; nobody would train a family from it
    assert any("17 of 18 candidates have no finished trial" in warning for warning in analysis.warnings)


def test_an_interrupted_run_is_analysed_as_far_as_it_got(tmp_path: Path) -> None:
    run = plant(tmp_path, truth=peak(BEST))
    edit_trials(run, lambda rows: rows[(rows["seed"] == 0) | (rows["candidate"] < "c05")].iloc[:-1])
    analysis = analyze_run(run)
    assert analysis.trials.unfinished == 1
    assert len(analysis.table) == 17
    assert analysis.pick.shares.as_tuple() == pytest.approx(BEST, abs=0.09)
    assert any("had begun and not finished" in warning for warning in analysis.warnings)
    assert any("1 to 3 seeds" in warning for warning in analysis.warnings)


def test_failed_and_stopped_trials_are_warned_of(tmp_path: Path) -> None:
    run = plant(tmp_path, truth=peak(BEST))

    def accident(rows: pd.DataFrame) -> pd.DataFrame:
        cut = (rows["candidate"] == "c04") & (rows["epoch"] == 3)
        rows = rows[~((rows["candidate"] == "c04") & (rows["epoch"] == 4))].copy()
        rows.loc[cut, "status"] = "stopped"
        failed = (rows["candidate"] == "c03") & (rows["epoch"] == 4)
        return fail_rows(rows, failed, "out of memory: 9 GB asked")

    edit_trials(run, accident)
    text = "\n".join(analyze_run(run).warnings)
    assert "3 trials failed: 3 × out of memory: 9 GB asked." in text
    assert "stopped 3 trials early" in text
    assert "2 of 18 candidates have no finished trial" in text


def test_losses_that_are_not_numbers_leave_the_accuracies(tmp_path: Path) -> None:
    run = plant(tmp_path, truth=peak(BEST))
    edit_trials(run, lambda rows: rows.assign(val_loss=np.nan))
    analysis = analyze_run(run)
    assert analysis.metric.name == "top1"
    assert analysis.verdict.kind == "clear"


def test_readings_that_disagree_are_warned_of(tmp_path: Path) -> None:
    run = plant(tmp_path, truth=peak((0.8, 0.1, 0.1), steepness=0.4), noise=0.003)
    twin = plant(tmp_path / "twin", truth=peak((0.1, 0.1, 0.8), steepness=0.4), noise=0.003)
    losses = pd.read_csv(twin / "trials.csv")["val_loss"]
    edit_trials(run, lambda rows: rows.assign(val_loss=losses))
    assert any("would choose" in warning for warning in analyze_run(run).warnings)


def test_candidates_that_rounding_moved_far_are_named(tmp_path: Path) -> None:
    run = plant(tmp_path, truth=peak(BEST))
    table = pd.read_csv(run / "candidates.csv")
    uniform = table["named"] == "uniform"
    table.loc[uniform, "effective_depth"] = 1.0
    table.loc[uniform, "effective_resolution"] = 1.4
    table.to_csv(run / "candidates.csv", index=False)
    warnings = [warning for warning in analyze_run(run).warnings if warning.startswith("Rounding moved")]
    assert len(warnings) == 1
    assert "1 candidate to another dimension: uniform (c15)." in warnings[0]


def test_the_region_holds_the_planted_best(tmp_path: Path) -> None:
    region = analyze_run(plant(tmp_path, truth=peak(BEST, steepness=0.1), noise=0.01)).decision.region
    shares = region[["share_depth", "share_width", "share_resolution"]].to_numpy()
    assert np.abs(shares - np.array(BEST)).max(axis=1).min() < 0.03


def test_what_chance_gave_to_the_winner_is_not_promised(tmp_path: Path) -> None:
    analysis = analyze_run(plant(tmp_path, truth=flat(0.6), noise=0.04, seeds=1))
    assert analysis.table["top1"].max() > 0.64
    assert analysis.pick.top1 < analysis.table["top1"].max() - 0.01


def test_best_yaml_is_plain_and_complete(tmp_path: Path) -> None:
    run = plant(tmp_path, truth=peak(BEST))
    analysis = analyze_run(run)
    content = yaml.safe_load(write_best(run, analysis).read_text(encoding="utf-8"))
    assert content == to_dict(analysis)
    assert list(content) == [
        "version", "verdict", "sentence", "advice", "epsilon", "metric", "pick", "references", "region", "candidates",
        "surface", "law", "noise", "agreement", "lengths", "warnings",
    ]  # fmt: skip
    pick = content["pick"]
    assert content["version"] == 2
    assert pick["alpha"] * pick["beta"] ** 2 * pick["gamma"] ** 2 == pytest.approx(2, abs=1e-4)
    assert set(content["references"]) == set(REFERENCES)
    assert set(content["references"]["paper"]) == {
        "candidate", "shares", "expected_loss", "probability_within_epsilon"
    }  # fmt: skip
    assert 0 < content["region"]["fraction"] < 0.3
    assert pick["nearest_candidate"] in content["region"]["candidates"]
    assert sum(row["probability_best"] for row in content["candidates"]) == pytest.approx(1, abs=1e-4)


def test_unknown_numbers_are_null_in_best_yaml(tmp_path: Path) -> None:
    run = plant(tmp_path, truth=peak(BEST), points=searched()[:3], seeds=1)
    text = write_best(run, analyze_run(run)).read_text(encoding="utf-8")
    assert "nan" not in text.lower().replace("resonance", "")
    content = yaml.safe_load(text)
    assert content["candidates"][0]["top1_se"] is None
    assert content["noise"]["pooled_sd"] is None


def test_the_summary_says_verdict_pick_and_references(tmp_path: Path) -> None:
    text = "\n".join(summary_lines(analyze_run(plant(tmp_path, truth=peak(BEST)))))
    assert text.startswith("Clear: 25 % depth, 25 % width, 50 % resolution")
    assert "α 1.189  β 1.091  γ 1.189" in text
    assert all(name in text for name in REFERENCES)
    assert "nan" not in text
