"""What a study leaves on the disk, and what it says before and after."""

import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_training import quick
from tiny_study import Ear, MakeStudy, interrupted_after

from scaling_search.errors import InvalidInput
from scaling_search.search.executors import Conditions, Inline, Job, JobSource, Ray, Train
from scaling_search.search.executors.base import OnReading
from scaling_search.search.folder import RunFolder
from scaling_search.strategies import Lattice
from scaling_search.study.answer import read_answer
from scaling_search.study.network import network
from scaling_search.study.searching import search
from scaling_search.study.study import Study


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["count_record", "write_table", "keep_live", "write_record"])
def test_no_half_run_is_left_behind(
    make_study: MakeStudy, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    """A full disk or Ctrl-C at any step of making the folder; and the same study can be started again."""
    study = make_study(folder="deep/run")

    def broken(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        place = RunFolder if step == "write_record" else "scaling_search.study.session"
        patch.setattr(place, step, broken) if place is RunFolder else patch.setattr(f"{place}.{step}", broken)
        with pytest.raises(type(error)):
            study.run(train=quick)
    assert not Path("deep/run").exists()
    assert study.run(train=quick)
    assert RunFolder(Path("deep/run")).record().plan.trials == 12


def test_planning_writes_nothing(make_study: MakeStudy) -> None:
    make_study().plan()
    assert not Path("run").exists()


def test_another_run_is_never_touched(make_study: MakeStudy) -> None:
    make_study().run(train=interrupted_after(2))
    with pytest.raises(InvalidInput, match="holds another run; name a new folder, or go on with"):
        make_study()
    Path("notes").mkdir()
    Path("notes/thesis.txt").write_text("precious")
    with pytest.raises(InvalidInput, match="notes is not an empty folder"):
        make_study(folder="notes")


def test_a_folder_is_named_after_the_search(make_study: MakeStudy) -> None:
    study = make_study(folder=None)
    study.run(train=interrupted_after(0))
    assert study.folder is not None
    assert study.folder.parent == Path("results")
    assert study.folder.name.startswith("tiny-phi1-images-")


def test_nothing_is_printed(make_study: MakeStudy, capfd: pytest.CaptureFixture[str]) -> None:
    study = make_study()
    study.plan()
    study.run(train=quick)
    study.analyze()
    Study.open("run").run()
    assert capfd.readouterr() == ("", "")


def test_there_is_no_answer_before_a_trial_has_ended(make_study: MakeStudy) -> None:
    study = make_study()
    with pytest.raises(InvalidInput, match=r"call run\(\) first"):
        study.analyze()
    study.run(train=interrupted_after(1))
    with pytest.raises(InvalidInput, match="no finished trial yet"):
        study.analyze()
    with pytest.raises(InvalidInput, match="has begun and keeps its plan"):
        study.plan(budget="2h")


def test_a_folder_that_is_no_run_cannot_be_opened(place: Path) -> None:
    with pytest.raises(InvalidInput, match="is not a run: it has no run"):
        Study.open(place)


def test_changed_data_cannot_be_mixed_in(make_study: MakeStudy, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(shared / "images", "images")
    make_study(data="images").run(train=interrupted_after(2))
    victim = next(iter(Path("images/train/class0").iterdir()))
    victim.write_bytes((shared / "images/train/class1" / victim.name).read_bytes())
    with pytest.raises(InvalidInput, match="has changed since the run was begun; its trials cannot be mixed"):
        Study.open("run").run()
    monkeypatch.setattr("scaling_search.study.preparation.versions", lambda: {"pillow": "99.0"})
    with pytest.raises(InvalidInput, match=r"run was begun, or Pillow 99\.0 decodes it otherwise than [0-9.]+ did;"):
        Study.open("run").run()


class Backwards(Lattice):
    """A strategy of a person's own."""

    def to_dict(self) -> dict[str, Any]:
        return {"strategy": "backwards", "seeds": self.seeds, "epochs": self.epochs}


class Elsewhere:
    """An executor of a person's own."""

    kind, scheduler, trials_per_gpu = "elsewhere", "fifo", 1

    def workers_on(self, device: str) -> int:
        return 2

    def run(self, source: JobSource, *, train: Train, on_reading: OnReading, conditions: Conditions) -> None:
        Inline().run(source, train=train, on_reading=on_reading, conditions=conditions)


def test_what_is_ones_own_is_handed_over_again(make_study: MakeStudy) -> None:
    own: dict[str, Any] = {"strategy": Backwards(parts=1, seeds=1, epochs=2), "executor": Elsewhere()}
    study = make_study(**own | {"parts": ..., "seeds": ..., "epochs": ...})
    assert not study.run(train=interrupted_after(3))
    with pytest.raises(InvalidInput, match=r"your own \(backwards\); open it with Study.open\(…, strategy=…\)"):
        Study.open("run", executor=Inline()).run()
    with pytest.raises(InvalidInput, match=r"your own \(elsewhere\): open it with Study.open\(…, executor=…\)"):
        Study.open("run", strategy=own["strategy"]).run()
    again = Study.open("run", **own)
    assert again.run(train=quick)
    assert again.analyze().table["seeds"].eq(1).all()


def test_a_run_goes_on_with_another_executor(make_study: MakeStudy) -> None:
    make_study(executor=Ray(workers=3)).plan()
    make_study().run(train=interrupted_after(2))
    again = Study.open("run", executor=Ray(workers=3))
    assert again.prepared.executor == Ray(workers=3)
    assert again.prepared.record.executor.workers == 3


@pytest.mark.parametrize(("scheduler", "told"), [("asha", 3), ("fifo", 0)])
def test_a_scheduler_is_told_again_of_what_has_ended(
    make_study: MakeStudy, monkeypatch: pytest.MonkeyPatch, scheduler: Any, told: int
) -> None:
    """Its own state is not kept; without it the trials that come would be compared with none."""
    make_study().run(train=interrupted_after(6))
    jobs: list[Job] = []

    def run(self: Ray, source: JobSource, **how: Any) -> None:
        while isinstance(job := source.next(), Job):
            jobs.append(job)

    monkeypatch.setattr(Ray, "run", run)
    Study.open("run", executor=Ray(workers=2, scheduler=scheduler)).run()
    assert len([job for job in jobs if job.trained]) == told
    assert len(jobs) == 9 + told


def elements(html: str) -> ElementTree.Element:
    """Well-formed, or it fails here."""
    return ElementTree.fromstring(f"<div>{html.replace('&nbsp;', ' ')}</div>")


def test_objects_say_what_they_are(make_study: MakeStudy) -> None:
    study = make_study()
    assert repr(study) == "<Study in run: not planned yet>"
    assert elements(study._repr_html_()).find("p") is not None
    prepared = study.plan()
    assert repr(study) == "<Study in run: planned>"
    assert "plan      6 candidates × 2 seeds × 2 epochs = 12 trials, 1 at once, about" in repr(prepared)
    assert len(elements(study._repr_html_()).findall("table/tr")) == 3
    study.run(train=quick)
    assert repr(study) == "<Study in run: begun>"
    answer = study.analyze()
    assert answer.verdict.sentence in repr(answer)
    assert "pick  α" in repr(answer)
    shown = elements(answer._repr_html_())
    assert len(shown.findall("table/tbody/tr")) == len(answer.analysis.references())
    assert len(shown.findall("ul/li")) == len(answer.warnings)


def test_names_are_escaped(make_study: MakeStudy, shared: Path) -> None:
    odd = network(shared / "tiny.yaml").network.replaced(name="<b>&net")
    study = make_study(baseline=odd)
    texts = {element.text for element in elements(study.plan()._repr_html_()).iter("td")}
    assert any(text and text.startswith("<b>&net made small") for text in texts)
    table = elements(network(odd)._repr_html_())
    assert table.findtext("table/caption") == "<b>&net"
    assert repr(network(odd)).startswith("<<b>&net at 64 px: d1-2 w16-16-32-64, ")


def test_search_does_it_all_and_listeners_hear_it(shared: Path, untrained: None) -> None:
    ear = Ear()
    answer = search(
        shared / "tiny.yaml", shared / "images", executor="inline", device="cpu", parts=1, seeds=2, epochs=1,
        pilot=False, folder="run", listeners=[ear],
    )  # fmt: skip
    assert len(ear.plans) == len(ear.answers) == 1
    assert len(ear.readings) == 12
    assert answer.folder == Path("run")
    assert answer.analysis is ear.answers[0]
    best = yaml.safe_load(Path("run/best.yaml").read_text())
    assert best["pick"]["nearest_candidate"] == answer.pick.candidate
    assert Path("run/family/b7.yaml").is_file()


def test_the_family_of_an_answer(make_study: MakeStudy) -> None:
    study = make_study()
    study.run(train=quick)
    answer = study.analyze()
    family = answer.family(range(1, 8))
    assert [member.phi for member in family] == [1, 2, 3, 4, 5, 6, 7]
    assert [member.cost().macs for member in family] == sorted(member.cost().macs for member in family)
    written = yaml.safe_load(Path("run/family/b3.yaml").read_text())
    assert (written["phi"], written["cost"]) == (3, family[2].to_dict()["cost"])
    module = family[2].build(classes=10)
    assert sum(one.numel() for one in module.parameters()) == family[2].replaced(classes=10).cost().params
    assert network("run/family/b3.yaml").cost() == family[2].cost()


def test_the_answer_of_a_part_is_corrected_by_the_whole(make_study: MakeStudy) -> None:
    study = make_study()
    study.run(train=interrupted_after(13))
    part = study.analyze()
    assert part.table["seeds"].eq(1).any()
    study.run(train=quick)
    whole = study.analyze()
    assert whole.table["seeds"].eq(2).all()
    counted = [count.network for count in RunFolder(Path("run")).record().counts]
    assert sorted(counted) == ["b1", "base"], "each witness once, however often it is analysed"


def test_the_loss_that_does_not_matter_is_kept_with_the_run(make_study: MakeStudy) -> None:
    study = make_study(epsilon=0.03)
    study.run(train=interrupted_after(9))
    assert study.analyze().analysis.decision.epsilon == 0.03
    again = Study.open("run")
    again.run(train=quick)
    assert again.analyze().analysis.decision.epsilon == 0.03
    folder = RunFolder(Path("run"))
    assert read_answer(folder).analysis.decision.epsilon == 0.03
    assert read_answer(folder, epsilon=0.01).analysis.decision.epsilon == 0.01
    assert folder.record().question.epsilon == 0.03
