"""Searches for a baseline: what is trained, what is found, what it is compared with, and that it goes on."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny_study import interrupted_after

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading, Status
from scaling_search.search.executors import Job
from scaling_search.search.folder import RunFolder
from scaling_search.search.journal import read_entries
from scaling_search.search.plan import STARTUP_SECONDS
from scaling_search.search.searchspace import load, open_config
from scaling_search.study.answer import read_answer
from scaling_search.study.finals import SHARE, plan_finals
from scaling_search.study.overview import overview
from scaling_search.study.seed import BaselineSearch
from scaling_search.study.seed_answer import read_baseline
from scaling_search.study.seed_replay import replay_baseline
from scaling_search.study.study import Study
from scaling_search.study.tables import read_candidates
from scaling_search.study.watching import Watched

MakeSearch = Callable[..., BaselineSearch]
SPACE: dict[str, Any] = {
    "name": "tiny_space",
    "baseline": {
        "resolution": 64, "classes": 10, "activation": "silu", "rounding": "efficientnet", "stem": {"channels": 16},
        "stages": [
            {"block": "mbconv", "channels": 16, "layers": 1, "kernel": 3, "expansion": 1, "se": 0},
            {"block": "mbconv", "channels": 32, "layers": 2, "stride": 2, "kernel": 3, "expansion": 4, "se": 0},
        ],
        "head": {"channels": 64},
    },
    "choices": {"kernel": [3, 5], "channels": [0.5, 1, 1.5]},
    "stages": {2: {"layers": [-1, 0, 1], "se": [0, 0.25]}},
    "proxy": {"cpu": {"width": 0.75, "resolution": 32}, "minimum_images": 1},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No speed is measured."""
    monkeypatch.setattr("scaling_search.training.speed.measure_speed", lambda *_, **__: 1000.0)


@pytest.fixture
def make(shared: Path) -> MakeSearch:
    """The tiny space: its own network and 6 others, one seed, 2 epochs, in ./seek."""
    path = Path("tiny_space.yaml")
    path.write_text(yaml.safe_dump(SPACE))
    asked: dict[str, Any] = {
        "folder": "seek", "executor": "inline", "device": "cpu", "samples": 6, "epochs": 2, "strategy": "random",
    }  # fmt: skip
    return lambda **changes: BaselineSearch(path, shared / "images", **(asked | changes))


def planted(job: Job) -> Iterator[Reading]:
    """Squeeze-excitation and a large kernel are good; every known network reaches 0.5, seeds differ a little."""
    if job.trained:
        yield from job.history
        return
    stages = job.network.to_dict()["stages"]
    good = sum(stage.get("kernel", 3) == 5 for stage in stages) + sum(bool(stage.get("se")) for stage in stages)
    top = 0.5 if len(stages) > 2 else 0.55 + 0.05 * good
    for epoch in range(1, job.epochs + 1):
        status: Status = "running" if epoch < job.epochs else "paused"
        noise = 0.002 * ((job.trial.seed * 7 + len(job.trial.candidate) + int(job.trial.candidate[1:]) * 3) % 5 - 2)
        yield Reading(trial=job.trial, epoch=epoch, status=status, top1=top + noise, val_loss=1.0, seconds=0.1)


def test_a_search_trains_its_networks_and_then_the_best_beside_known_ones(make: MakeSearch) -> None:
    search = make()
    assert search.run(train=planted)
    table = read_candidates(Path("seek/candidates.csv"))
    assert len(table) == 7
    assert table["named"][0] == "start"
    assert len(set(table["description"])) == 7, "equal networks are trained once"
    last = read_candidates(Path("seek/finals/candidates.csv")).set_index("named")
    assert list(last.index) == ["pick", "second", "third", "b0", "mnasnet", "mobilenet_v2"]
    rivals = last.loc[["b0", "mnasnet", "mobilenet_v2"]]
    assert rivals["full_macs"].to_numpy() == pytest.approx(last.loc["pick", "full_macs"], rel=0.02)
    assert rivals["pixels"].to_numpy() == pytest.approx(32 * rivals["full_pixels"].to_numpy() / 64, abs=0.5)
    readings = [entry for entry in read_entries(Path("seek/finals/journal.jsonl")) if isinstance(entry, Reading)]
    assert min(reading.trial.seed for reading in readings) == 1, "fresh seeds"
    assert max(reading.epoch for reading in readings) == 4, "longer trainings"


def test_the_last_round_is_as_long_as_there_is_time_for(make: MakeSearch, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the search's trainings at least, as long again where there is time, then with another seed."""
    monkeypatch.setattr("scaling_search.training.speed.measure_speed", lambda *_, **__: 1.0)
    search = make(samples=3)
    search.study.run(train=planted)
    run = RunFolder(Path("seek"))
    record, ranked = run.record(), read_baseline(run).ranked

    def planned(seconds: float) -> tuple[int | None, int | None, float]:
        whole = seconds * (1 - SHARE) / SHARE
        run.write_record(record.model_copy(update={"plan": record.plan.model_copy(update={"budget_seconds": whole})}))
        found = plan_finals(run, ranked)
        return found.strategy.epochs, found.strategy.seeds, found.record.plan.seconds

    with pytest.warns(UserWarning, match=r"last round takes about .* with the search's 2 epochs"):
        epochs, seeds, least = planned(1.0)
    assert (epochs, seeds) == (2, 2)
    times = [STARTUP_SECONDS + part * (least - STARTUP_SECONDS) for part in (1.4, 1.6, 2.1, 3.1)]
    assert [planned(seconds)[:2] for seconds in times] == [(2, 2), (3, 2), (4, 2), (4, 3)]


def test_the_answer_is_a_baseline_that_everything_takes(make: MakeSearch) -> None:
    search = make()
    search.run(train=planted)
    answer = search.analyze()
    mine = open_config("seek/mine.yaml")
    assert mine.cost() == answer.network.cost()
    assert mine.replaced(name="mine") == answer.network
    assert load("seek/mine.yaml").proxy.cpu.resolution == 32
    row = answer.table.iloc[0]
    assert int(row["full_macs"]) == mine.cost().macs
    study = Study("seek/mine.yaml", search.study.prepared.record.data.source, folder="scaled", executor="inline",
                  device="cpu", parts=1, seeds=1, epochs=1, leverage=2, pilot=False)  # fmt: skip
    assert study.run(train=planted_division)
    assert study.analyze().pick.shares


def planted_division(job: Job) -> Iterator[Reading]:
    yield Reading(trial=job.trial, epoch=1, status="paused", top1=0.5 + 0.01 * int(job.trial.candidate[1:]), val_loss=1)


def test_the_verdict_is_about_the_pick_with_fresh_seeds_at_equal_cost(make: MakeSearch) -> None:
    search = make(samples=12)
    search.run(train=planted)
    answer = search.analyze()
    assert answer.kind == "better"
    [against, *_] = answer.final.differences if answer.final else ()
    assert against.second == "b0"
    assert 0.0 < against.low < against.difference < against.high
    written = yaml.safe_load(Path("seek/baseline.yaml").read_text())
    assert written["verdict"] == "better"
    assert written["finals"]["networks"][0]["seeds"] >= 2
    assert [row["reward"] for row in written["networks"]] == sorted(
        (row["reward"] for row in written["networks"]), reverse=True
    )
    for name in ("rewards", "finals"):
        assert all(Path(f"seek/figures/{name}.{kind}").stat().st_size for kind in ("png", "svg", "csv"))


def test_the_page_says_what_was_found_and_grows_with_the_search(make: MakeSearch) -> None:
    search = make()
    assert not search.run(train=interrupted_after(8, planted))
    folder = RunFolder(Path("seek"))
    watched = Watched(folder)
    before = watched.html()
    assert "Fresh seeds have not judged it yet." in before
    assert "The last round" not in before
    assert BaselineSearch.open("seek").run(train=planted)
    answer = BaselineSearch.open("seek").analyze()
    page = Path("seek/report.html").read_text()
    assert watched.html().split("<script>")[0] == page.split("<script>")[0] != before.split("<script>")[0]
    assert answer.judged in page and answer.found in page
    marked = json.loads(re.findall(r'id="facts">(.*?)</script>', page)[0])["candidates"]
    assert set(marked) == {*answer.table.index, "pick", "second", "third", "b0", "mnasnet", "mobilenet_v2"}
    assert set(re.findall(r'data-c="([^"]+)"', page)) == set(marked)
    drawings = "".join(part.partition("</svg>")[0] for part in page.split("<svg")[1:])
    assert all(f'data-c="{name}"' in drawings for name in marked), "each is in a figure"
    links = set(re.findall(r'href="([^"#]+)"', page))
    assert "mine.yaml" in links and all((Path("seek") / link).is_file() for link in links)


def test_the_reward_weighs_the_cost_at_full_size_over_the_target(make: MakeSearch) -> None:
    search = make(target="macs=0.8x", weight=-0.5)
    search.run(train=planted)
    table = search.analyze().table
    assert (table["full_macs_ratio"] / table["macs_ratio"]).std() > 0.01, "a stand-in's cost is another"
    assert table["reward"].to_numpy() == pytest.approx(table["top1"] * (table["full_macs_ratio"] / 0.8) ** -0.5)
    costs = search.study.prepared.space.candidates(search.study.prepared.strategy.points())
    assert [one.realised.macs_ratio for one in costs] == [one.full.macs_ratio for one in costs if one.full]


@pytest.mark.parametrize("stop", [1, 5, 13, 16, 30])
def test_interrupted_anywhere_it_comes_to_the_same_end(make: MakeSearch, stop: int) -> None:
    whole = make(folder="whole", strategy="evolution")
    assert whole.run(train=planted)
    assert not make(folder="cut", strategy="evolution").run(train=interrupted_after(stop, planted))
    again = BaselineSearch.open("cut")
    assert again.run(train=planted)
    for place in ("", "finals/"):
        first, second = (read_entries(Path(f"{name}/{place}journal.jsonl")) for name in ("whole", "cut"))
        assert first == second


def test_limits_hold_and_refused_networks_do_not_count(make: MakeSearch) -> None:
    search = make(max_macs="2.5M", samples=4)
    limit = 2_500_000
    search.run(train=planted)
    table = read_candidates(Path("seek/candidates.csv"))
    assert table["full_macs"].max() <= limit
    assert len(table) >= 2


def test_what_is_no_answer_to_another_question_is_refused(make: MakeSearch) -> None:
    search = make()
    search.run(train=planted)
    search.analyze()
    with pytest.raises(InvalidInput, match="search for a baseline, which divides nothing"):
        read_answer(RunFolder(Path("seek")))
    with pytest.raises(InvalidInput, match="no search for a baseline"):
        read_baseline(RunFolder(Path("seek/finals")))
    seen = overview(Path("seek"))
    assert (seen.state, seen.verdict) == ("finished", search.analyze().kind)


def test_more_seeds_go_to_the_last_round_whose_pick_stays(make: MakeSearch) -> None:
    search = make()
    search.run(train=planted)
    before = search.analyze()
    with pytest.raises(InvalidInput, match="its pick is named"):
        Study.open("seek").extend(seeds=1)
    last = Study.open("seek/finals")
    seeds = last.prepared.strategy.seeds or 0
    last.extend(seeds=1)
    assert BaselineSearch.of(last).run(train=planted)
    after = BaselineSearch.of(last).analyze()
    assert after.folder == Path("seek")
    assert after.network == before.network
    assert after.final is not None and set(after.final.table["seeds"]) == {seeds + 1}


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"target": "macs=900G"}, "no network of tiny_space has 900 G multiply-adds; the nearest has"),
        ({"target": "params=5M"}, "the reward weighs multiply-adds"),
        ({"weight": 0.07}, "--weight 0.07 would reward cost"),
        ({"weight": -0.1, "reward": "hard"}, "--weight is of the soft reward"),
        ({"budget": "0m"}, "is not a duration"),
        ({"phi": 2}, "phi is a setting of a search of divisions"),
    ],
)
def test_wishes_that_cannot_be_met(make: MakeSearch, wish: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        make(**wish)


def test_strategies_are_compared_on_what_a_search_has_recorded(make: MakeSearch) -> None:
    make(samples=16).run(train=planted)
    found = replay_baseline(RunFolder(Path("seek")), ["random", "evolution", "halving"], repeats=4, after=[2, 17])
    assert [(one.strategy, one.networks) for one in found] == [
        (name, networks) for name in ("random", "evolution", "halving") for networks in (2, 17)
    ]
    for early, late in zip(found[::2], found[1::2], strict=True):
        assert early.lost >= late.lost >= 0
        assert early.low <= early.lost <= early.high
    assert found[1].hits > found[0].hits
    with pytest.raises(InvalidInput, match="did you mean evolution"):
        replay_baseline(RunFolder(Path("seek")), ["evolutoin"])
