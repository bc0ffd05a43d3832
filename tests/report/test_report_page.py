import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import yaml
from planted_run import analyze_run, edit_trials, fail_rows, peak, plant

from scaling_search.report import write_report
from scaling_search.report.page import figures, page
from scaling_search.search.folder import RunFolder
from scaling_search.search.record import RunRecord

VOID = {"meta", "img", "link", "br", "hr"}
FIGURES = ("accuracy-cost", "learning-curves", "ranking", "share-triangle")


def record_of(run: Path) -> RunRecord:
    return RunFolder(run).record()


class Balanced(HTMLParser):
    """Fails on a tag that is closed out of order; collects tags and what they refer to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.references: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = plant(tmp_path_factory.mktemp("planted"), truth=peak((0.25, 0.25, 0.5)))

    def one_fails(rows: pd.DataFrame) -> pd.DataFrame:
        last = (rows["candidate"] == "c03") & (rows["seed"] == 2) & (rows["epoch"] == 4)
        return fail_rows(rows, last, "out of memory: <b>9</b> GB & more")

    edit_trials(run, one_fails)
    command = "scaling-search run --data '<script>alert(1)</script>'"
    RunFolder(run).write_record(record_of(run).model_copy(update={"command": command}))
    (run / "family").mkdir()
    member = {
        "name": "B1", "phi": 1, "multipliers": {"depth": 1.2, "width": 1.1, "resolution": 1.15}, "resolution": 258,
        "dropout": 0.2, "drop_connect": 0.2, "cost": {"params": 7800000, "macs": 700000000, "activations": 1},
    }  # fmt: skip
    (run / "family" / "b1.yaml").write_text(yaml.safe_dump(member))
    write_report(run, analyze_run(run), record_of(run))
    return run


@pytest.fixture(scope="module")
def html(run: Path) -> str:
    return (run / "report.html").read_text(encoding="utf-8")


def test_the_page_is_well_formed(html: str) -> None:
    page = Balanced(html)
    assert html.lstrip().startswith("<!DOCTYPE html>")
    assert page.seen.count("img") == len(FIGURES)
    assert page.seen.count("h1") == 1


def test_the_page_needs_no_network_and_runs_no_script(html: str) -> None:
    page = Balanced(html)
    assert all(reference.startswith("data:image/svg+xml;base64,") for reference in page.references)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", re.sub(r"base64,[A-Za-z0-9+/=]+", "", html))
    assert "script" not in page.seen


def test_what_comes_from_outside_is_escaped(html: str) -> None:
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "out of memory: &lt;b&gt;9&lt;/b&gt; GB &amp; more" in html


def test_the_answer_comes_first_then_its_limits_then_the_comparison(html: str) -> None:
    order = ["Clear: 25 % depth", "What this can and cannot tell", "Beside the references", "Figures",
             "At other costs", "The family", "All candidates", "Failed trials", "How it was run"]  # fmt: skip
    positions = [html.index(text) for text in order]
    assert positions == sorted(positions)


def test_references_and_family_are_tabled(html: str) -> None:
    for name in ("depth", "width", "resolution", "uniform", "fast", "paper"):
        assert f"<tr><td>{name}</td>" in html
    assert "<td>B1</td>" in html
    assert "7.8 M" in html and "700 M" in html
    assert "nan" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", html).lower()


def test_figures_are_written_with_their_data(run: Path) -> None:
    expected = {f"{name}.{kind}" for name in FIGURES for kind in ("csv", "svg", "png")}
    assert {path.name for path in (run / "figures").iterdir()} == expected


def test_the_same_run_gives_the_same_page(run: Path, html: str) -> None:
    analysis = analyze_run(run)
    assert page(run, analysis, record_of(run), figures(analysis)) == html


def test_a_run_without_a_family_still_has_a_page(tmp_path: Path) -> None:
    run = plant(tmp_path, truth=peak((0.25, 0.25, 0.5)), seeds=1, epochs=1)
    text = page(run, analyze_run(run), record_of(run), [])
    assert "The family" not in text
    assert "Failed trials" not in text
    assert "b0, φ = 1, on shapes" in text


def test_the_unscaled_network_stands_below_the_references(run: Path, html: str, tmp_path: Path) -> None:
    assert "unscaled" not in html
    rows = pd.read_csv(run / "trials.csv", dtype={"reason": str})
    own = rows[(rows["candidate"] == "c00")].assign(candidate="base", top1=lambda found: found["top1"] - 0.1)
    trained = plant(tmp_path, truth=peak((0.25, 0.25, 0.5)))
    edit_trials(trained, lambda rows: pd.concat([own, rows]))
    text = page(trained, analyze_run(trained), record_of(trained), [])
    assert text.index("<tr><td>paper</td>") < text.index("<tr><td>unscaled</td>") < text.index("Figures")


def test_the_law_is_shown_with_its_forecast_or_why_there_is_none(run: Path, html: str, tmp_path: Path) -> None:
    assert "A saturating power law, fitted to 18 networks of" in html
    assert "90 % interval</th>" not in html, "all of one cost"
    rows = pd.read_csv(run / "trials.csv", dtype={"reason": str})
    own = rows[(rows["candidate"] == "c00")].assign(candidate="base", top1=lambda found: found["top1"] - 0.1)
    trained = plant(tmp_path / "base", truth=peak((0.25, 0.25, 0.5)))
    edit_trials(trained, lambda rows: pd.concat([own, rows]))
    text = page(trained, analyze_run(trained), record_of(trained), [])
    assert text.count("<tr><td>7</td><td>128 ×</td>") == 1
    assert "Whether the best shares drift as networks grow it cannot say" in text
    edit_trials(trained, lambda rows: rows[rows["candidate"].isin(["c00", "c03", "c07"])])
    text = page(trained, analyze_run(trained), record_of(trained), [])
    assert "No law: it takes 6 trained networks at least, and there are 3." in text
