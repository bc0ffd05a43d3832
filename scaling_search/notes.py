"""What was found out or told once, kept on the disk from one command to the next."""

import json
import os
from pathlib import Path


class Notes:
    """Texts by text, a line of JSON each in a file that is only ever appended to, by several processes too.

    A line that a kill or a full disk cut off is as if it were not there.

    Args:
        path: of the file; made, with its folder, when something is kept.

    Raises:
        OSError: the file is there and cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[str, str] = {}
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        self._torn = text != "" and not text.endswith("\n")
        for line in text.splitlines():
            try:
                key, value = json.loads(line)
            except (ValueError, TypeError):
                continue
            self._kept[str(key)] = str(value)

    def __contains__(self, key: str) -> bool:
        return key in self._kept

    def get(self, key: str) -> str | None:
        """What is kept under the key; None where nothing is."""
        return self._kept.get(key)

    def keep(self, key: str, value: str = "") -> None:
        """Keeps it, in the file too: by one write, which others that append at the same time do not cut in two.

        Raises:
            OSError: the file cannot be written.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        line = ("\n" if self._torn else "") + json.dumps([key, value], ensure_ascii=False) + "\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)
        self._torn = False
        self._kept[key] = value
