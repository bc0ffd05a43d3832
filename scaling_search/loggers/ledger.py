"""What a tracker has been told of a run: kept in the run's folder, so that a resumed run tells it nothing twice."""

import json
from pathlib import Path

FOLDER = "trackers"


class Ledger:
    """Keys and what a tracker calls them, one JSON line each; only ever appended to.

    Args:
        path: of the file; made when something is kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[str, str] = {}
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        self._torn = text != "" and not text.endswith("\n")
        for line in text.splitlines():
            try:
                key, value = json.loads(line)
            except (ValueError, TypeError):  # the line that a kill cut off
                continue
            self._kept[key] = value

    def __contains__(self, key: str) -> bool:
        return key in self._kept

    def get(self, key: str) -> str | None:
        """What is kept under the key."""
        return self._kept.get(key)

    def keep(self, key: str, value: str = "") -> None:
        """Keeps it, in the file too.

        Raises:
            OSError: the file cannot be written.
        """
        self._path.parent.mkdir(exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(("\n" if self._torn else "") + json.dumps([key, value], ensure_ascii=False) + "\n")
        self._torn = False
        self._kept[key] = value
