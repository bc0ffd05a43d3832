"""A run's page, served to this machine alone while the run goes on: drawn anew when the run has something new.

Nothing is written into the run's folder. A page is drawn when somebody asks for it, so that nobody's watching costs
nothing; it asks every few seconds whether there is something new, and loads itself again.
"""

from functools import cached_property
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from scaling_search.errors import InvalidInput
from scaling_search.report.page import page
from scaling_search.search.folder import RunFolder
from scaling_search.study.answer import read_answer
from scaling_search.study.seed_answer import baseline_page, read_baseline

HOST = "127.0.0.1"
SECONDS = 5
_TYPES = {
    ".png": "image/png", ".svg": "image/svg+xml", ".csv": "text/csv; charset=utf-8",
    ".yaml": "text/plain; charset=utf-8", ".jsonl": "text/plain; charset=utf-8",
}  # fmt: skip
_AGAIN = """<script>
"use strict";
setInterval(async () => {
  const answer = await fetch("stamp").catch(() => null);
  if (answer && answer.ok && (await answer.text()) !== "%s") location.reload();
}, %d);
</script>
"""
_NOTHING_YET = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>scaling-search: not yet</title>
<style>:root { color-scheme: light dark; } body { font: 16px/1.5 system-ui, sans-serif; padding: 2rem; }</style></head>
<body><main><h1>Nothing to show yet</h1><p>%s</p><p>The answer is shown as soon as there is one.</p></main>
</body></html>
"""


class Watched:
    """The page of a run as it is now.

    Raises:
        InvalidInput: the folder is no run.
    """

    def __init__(self, folder: RunFolder) -> None:
        folder.record()
        self.folder = folder
        self._lock = Lock()
        self._drawn: tuple[str, str] = ("", "")

    def stamp(self) -> str:
        """Another one whenever the page would be."""
        names = ("run.yaml", "candidates.csv", "trials.csv", "verification.yaml", "finals/trials.csv")
        found = (self.folder.path / name for name in names)
        return "-".join(f"{path.stat().st_mtime_ns:x}" for path in found if path.exists())

    def html(self) -> str:
        """The page, with what makes it load itself again; one at a time, drawn once for each stamp."""
        with self._lock:
            stamp = self.stamp()
            if self._drawn[0] != stamp:
                self._drawn = stamp, self._draw()
            again = _AGAIN % (stamp, 1000 * SECONDS)
            return self._drawn[1].replace("</body>", f"{again}</body>")

    def file(self, name: str) -> Path | None:
        """A file of the run that the page links to; None where there is no such one."""
        path = self.folder.path / name
        inside = path.resolve().is_relative_to(self.folder.path.resolve())
        return path if inside and path.suffix in _TYPES and path.is_file() else None

    def _draw(self) -> str:
        try:
            record = self.folder.record()
            if record.seeks:
                return baseline_page(self.folder, read_baseline(self.folder)).html()
            return page(self.folder.path, read_answer(self.folder).analysis, record)
        except InvalidInput as error:  # nothing has finished yet, or a file is just being written
            return _NOTHING_YET % escape(str(error))


class Handler(BaseHTTPRequestHandler):
    """Answers what is asked of a `Server`."""

    server: "Server"
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "scaling-search", ""
    _UNKNOWN: ClassVar[bytes] = b"there is no such page"

    def do_GET(self) -> None:
        """/, /stamp, and the files that the page links to; nothing to who calls this machine by another name."""
        if self.headers.get("Host") not in self.server.names:
            return self._answer(HTTPStatus.FORBIDDEN, "text/plain", b"this page is for this machine alone")
        path = unquote(urlsplit(self.path).path).lstrip("/")
        if path == "":
            return self._answer(HTTPStatus.OK, "text/html; charset=utf-8", self.server.watched.html().encode())
        if path == "stamp":
            return self._answer(HTTPStatus.OK, "text/plain", self.server.watched.stamp().encode())
        file = self.server.watched.file(path) if "\0" not in path else None
        if file is None:
            return self._answer(HTTPStatus.NOT_FOUND, "text/plain", self._UNKNOWN)
        return self._answer(HTTPStatus.OK, _TYPES[file.suffix], file.read_bytes())

    def log_message(self, format: str, *values: object) -> None:
        """Says nothing."""

    def _answer(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind), ("Content-Length", str(len(content))), ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ):  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    """Serves the page of a run on the loopback interface; `serve_forever` until `shutdown`.

    Args:
        port: 0 takes one that is free.

    Raises:
        InvalidInput: the folder is no run, or the port is taken.
    """

    daemon_threads = True

    def __init__(self, folder: RunFolder, *, port: int = 0) -> None:
        self.watched = Watched(folder)
        try:
            super().__init__((HOST, port), Handler)
        except OSError as error:
            raise InvalidInput(f"port {port} cannot be served: {error.strerror}; --port 0 takes a free one") from error

    @cached_property
    def names(self) -> frozenset[str]:
        """How this machine may be called: another name would be a foreign page's way in (DNS rebinding)."""
        return frozenset(f"{name}:{self.server_port}" for name in (HOST, "localhost"))

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.server_port}/"
