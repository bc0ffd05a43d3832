import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import yaml
from planted_run import analyze_run, edit_trials, fail_rows, peak, plant

from scaling_search.report import write_report
from scaling_search.report.page import page
from scaling_search.search.folder import RunFolder
from scaling_search.search.record import RunRecord

VOID = {"meta", "img", "link", "br", "hr", "input"}
FIGURES = ("accuracy-cost", "learning-curves", "ranking", "share-triangle")


def record_of(run: Path) -> RunRecord:
    return RunFolder(run).record()


class Balanced(HTMLParser):
    """Fails on a tag that is closed out of order; collects tags, what they refer to, and candidates by element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.references: list[str] = []
        self.candidates: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]
        self.candidates += [value or "" for name, value in attrs if name == "data-c"]
        self.ids += [value or "" for name, value in attrs if name == "id"]
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
    assert page.seen.count("figure") == len(FIGURES)
    assert set(FIGURES) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert page.seen.count("h1") == 1


def test_the_page_asks_for_nothing_and_its_links_lead_somewhere(run: Path, html: str) -> None:
    page = Balanced(html)
    assert len(page.references) >= 3 * len(FIGURES) + 4
    for reference in page.references:
        assert (run / reference).is_file(), reference
    assert not re.search(r"https?:|[\"'(]//[a-z]|@import|url\(|fetch|XMLHttp|import\(|<img|<link|<iframe", html)


def test_the_script_is_small_and_the_page_too(html: str) -> None:
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 1
    assert len(scripts[0].encode()) < 30_000
    assert len(html.encode()) < 250_000


def test_every_mark_carries_a_candidate_that_the_script_knows(html: str) -> None:
    known = json.loads(html.partition('id="facts">')[2].partition("</script>")[0])
    marked = set(Balanced(html).candidates)
    assert marked == set(known["candidates"])
    assert all(len(values) == 1 + len(known["labels"]) for values in known["candidates"].values())
    for figure in FIGURES:
        drawn = html.partition(f'<figure id="{figure}">')[2].partition("</figure>")[0]
        assert set(Balanced(drawn).candidates) == marked, figure


def test_drawings_have_no_colours_of_their_own(html: str) -> None:
    drawings = "".join(re.findall(r"<svg.*?</svg>", html, re.DOTALL))
    assert not re.search(r"#[0-9a-f]{3,6}\b|rgb", drawings)
    assert "svg { display: block; width: 100%; height: auto; color: var(--ink)" in html


def test_what_comes_from_outside_is_escaped(html: str) -> None:
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "out of memory: &lt;b&gt;9&lt;/b&gt; GB &amp; more" in html


def test_the_answer_comes_first_then_whether_to_believe_it_then_the_comparison(html: str) -> None:
    order = ["Clear: 25 % depth", "Can it be believed?", "Figures", "Beside the references", "All candidates",
             "At other costs", "The family", "Failed trials", "How it was run"]  # fmt: skip
    positions = [html.index(text) for text in order]
    assert positions == sorted(positions)


def test_references_and_family_are_tabled(html: str) -> None:
    for name in ("depth", "width", "resolution", "uniform", "fast", "paper"):
        assert f'<th scope="row">{name}</th>' in html
    assert '<a href="family/b1.yaml">B1</a>' in html
    assert "7.8 M" in html and "700 M" in html
    body = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(r"\bnan\b", body, re.IGNORECASE)


def test_figures_are_written_with_their_data(run: Path) -> None:
    expected = {f"{name}.{kind}" for name in FIGURES for kind in ("csv", "svg", "png")}
    assert {path.name for path in (run / "figures").iterdir()} == expected


def test_the_same_run_gives_the_same_page(run: Path, html: str) -> None:
    assert page(run, analyze_run(run), record_of(run)) == html


def test_a_run_without_a_family_still_has_a_page(tmp_path: Path) -> None:
    run = plant(tmp_path, truth=peak((0.25, 0.25, 0.5)), seeds=1, epochs=1)
    text = page(run, analyze_run(run), record_of(run))
    assert "The family" not in text
    assert "Failed trials" not in text
    assert "b0, φ = 1, on shapes" in text


def test_the_unscaled_network_stands_below_the_references(run: Path, html: str, tmp_path: Path) -> None:
    assert re.search(r"unscaled</th><td[^>]*>not trained", html), "always in the table"
    rows = pd.read_csv(run / "trials.csv", dtype={"reason": str})
    own = rows[(rows["candidate"] == "c00")].assign(candidate="base", top1=lambda found: found["top1"] - 0.1)
    trained = plant(tmp_path, truth=peak((0.25, 0.25, 0.5)))
    edit_trials(trained, lambda rows: pd.concat([own, rows]))
    text = page(trained, analyze_run(trained), record_of(trained))
    paper, unscaled = (text.index(f'<th scope="row">{name}</th>') for name in ("paper", "unscaled"))
    assert paper < unscaled < text.index("All candidates")
    assert re.search(r"unscaled</th><td[^>]*>the base itself", text)


def test_the_law_is_shown_with_its_forecast_or_why_there_is_none(run: Path, html: str, tmp_path: Path) -> None:
    assert "A saturating power law, fitted to 18 networks of" in html
    assert "90 % interval</th>" not in html, "all of one cost"
    rows = pd.read_csv(run / "trials.csv", dtype={"reason": str})
    own = rows[(rows["candidate"] == "c00")].assign(candidate="base", top1=lambda found: found["top1"] - 0.1)
    trained = plant(tmp_path / "base", truth=peak((0.25, 0.25, 0.5)))
    edit_trials(trained, lambda rows: pd.concat([own, rows]))
    text = page(trained, analyze_run(trained), record_of(trained))
    assert text.count("<tr><td>7</td><td>128 ×</td>") == 1
    assert "Whether the best shares drift as networks grow it cannot say" in text
    edit_trials(trained, lambda rows: rows[rows["candidate"].isin(["c00", "c03", "c07"])])
    text = page(trained, analyze_run(trained), record_of(trained))
    assert "No law: it takes 6 trained networks at least, and there are 3." in text
