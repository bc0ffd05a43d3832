"""run.yaml: written and read back whole; everything else that may stand in it is one sentence."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_run import peak, plant

from scaling_search.errors import InvalidInput
from scaling_search.search.folder import RunFolder
from scaling_search.search.record import CountRecord, Question, RunRecord, read_record, write_record
from scaling_search.search.table import read_table
from scaling_search.strategies import Grid, Lattice, Optuna
from scaling_search.study.reading import read_trials

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "results" / "clothing-b0-phi1"


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plant(tmp_path_factory.mktemp("run"), truth=peak((0.3, 0.3, 0.4)), seeds=2)


@pytest.fixture(scope="module")
def content(planted: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((planted / "run.yaml").read_text())
    return found


@pytest.fixture(scope="module")
def old_content() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((RECORDED / "run.yaml").read_text())
    return found


# --- written and read back


def test_what_is_written_comes_back(planted: Path, tmp_path: Path) -> None:
    record = RunFolder(planted).record()
    rich = record.model_copy(
        update={
            "question": Question(
                leverage=2.0, phi=2, match="nominal", max_macs=10**9, max_latency=0.005, latency_on="cpu"
            ),
            "counts": (CountRecord(network="base", ours=7, fvcore=None, note="fvcore cannot trace it"),),
            "data": record.data.model_copy(update={"skipped": ("a.png: torn",), "live": True}),
            "deterministic": True,
            "strategy": {"strategy": "optuna", "samples": 5, "seeds": 2, "epochs": 3},
        }
    )
    write_record(tmp_path / "run.yaml", rich)
    assert read_record(tmp_path / "run.yaml") == rich
    write_record(tmp_path / "again.yaml", read_record(tmp_path / "run.yaml"))
    assert (tmp_path / "again.yaml").read_text() == (tmp_path / "run.yaml").read_text()


@pytest.mark.parametrize(
    "strategy", [Lattice(parts=3, seeds=2, epochs=4), Grid(step=0.1, seeds=1, epochs=2), Optuna(seeds=2, epochs=1)]
)
def test_the_strategy_is_made_again(planted: Path, strategy: Any) -> None:
    record = RunFolder(planted).record().model_copy(update={"strategy": strategy.to_dict()})
    assert record.make_strategy() == strategy
    assert (record.seeds, record.epochs) == (strategy.seeds, strategy.epochs)


def test_networks_are_made_again(planted: Path) -> None:
    record = RunFolder(planted).record()
    assert record.full_network().cost().macs == 385_814_752
    assert record.base_network().to_dict() == record.base.network


def test_a_strategy_of_ones_own_is_named(planted: Path) -> None:
    record = RunFolder(planted).record().model_copy(update={"strategy": {"strategy": "mine"}})
    assert (record.seeds, record.epochs) == (None, None)
    with pytest.raises(InvalidInput, match=r"a strategy of your own \(mine\)"):
        record.make_strategy()


# --- the first version's


def test_a_run_of_the_first_version_opens() -> None:
    record = RunFolder(RECORDED).record()
    assert record.make_strategy() == Lattice(parts=2, seeds=2, epochs=4)
    assert (record.plan.candidates, record.plan.trials, record.plan.seconds) == (9, 18, 772)
    assert record.plan.budget_seconds == 900
    assert (record.question.phi, record.growth) == (1, 2)
    assert (record.data.pixels, record.data.fingerprint) == (88, "4efe6f9f7b58ac19")
    assert (record.executor.kind, record.executor.workers, record.executor.trials_per_gpu) == ("ray", 2, 2)
    candidates = read_table(RunFolder(RECORDED).candidates, record.base_network())
    assert [candidate.id for candidate in candidates] == [f"c{number:02d}" for number in range(9)]
    assert candidates[0].names == ("depth",)
    trials = read_trials(RunFolder(RECORDED))
    assert (len(trials.candidates), len(trials.final), trials.target_ratio) == (9, 18, 2)


def test_written_again_it_has_every_fact_once(tmp_path: Path) -> None:
    write_record(tmp_path / "run.yaml", read_record(RECORDED / "run.yaml"))
    again = yaml.safe_load((tmp_path / "run.yaml").read_text())
    assert again["format"] == 2
    assert read_record(tmp_path / "run.yaml") == read_record(RECORDED / "run.yaml")
    assert again.keys() == RunRecord.model_fields.keys()
    for name in ("seeds", "epochs", "parts", "budget_seconds", "workers", "scheduler", "fingerprint", "speed"):
        assert sum(key == name for key, _ in walk(again)) == 1, f"{name} stands there twice"


def walk(content: Any) -> Iterator[tuple[str, Any]]:
    """Every key and its value, nested ones too, but not those of networks."""
    for key, value in content.items() if isinstance(content, dict) else []:
        yield key, value
        if key not in ("baseline", "network"):
            yield from walk(value)


# --- what may be wrong


def said(folder: Path, text: str | bytes) -> str:
    """The sentence about a run.yaml."""
    path = folder / "run.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidInput) as raised:
        read_record(path)
    sentence = str(raised.value)
    assert "\n" not in sentence
    assert str(path) in sentence
    return sentence


@pytest.mark.parametrize(
    ("format", "sentence"),
    [
        (3, "was written by a newer scaling-search (format 3, this one reads 2)"),
        (True, "format: True is not one that any version has written"),
        ("2", "format: '2' is not one"),
        (0, "format: 0 is not one"),
        (-1, "format: -1 is not one"),
        (2.0, "format: 2.0 is not one"),
        (None, "format: None is not one"),
        ([2], "format: [2] is not one"),
    ],
)
def test_formats(content: dict[str, Any], tmp_path: Path, format: Any, sentence: str) -> None:
    assert sentence in said(tmp_path, yaml.safe_dump(content | {"format": format}))


@pytest.mark.parametrize("text", ["", "just text", "- 1\n- 2\n", "format: [", b"\xff\xfe\x00binary\x00", "{}", "42"])
def test_what_is_no_record(tmp_path: Path, text: str | bytes) -> None:
    said(tmp_path, text)


def test_no_file_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is not a run: it has no run"):
        read_record(tmp_path / "run.yaml")


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda found: found.pop("growth"), "missing key growth"),
        (lambda found: found["data"].pop("pixels"), "missing key data.pixels"),
        (lambda found: found.update(grwth=2.0), "unknown key grwth; did you mean growth?"),
        (lambda found: found["question"].update(targt="macs=2x"), "unknown key question.targt; did you mean target?"),
        (lambda found: found["question"].update(target="macs=many"), "'macs=many' is not a target"),
        (lambda found: found["data"].update(train="many"), "data.train: "),
        (lambda found: found.update(growth=float("inf")), "growth: "),
        (lambda found: found.update(strategy=[1]), "strategy: "),
        (lambda found: found["strategy"].update(strategy=[]), "strategy.strategy: a name is missing (got [])"),
        (lambda found: found["strategy"].pop("epochs"), "strategy: lattice leaves something open"),
        (lambda found: found["strategy"].update(parts=None), "strategy: lattice leaves something open"),
        (lambda found: found["strategy"].update(prts=2), "strategy: unknown key prts; did you mean parts?"),
        (lambda found: found["baseline"].pop("stages"), "stages"),
        (lambda found: found["base"]["network"].update(stem=7), "stem"),
        (lambda found: found.update(device={"kind": "tpu", "name": "x", "count": 1}), "device.kind: "),
    ],
)
def test_a_sentence_names_the_key(
    content: dict[str, Any], tmp_path: Path, edit: Callable[[dict[str, Any]], Any], sentence: str
) -> None:
    changed = copy.deepcopy(content)
    edit(changed)
    assert sentence in said(tmp_path, yaml.safe_dump(changed))


def test_a_run_from_before_epsilon_was_asked_has_half_a_point(content: dict[str, Any], tmp_path: Path) -> None:
    changed = copy.deepcopy(content)
    changed["question"].pop("epsilon")
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(changed))
    assert read_record(path).question.epsilon == 0.005


NONSENSE = st.sampled_from(
    [None, True, -1, 0, 3.5, float("nan"), float("inf"), "", "nonsense", [], [1, "a"], {}, {"a": 1}]
)
FEW = settings(max_examples=30)  # each takes some 15 ms


def damaged(draw: st.DrawFn, content: dict[str, Any]) -> dict[str, Any]:
    """The content with one key, anywhere, deleted or given nonsense."""
    found = copy.deepcopy(content)
    place, key = found, draw(st.sampled_from(sorted(found)))
    while isinstance(place[key], dict) and place[key] and draw(st.booleans()):
        place = place[key]
        key = draw(st.sampled_from(sorted(place)))
    if draw(st.booleans()):
        del place[key]
    else:
        place[key] = draw(NONSENSE)
    return found


def use(folder: RunFolder) -> None:
    """Everything that a record is read for."""
    record = folder.record()
    record.base_network().cost()
    record.full_network().cost()
    record.make_strategy().points()
    read_trials(folder)


@FEW
@given(data=st.data())
def test_no_damage_is_a_traceback(data: st.DataObject, planted: Path, content: dict[str, Any]) -> None:
    check_survives(planted, yaml.safe_dump(data.draw(st.composite(damaged)(content))))


@FEW
@given(data=st.data())
def test_no_damage_of_an_old_one_is_a_traceback(
    data: st.DataObject, planted: Path, old_content: dict[str, Any]
) -> None:
    check_survives(planted, yaml.safe_dump(data.draw(st.composite(damaged)(old_content))))


@FEW
@given(length=st.integers(0, 4000), old=st.booleans())
def test_a_truncated_file_is_no_traceback(
    planted: Path, content: dict[str, Any], old_content: dict[str, Any], length: int, old: bool
) -> None:
    check_survives(planted, yaml.safe_dump(old_content if old else content)[:length])


def check_survives(folder: Path, text: str) -> None:
    """The record works, or there is one sentence."""
    path = folder / "run.yaml"
    whole = path.read_text()
    path.write_text(text)
    try:
        use(RunFolder(folder))
    except InvalidInput as error:
        assert "\n" not in str(error)
    finally:
        path.write_text(whole)
