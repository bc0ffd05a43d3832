from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from planted_run import Truth, analyze_run, edit_trials, fail_rows, peak, plant, searched

from scaling_search.analysis import summary_lines, write_best
from scaling_search.coefficients import REFERENCES

BEST = (0.25, 0.25, 0.5)


def flat(accuracy: float) -> Truth:
    return lambda shares: np.full(len(shares), accuracy)


def test_a_strong_signal_is_found_and_called_clear(tmp_path: Path) -> None:
    analysis = analyze_run(plant(tmp_path, truth=peak(BEST)))
    assert analysis.verdict.kind == "clear"
    assert analysis.pick.shares.as_tuple() == pytest.approx(BEST, abs=0.05)
    assert analysis.verdict.seeds_needed is None
    assert not analysis.warnings
    assert analysis.table["probability"].idxmax() == analysis.pick.candidate


def test_one_seed_suffices_for_a_strong_signal(tmp_path: Path) -> None:
    analysis = analyze_run(plant(tmp_path, truth=peak(BEST), seeds=1))
    assert analysis.verdict.kind == "clear"
    assert analysis.means.error_sd is None


def test_noise_that_swamps_the_signal_is_called_a_tie(tmp_path: Path) -> None:
    analysis = analyze_run(plant(tmp_path, truth=flat(0.7), noise=0.02))
    assert analysis.verdict.kind == "tied"
    assert len(analysis.verdict.ties) > len(analysis.table) / 2
    assert analysis.verdict.sentence.startswith("Tied: ")
    assert analysis.verdict.settle


def test_a_tie_with_the_paper_says_that_nothing_speaks_against_it(tmp_path: Path) -> None:
    analysis = analyze_run(plant(tmp_path, truth=flat(0.7), noise=0.01, random=1))
    assert analysis.references().loc["paper", "tied"]
    assert "nothing here speaks against the paper's division" in analysis.verdict.sentence


def test_more_noise_needs_more_seeds(tmp_path: Path) -> None:
    def needed(noise: float) -> int:
        run = plant(tmp_path / str(noise), truth=peak(BEST, steepness=0.02), noise=noise, random=3)
        seeds = analyze_run(run).verdict.seeds_needed
        assert seeds is not None
        return seeds

    assert 3 < needed(0.01) < needed(0.02)


@pytest.mark.parametrize(("accuracy", "word"), [(0.12, "guessing"), (0.985, "ceiling")])
def test_chance_and_saturation_are_not_learned(tmp_path: Path, accuracy: float, word: str) -> None:
    analysis = analyze_run(plant(tmp_path, truth=flat(accuracy), noise=0.003, seed_noise=0.001))
    assert analysis.verdict.kind == "not learned"
    assert word in analysis.verdict.sentence


def test_accuracy_far_above_chance_for_many_classes_is_learned(tmp_path: Path) -> None:
    analysis = analyze_run(plant(tmp_path, truth=peak(BEST, height=0.3), classes=1000))
    assert analysis.verdict.kind == "clear"


def test_planted_cost_confounding_does_not_move_the_pick(tmp_path: Path) -> None:
    plain = analyze_run(plant(tmp_path / "plain", truth=peak(BEST), noise=0.002))
    dear = analyze_run(plant(tmp_path / "dear", truth=peak(BEST), noise=0.002, cost_noise=0.1, cost_effect=0.3))
    assert dear.pick.shares.as_tuple() == pytest.approx(plain.pick.shares.as_tuple(), abs=0.09)
    assert dear.surface.cost_slope == pytest.approx(0.3, abs=0.05)
    assert any("cost over 5 %" in warning for warning in dear.warnings)


def test_every_reference_stands_beside_the_pick(tmp_path: Path) -> None:
    analysis = analyze_run(plant(tmp_path, truth=peak(BEST), points=searched(2)))
    references = analysis.references()
    assert list(references.index) == list(REFERENCES)
    expected = peak(BEST)(np.array([REFERENCES["paper"].as_tuple()]))[0]
    assert references.loc["paper", "top1_equal_cost"] == pytest.approx(expected, abs=0.02)
    assert (references["gap"] >= 0).all()


def test_networks_that_came_out_equal_are_listed_under_each_name(tmp_path: Path) -> None:
    run = plant(tmp_path, truth=peak(BEST), points=searched(2))
    table = pd.read_csv(run / "candidates.csv")
    table.loc[table["named"] == "uniform", "named"] = "uniform;fast"
    table.loc[table["named"] == "fast", "named"] = ""
    table.to_csv(run / "candidates.csv", index=False)
    twins = analyze_run(run).references().loc[["uniform", "fast"], "candidate"]
    assert twins.nunique() == 1


def test_three_candidates_are_compared_by_their_means(tmp_path: Path) -> None:
    analysis = analyze_run(plant(tmp_path, truth=peak((0, 0, 1)), points=searched()[:3], seeds=2))
    assert analysis.surface.kind == "means"
    assert analysis.pick.candidate == "c00"
    assert analysis.pick.at_border
    assert any("too few" in warning for warning in analysis.warnings)


def test_one_seed_of_three_candidates_admits_that_noise_is_unknown(tmp_path: Path) -> None:
    analysis = analyze_run(plant(tmp_path, truth=peak(BEST), points=searched()[:3], seeds=1))
    assert analysis.verdict.kind == "tied"
    assert len(analysis.verdict.ties) == 3
    assert analysis.verdict.settle is not None
    assert "two seeds" in analysis.verdict.settle


def test_one_finished_trial_is_enough_for_an_answer(tmp_path: Path) -> None:
    run = plant(tmp_path, truth=peak(BEST), seeds=1)
    edit_trials(run, lambda rows: rows.head(4))
    analysis = analyze_run(run)
    assert list(analysis.table.index) == ["c00"]
    assert "only division with a finished trial" in analysis.verdict.sentence
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
        rows.loc[(rows["candidate"] == "c04") & (rows["epoch"] == 4), "status"] = "stopped"
        failed = (rows["candidate"] == "c03") & (rows["epoch"] == 4)
        return fail_rows(rows, failed, "out of memory: 9 GB asked")

    edit_trials(run, accident)
    text = "\n".join(analyze_run(run).warnings)
    assert "3 trials failed: 3 × out of memory: 9 GB asked." in text
    assert "stopped 3 trials early" in text
    assert "2 of 18 candidates have no finished trial" in text


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


def test_a_pick_at_the_border_says_so(tmp_path: Path) -> None:
    analysis = analyze_run(plant(tmp_path, truth=peak((-0.3, 0.3, 1.0))))
    assert analysis.pick.at_border
    assert any("border" in warning for warning in analysis.warnings)


def test_the_region_holds_the_planted_best(tmp_path: Path) -> None:
    region = analyze_run(plant(tmp_path, truth=peak(BEST, steepness=0.1), noise=0.01)).landscape.region
    shares = region[["share_depth", "share_width", "share_resolution"]].to_numpy()
    assert np.abs(shares - np.array(BEST)).max(axis=1).min() < 0.03


def test_best_yaml_is_plain_and_complete(tmp_path: Path) -> None:
    run = plant(tmp_path, truth=peak(BEST))
    analysis = analyze_run(run)
    content = yaml.safe_load(write_best(run, analysis).read_text(encoding="utf-8"))
    assert content == analysis.to_dict()
    pick = content["pick"]
    assert pick["alpha"] * pick["beta"] ** 2 * pick["gamma"] ** 2 == pytest.approx(2, abs=1e-4)
    assert content["verdict"] == "clear"
    assert set(content["references"]) == set(REFERENCES)
    assert 0 < content["region"]["fraction"] < 0.2
    assert pick["nearest_candidate"] in content["region"]["candidates"]


def test_unknown_numbers_are_null_in_best_yaml(tmp_path: Path) -> None:
    run = plant(tmp_path, truth=peak(BEST), points=searched()[:3], seeds=1)
    text = write_best(run, analyze_run(run)).read_text(encoding="utf-8")
    assert "nan" not in text.lower()
    assert yaml.safe_load(text)["pick"]["top1_se"] is None


def test_the_summary_says_verdict_pick_and_references(tmp_path: Path) -> None:
    text = "\n".join(summary_lines(analyze_run(plant(tmp_path, truth=peak(BEST)))))
    assert text.startswith("Clear: 25 % depth, 25 % width, 50 % resolution")
    assert "α 1.189  β 1.091  γ 1.189" in text
    assert all(name in text for name in REFERENCES)
    assert "nan" not in text
