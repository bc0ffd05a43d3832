"""What trackers keep of a search, read back by their own libraries; and that none of them can harm a search."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_training import quick
from tiny_study import MakeStudy, interrupted_after

import scaling_search as ss
from scaling_search.errors import InvalidInput
from scaling_search.loggers import MLflow, OptunaStorage, TensorBoard, Tracker, Trackio, WandB, make_trackers
from scaling_search.notes import Notes
from scaling_search.search.journal import Journal
from scaling_search.study.study import Study

TRIALS = 12  # 6 candidates × 2 seeds, of which c03 fails in its second epoch
READINGS = 2 * 2 * 5 + 2


class Kept(Tracker):
    """Keeps in memory what it is told; fails where it is asked to."""

    name = "kept"

    def __init__(self, *, fails: str = "") -> None:
        super().__init__()
        self.fails = fails
        self.told: list[tuple[Any, ...]] = []

    def _tell(self, *what: Any) -> None:
        if what[0] == self.fails:
            raise OSError("the server is gone")
        self.told.append(what)

    def begin(self) -> None:
        self._tell("begin")

    def log(self, child: Any, reading: ss.Reading, values: dict[str, float]) -> None:
        self._tell("log", child.name, reading.epoch, values)

    def rest(self, child: Any, status: str, reason: str) -> None:
        self._tell("rest", child.name, status, reason)

    def answer(self, numbers: dict[str, float], words: dict[str, str]) -> None:
        self._tell("answer", numbers, words)

    def end(self, figures: Any, files: Any) -> None:
        self._tell("end", [path.name for path in figures], [path.name for path in files])

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        return [what[1:] for what in self.told if what[0] == kind]


def searched(make_study: MakeStudy, tracker: Tracker, **changes: Any) -> Study:
    study = make_study(**changes)
    study.run([tracker], train=quick)
    study.analyze([tracker])
    return study


def interrupted_and_resumed(make_study: MakeStudy, make: Callable[[], Tracker]) -> Tracker:
    """A search that is cut off after five readings and finished by another tracker of the same kind."""
    first = make()
    make_study().run([first], train=interrupted_after(5))
    first.finish()
    second = make()
    study = Study.open("run")
    study.run([second], train=quick)
    study.analyze([second])
    assert not first.failed and not second.failed
    return second


def test_each_thing_is_told_once(make_study: MakeStudy) -> None:
    tracker = Kept()
    searched(make_study, tracker)
    assert tracker.failed == ""
    assert len(tracker.of("log")) == len({what[:2] for what in tracker.of("log")}) == READINGS
    assert sorted(status for _, status, _ in tracker.of("rest")) == ["failed"] * 2 + ["paused"] * 10
    ((numbers, words),) = tracker.of("answer")
    assert sum(numbers[f"share_{axis}"] for axis in ("depth", "width", "resolution")) == pytest.approx(1)
    assert words["verdict"] in words["sentence"].lower()
    assert tracker.of("end") == [(["ranking.png"], ["report.html", "best.yaml", "run.yaml", "candidates.csv"])]


def test_a_resumed_search_is_told_on(make_study: MakeStudy) -> None:
    first, second = Kept(), Kept()
    make_study().run([first], train=interrupted_after(5))
    assert len(first.of("log")) == 5
    Study.open("run").run([second], train=quick)
    told = [what[:2] for what in first.of("log") + second.of("log")]
    assert len(told) == len(set(told)) == READINGS


def test_one_that_comes_late_catches_up(make_study: MakeStudy) -> None:
    make_study().run(train=quick)
    late = Kept()
    Study.open("run").run([late], train=quick)
    assert len(late.of("log")) == READINGS


@pytest.mark.parametrize("where", ["begin", "log", "rest", "answer", "end"])
def test_one_that_fails_is_told_of_once_and_the_search_goes_on(make_study: MakeStudy, where: str) -> None:
    tracker = Kept(fails=where)
    study = make_study()
    said = "kept is told nothing more of this run, which goes on: the server is gone"
    with pytest.warns(UserWarning, match=said) as warned:
        assert study.run([tracker], train=quick)
        study.analyze([tracker])
    assert len([one for one in warned if "kept is told" in str(one.message)]) == 1
    assert len(list(Journal(Path("run")).readings())) == READINGS + 2  # and the two failures
    assert Path("run/best.yaml").exists()


def test_a_missing_package_is_said_before_anything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scaling_search.loggers.tracker.util.find_spec", lambda name: None)
    with pytest.raises(InvalidInput, match=r"--log wandb needs wandb: pip install 'scaling-search\[trackers\]'"):
        make_trackers(["wandb"])


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="there is no tracker 'tensorbord'; did you mean tensorboard"):
        make_trackers(["tensorbord"])


def test_a_run_goes_on_with_the_trackers_that_it_had(make_study: MakeStudy) -> None:
    pytest.importorskip("tensorboard")
    searched(make_study, TensorBoard())
    assert [one.name for one in make_trackers(folder=Path("run"))] == ["tensorboard"]
    assert make_trackers(folder=Path("elsewhere")) == []


def test_one_that_a_run_had_and_cannot_have_now_is_a_warning(tmp_path: Path) -> None:
    Notes(tmp_path / "trackers" / "optuna.jsonl").keep("storage", "sqlite:////nowhere/at/all.db")
    with pytest.warns(UserWarning, match="goes on without a tracker that it had: --optuna-storage .* cannot be opened"):
        assert make_trackers(folder=tmp_path) == []


# --- what each keeps, by its own library


def test_tensorboard(make_study: MakeStudy) -> None:
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    interrupted_and_resumed(make_study, TensorBoard)
    folder = Path("run/tensorboard")
    found = 0
    for number in range(6):
        for seed in range(2):
            events = accumulators.EventAccumulator(str(folder / f"c0{number}-s{seed}")).Reload()
            scalars = events.Scalars("readings/top1")
            assert [one.step for one in scalars] == ([1] if number == 3 else [1, 2])
            found += len(scalars)
    assert found == READINGS
    last = accumulators.EventAccumulator(str(folder / "c05-s1")).Reload()
    assert last.Scalars("readings/top1")[-1].value == pytest.approx(0.151)
    hparams = pytest.importorskip("tensorboard.plugins.hparams.plugin_data_pb2").HParamsPluginData()
    hparams.ParseFromString(last.SummaryMetadata("_hparams_/session_start_info").plugin_data.content)
    assert hparams.session_start_info.hparams["candidate"].string_value == "c05"
    search = accumulators.EventAccumulator(str(folder / "search")).Reload()
    assert "| baseline | tiny |" in search.Tensors("run/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "verdict" in search.Tensors("answer/text_summary")[0].tensor_proto.string_val[0].decode()
    (figure,) = search.Images("figures/ranking")
    assert (figure.width, figure.height) == (8, 4)


def test_mlflow(make_study: MakeStudy) -> None:
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    interrupted_and_resumed(make_study, MLflow)
    client = MlflowClient(f"sqlite:///{Path('mlflow.db').absolute()}")
    experiment = client.get_experiment_by_name("scaling-search")
    runs = client.search_runs([experiment.experiment_id], max_results=100)
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(children) == TRIALS == len(runs) - 1
    assert parent.data.params["baseline"] == "tiny"
    assert parent.data.tags["version.python"]
    assert parent.data.tags["verdict"] in parent.data.tags["sentence"].lower()
    assert parent.data.metrics["expected_loss"] >= 0
    assert parent.info.status == "FINISHED"
    paths = [one.path for one in client.list_artifacts(parent.info.run_id)]
    assert {"report.html", "best.yaml", "figures"} <= set(paths)
    assert [one.path for one in client.list_artifacts(parent.info.run_id, "figures")] == ["figures/ranking.png"]
    by_name = {run.info.run_name: run for run in children}
    assert by_name["c03-s0"].info.status == "FAILED"
    assert by_name["c03-s0"].data.tags["reason"] == "planted"
    assert by_name["c05-s1"].data.params["candidate"] == "c05"
    history = client.get_metric_history(by_name["c05-s1"].info.run_id, "top1")
    assert [(one.step, round(one.value, 4)) for one in history] == [(1, 0.0755), (2, 0.151)]
    assert sum(len(client.get_metric_history(run.info.run_id, "top1")) for run in children) == READINGS


def test_mlflow_goes_where_it_is_told(make_study: MakeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{Path('mine.db').absolute()}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    tracker = MLflow("mine")
    make_study(parts=1, seeds=1).run([tracker], train=quick)
    tracker.finish()
    assert tracker.failed == ""
    assert MlflowClient(uri).get_experiment_by_name("mine") is not None
    assert not Path("mlflow.db").exists()


def test_wandb(make_study: MakeStudy) -> None:
    pytest.importorskip("wandb")
    interrupted_and_resumed_small(make_study, WandB)
    runs: dict[str, list[Any]] = {}
    for path in sorted(Path("run/wandb").glob("offline-run-*/*.wandb")):
        records = list(wandb_records(path))
        (run,) = [one.run for one in records if one.WhichOneof("record_type") == "run"]
        assert run.run_group == "run" and run.project == "scaling-search"
        runs.setdefault(run.display_name, []).extend([(run, one) for one in records])
    assert set(runs) == {"run/search"} | {f"run/c0{number}-s0" for number in range(6)}
    told = [step_and_top1(one.history) for _, one in runs["run/c05-s0"] if one.WhichOneof("record_type") == "history"]
    assert [(step, round(top1, 4)) for step, top1 in told] == [(1, 0.075), (2, 0.15)]
    config = {one.key: json.loads(one.value_json) for one in runs["run/c05-s0"][0][0].config.update}
    assert (config["candidate"], config["seed"]) == ("c05", 0)
    summary = {
        item.key: json.loads(item.value_json)
        for _, one in runs["run/search"] if one.WhichOneof("record_type") == "summary" for item in one.summary.update
    }  # fmt: skip
    assert summary["verdict"] in summary["sentence"].lower()
    media = {
        "/".join(item.nested_key) or item.key: json.loads(item.value_json)
        for _, one in runs["run/search"] if one.WhichOneof("record_type") == "history" for item in one.history.item
    }  # fmt: skip
    assert (media["figures/ranking/_type"], media["report/_type"]) == ("image-file", "html-file")
    everything = [
        (name, *step_and_top1(one.history)) for name, all_ in runs.items() if name != "run/search"
        for _, one in all_ if one.WhichOneof("record_type") == "history"
    ]  # fmt: skip
    assert len(everything) == len(set(everything)) == 11


def test_a_run_of_wandb_of_ones_own_stays_open(make_study: MakeStudy, tmp_path: Path) -> None:
    wandb = pytest.importorskip("wandb")
    settings = wandb.Settings(silent=True, console="off")
    mine = wandb.init(dir=tmp_path / "mine", mode="offline", reinit="create_new", settings=settings)
    make_study(parts=1, seeds=1).run([tracker := WandB()], train=quick)
    tracker.finish()
    mine.log({"still": 1.0})
    mine.finish()
    wandb.teardown()
    (path,) = (tmp_path / "mine").glob("wandb/offline-run-*/*.wandb")
    assert "history" in [one.WhichOneof("record_type") for one in wandb_records(path)]


def interrupted_and_resumed_small(make_study: MakeStudy, make: Callable[[], Tracker]) -> None:
    """As above with one seed: each run of this library takes a second."""
    interrupted_and_resumed(lambda **changes: make_study(seeds=1, **changes), make)


def wandb_records(path: Path) -> Any:
    """The records of a file, which is LevelDB's log after seven bytes: pieces of (CRC, length, kind) in 32 KiB blocks.

    The library's own reader of it was in Python once and is in its service now.
    """
    from wandb.proto import wandb_internal_pb2

    content, place, whole = path.read_bytes(), 7, b""
    assert content[:4] == b":W&B"
    while place + 7 <= len(content):
        if 32768 - place % 32768 < 7:
            place += 32768 - place % 32768
        _, length, kind = struct.unpack_from("<IHB", content, place)
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last piece
            record = wandb_internal_pb2.Record()
            record.ParseFromString(whole)
            yield record
            whole = b""


def step_and_top1(history: Any) -> tuple[int, float]:
    values = {(item.key or item.nested_key[0]): json.loads(item.value_json) for item in history.item}
    return values["_step"], values["top1"]


def test_trackio(make_study: MakeStudy, trackio_folder: Path) -> None:
    trackio = pytest.importorskip("trackio")
    from trackio.sqlite_storage import SQLiteStorage

    interrupted_and_resumed(make_study, lambda: Trackio("whole"))
    runs = {run.name: run for run in trackio.Api().runs("whole")}
    trials = {f"run-c0{number}-s{seed}" for number in range(6) for seed in range(2)}
    assert set(runs) == {"run-search", *trials}
    assert {run.config["_Group"] for run in runs.values()} == {"run"}
    assert (runs["run-c05-s1"].config["candidate"], runs["run-c05-s1"].config["seed"]) == ("c05", 1)
    told = {
        (name, one["step"]): one["top1"] for name in trials for one in SQLiteStorage.get_logs("whole", name)
    }  # fmt: skip
    assert len(told) == sum(len(SQLiteStorage.get_logs("whole", name)) for name in trials) == READINGS
    assert [round(told["run-c05-s1", step], 4) for step in (1, 2)] == [0.0755, 0.151]
    alerts = trackio.Api().alerts("whole", level="error")
    assert sorted((one["run"], one["text"]) for one in alerts) == [(f"run-c03-s{seed}", "planted") for seed in range(2)]
    search = {key: value for one in SQLiteStorage.get_logs("whole", "run-search") for key, value in one.items()}
    assert "| baseline | tiny |" in search["about"]["_value"]
    assert "| verdict |" in search["answer"]["_value"]
    assert search["answer/expected_loss"] >= 0
    assert search["figures/ranking"]["_type"] == "trackio.image"
    for shown in ("figures/ranking", "report"):
        assert (trackio_folder / "media" / search[shown]["file_path"]).is_file()


def test_two_runs_of_one_name_are_two_groups_of_trackio(make_study: MakeStudy, trackio_folder: Path) -> None:
    trackio = pytest.importorskip("trackio")
    for folder in ("a/run", "b/run"):
        tracker = Trackio("two")
        make_study(folder=folder, parts=1, seeds=1).run([tracker], train=quick)
        tracker.finish()
        assert tracker.failed == ""
    groups = [run.config["_Group"] for run in trackio.Api().runs("two")]
    assert len(set(groups)) == 2 and {groups.count(one) for one in groups} == {len(groups) // 2}


def test_a_run_of_trackio_of_ones_own_stays_open(
    make_study: MakeStudy, trackio_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """trackio has one current run, which its next `init` ends; it prints what it does."""
    trackio = pytest.importorskip("trackio")
    mine = trackio.init("mine", name="mine", embed=False, auto_log_cpu=False)
    capsys.readouterr()
    make_study(parts=1, seeds=1).run([tracker := Trackio("beside")], train=quick)
    tracker.finish()
    assert capsys.readouterr().out == ""
    trackio.log({"still": 1.0})
    trackio.finish()
    from trackio.sqlite_storage import SQLiteStorage

    assert mine.name == "mine" and [one["still"] for one in SQLiteStorage.get_logs("mine", "mine")] == [1.0]


# --- an Optuna storage

URL = "sqlite:///study.db"


def test_optuna_keeps_any_strategys_trials(make_study: MakeStudy) -> None:
    import optuna

    interrupted_and_resumed(make_study, lambda: OptunaStorage(URL))
    study = optuna.load_study(study_name="run", storage=URL)
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    assert study.user_attrs["baseline"] == "tiny"
    assert study.user_attrs["answer verdict"]
    states = [trial.state.name for trial in study.trials]
    assert (states.count("COMPLETE"), states.count("FAIL"), len(states)) == (10, 2, TRIALS)
    by_name = {trial.user_attrs["trial"]: trial for trial in study.trials}
    trial = by_name["c05-s1"]
    assert trial.intermediate_values == {1: pytest.approx(0.0755), 2: pytest.approx(0.151)}
    assert trial.value == pytest.approx(0.151)
    assert sum(trial.params.values()) == pytest.approx(1)
    assert (trial.user_attrs["candidate"], trial.user_attrs["seed"]) == ("c05", 1)
    assert trial.user_attrs["macs"] > 0 and trial.user_attrs["network"]
    assert by_name["c03-s0"].user_attrs["reason"] == "planted"
    assert study.best_trial.user_attrs["trial"] == "c05-s1"


def test_a_trial_that_is_trained_further_is_one_anew(make_study: MakeStudy) -> None:
    """Optuna changes no trial that is complete."""
    import optuna

    make_study(seeds=1).run([tracker := OptunaStorage(URL)], train=quick)
    tracker.finish()
    study = optuna.load_study(study_name="run", storage=URL)
    assert {trial.user_attrs["status"] for trial in study.trials} == {"paused", "failed"}
    assert [trial.state.name for trial in study.trials].count("COMPLETE") == 5
    trial = ss.Trial(candidate="c01", seed=0)
    tracker.on_plan(tracker.begun)
    tracker.on_reading(ss.Reading(trial=trial, epoch=3, status="paused", top1=0.2))
    tracker.finish()
    assert tracker.failed == ""
    first, second = [one for one in study.get_trials() if one.user_attrs["trial"] == "c01-s0"]
    assert second.user_attrs["continues"] == first.number
    assert (sorted(first.intermediate_values), sorted(second.intermediate_values)) == ([1, 2], [1, 2, 3])
    assert second.value == pytest.approx(0.2)


def test_two_runs_of_one_name_have_two_studies(make_study: MakeStudy, place: Path) -> None:
    import optuna

    for folder in ("a/run", "b/run"):
        tracker = OptunaStorage(URL)
        make_study(folder=folder, seeds=1).run([tracker], train=quick)
        tracker.finish()
    names = optuna.get_all_study_names(URL)
    assert len(names) == 2 and "run" in names
    assert {len(optuna.load_study(study_name=name, storage=URL).trials) for name in names} == {6}


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite:////nowhere/at/all.db", "cannot be opened"),
        ("study.db", "cannot be opened"),
        ("postgresql://me:secret@host/db", "with a password would be kept"),
    ],
)
def test_a_storage_that_cannot_be_used_is_said_at_once(url: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence) as error:
        OptunaStorage(url)
    assert "secret" not in str(error.value) and "\n" not in str(error.value)
