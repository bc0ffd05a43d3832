"""The page in a browser: accessible, silent, without a network, and its script lights what belongs together."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from browser import axe, chromium, look
from planted_run import analyze_run, edit_trials, peak, plant

from scaling_search.report.page import page
from scaling_search.search.folder import RunFolder

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine (apt-get install chromium)")
needs_axe = pytest.mark.skipif(axe() is None, reason="no axe-core (npm install --prefix .venv/axe axe-core)")


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    run = plant(tmp_path_factory.mktemp("planted"), truth=peak((0.25, 0.25, 0.5)), cost_noise=0.03)
    rows = pd.read_csv(run / "trials.csv", dtype={"reason": str})
    base = rows[rows["candidate"] == "c00"].assign(candidate="base", top1=lambda found: found["top1"] - 0.1)
    edit_trials(run, lambda rows: pd.concat([base, rows]))
    return page(run, analyze_run(run), RunFolder(run).record())


def found(html: str, script: str, folder: Path, **how: Any) -> Any:
    return look(html, script, folder, **how).found


@needs_axe
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (500, False)])
def test_the_page_is_accessible(html: str, tmp_path: Path, width: int, dark: bool) -> None:
    path = axe()
    assert path is not None
    script = """
      const passed = await axe.run(document);
      return {dark: matchMedia('(prefers-color-scheme: dark)').matches, passes: passed.passes.length,
        violations: passed.violations.map((one) => [one.id, one.nodes.slice(0, 3).map((node) => node.html)])};"""
    seen = look(html, script, tmp_path, width=width, dark=dark, libraries=path.read_text(encoding="utf-8"))
    assert seen.found["violations"] == []
    assert seen.found["passes"] > 15
    assert seen.found["dark"] is dark
    assert seen.console == []


def test_the_page_asks_for_nothing_and_says_nothing(html: str, tmp_path: Path) -> None:
    seen = look(html, "return performance.getEntriesByType('resource').map((one) => one.name);", tmp_path)
    assert seen.found == []
    assert seen.console == []


def test_nothing_is_wider_than_a_telephone(html: str, tmp_path: Path) -> None:
    """In a frame, since a window has a least width."""
    script = """
      const frame = document.createElement('iframe');
      frame.style.cssText = 'width: 390px; height: 800px';
      frame.srcdoc = document.documentElement.outerHTML.replace(/<script>[^]*?<[/]script>/g, '');
      document.body.append(frame);
      await new Promise((done) => frame.onload = done);
      const inside = frame.contentDocument;
      const drawn = [...inside.querySelectorAll('figure svg text')].map((one) => one.getBoundingClientRect().height);
      const letters = drawn.filter((height) => height > 0); // of the costs that are shown
      return [inside.documentElement.scrollWidth, Math.min(...letters)];"""
    wide, letter = found(html, script, tmp_path)
    assert wide <= 390
    assert letter >= 10


def test_pointing_at_a_candidate_lights_it_everywhere(html: str, tmp_path: Path) -> None:
    script = """
      const mark = document.querySelector('#share-triangle .mark[data-c=c03]');
      mark.querySelector('.dot').dispatchEvent(new PointerEvent('pointerover', {bubbles: true, pointerType: 'mouse'}));
      const lit = [...document.querySelectorAll('.on')];
      return {others: lit.filter((one) => one.dataset.c !== 'c03').length,
        rows: lit.filter((one) => one.tagName === 'TR').length,
        figures: lit.filter((one) => one.closest('figure')).map((one) => one.closest('figure').id),
        said: document.getElementById('readout').innerText};"""
    seen = found(html, script, tmp_path)
    assert seen["others"] == 0
    assert seen["rows"] >= 1
    assert sorted(seen["figures"]) == ["accuracy-cost", "learning-curves", "ranking", "share-triangle"]
    assert "accuracy measured" in seen["said"] and "3 seeds" in seen["said"]


def test_arrow_keys_go_from_mark_to_mark_and_enter_keeps_one(html: str, tmp_path: Path) -> None:
    script = """
      const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
      const marks = [...document.querySelectorAll('#ranking .mark')];
      const reached = marks.filter((one) => one.tabIndex === 0).length;
      marks[0].focus();
      press('ArrowRight'); press('ArrowDown'); press('ArrowLeft');
      const there = marks.indexOf(document.activeElement);
      press('Enter');
      const kept = marks.filter((one) => one.getAttribute('aria-pressed') === 'true').map((one) => marks.indexOf(one));
      document.activeElement.blur();
      const still = document.querySelectorAll('#ranking .on').length;
      document.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}));
      return {reached, there, kept, still, after: document.querySelectorAll('.on').length};"""
    assert found(html, script, tmp_path) == {"reached": 1, "there": 1, "kept": [1], "still": 1, "after": 0}


def test_tables_sort_by_number_both_ways_with_the_unknown_last(html: str, tmp_path: Path) -> None:
    script = """
      const table = document.querySelectorAll('table.sorts')[1], head = table.tHead.rows[0].cells[6];
      const column = () => [...table.tBodies[0].rows].map((row) => Number(row.cells[6].dataset.v));
      head.querySelector('button').click();
      const down = column(), said = head.getAttribute('aria-sort');
      head.querySelector('button').click();
      const first = document.querySelectorAll('table.sorts')[0];
      first.tHead.rows[0].cells[5].querySelector('button').click();
      const ends = [...first.tBodies[0].rows].map((row) => row.cells[5].dataset.v === '');
      return {down, said, up: column(), ends};"""
    seen = found(html, script, tmp_path)
    assert seen["said"] == "descending"
    assert seen["down"] == sorted(seen["down"], reverse=True)
    assert seen["up"] == sorted(seen["down"])
    assert seen["ends"] == sorted(seen["ends"])


def test_the_frontier_changes_its_cost(html: str, tmp_path: Path) -> None:
    script = """
      const figure = document.getElementById('accuracy-cost');
      const places = () => [...figure.querySelectorAll('.mark')].map((one) => one.getAttribute('transform'));
      const layers = [...figure.querySelectorAll('.layer')];
      const shown = () => layers.filter((one) => one.style.display !== 'none').map((one) => one.dataset.cost);
      const before = [places(), shown()], hidden = figure.querySelector('fieldset').hidden;
      figure.querySelector('input[value=params]').click();
      return {hidden, before, after: [places(), shown()]};"""
    seen = found(html, script, tmp_path)
    assert seen["hidden"] is False
    assert (seen["before"][1], seen["after"][1]) == (["macs"], ["params"])
    assert seen["before"][0] != seen["after"][0]
