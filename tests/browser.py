"""A page in headless Chromium: what a script finds there, and what the console says."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_AXE = "node_modules/axe-core/axe.min.js"
_FOUND = re.compile(r'<pre id="found">(.*?)</pre>', re.DOTALL)


@cache
def chromium() -> str | None:
    """The browser, where the machine has one that starts."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        return None
    done = subprocess.run([path, "--version"], capture_output=True, check=False)
    return path if done.returncode == 0 else None


def axe() -> Path | None:
    """axe-core, where it is installed: .ci/run puts it into .venv/axe; SCALING_SEARCH_AXE names another file."""
    places = [Path(os.environ.get("SCALING_SEARCH_AXE", "")), ROOT / ".venv/axe" / _AXE, ROOT / _AXE]
    return next((path for path in places if path.is_file()), None)


def _started(command: list[str]) -> subprocess.CompletedProcess[str]:
    """What a browser printed; one that does not come up on a busy machine is started once more."""
    for left in (1, 0):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        except subprocess.TimeoutExpired:
            if not left:
                raise
        else:
            if done.stdout.strip() or not left:
                return done
    raise AssertionError("unreachable")


@dataclass(frozen=True)
class Seen:
    """What a script found, and the lines of the console."""

    found: Any
    console: list[str]


def look(page: str, script: str, folder: Path, *, width: int = 1280, dark: bool = False, libraries: str = "") -> Seen:
    """Opens a page as a file and runs a script in it.

    Args:
        script: the body of an async function; what it returns is found.
        folder: where the file is written.
        libraries: scripts that the script needs.
    """
    browser = chromium()
    assert browser is not None
    inside = (
        f"<script>{libraries}</script><script>addEventListener('load', async () => {{"
        "const pre = document.createElement('pre'); pre.id = 'found';"
        f"const found = await (async () => {{ {script} }})().catch((error) => ({{error: String(error)}}));"
        "pre.textContent = JSON.stringify(found); document.body.append(pre); });</script></body>"
    )
    path = folder / "looked-at.html"
    path.write_text(page.replace("</body>", inside), encoding="utf-8")
    done = _started(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr",
         f"--user-data-dir={folder / 'profile'}", f"--window-size={width},900", "--virtual-time-budget=30000",
         *(["--blink-settings=preferredColorScheme=0"] if dark else []), "--dump-dom", path.as_uri()]
    )  # fmt: skip
    match = _FOUND.search(done.stdout)
    assert match, done.stderr
    found = json.loads(match[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    return Seen(found, [line for line in done.stderr.splitlines() if "CONSOLE" in line])
