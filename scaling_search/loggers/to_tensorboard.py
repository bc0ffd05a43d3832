"""TensorBoard: RUN/tensorboard/, with a folder for each trial and one for the search."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from scaling_search.evidence import Reading, Status
from scaling_search.loggers import facts
from scaling_search.loggers.tracker import Child, Tracker

FOLDER, SEARCH = "tensorboard", "search"


class TensorBoard(Tracker):
    """Scalars by epoch under «readings», a trial's settings as hyperparameters, the run and the answer as text, figures
    as images. Look at it with `tensorboard --logdir RUN/tensorboard`.
    """

    name: ClassVar[str] = "tensorboard"
    needs: ClassVar[tuple[str, ...]] = ("tensorboard",)

    def __init__(self) -> None:
        super().__init__()
        self._writers: dict[str, Any] = {}

    def begin(self) -> None:
        """Writes what the run is, the first time."""
        if "run" not in self.notes:
            record = self.begun.record
            text = facts.as_markdown({**facts.of_run(record), **facts.about_run(record)})
            self._writer(SEARCH).add_text("run", text)
            self.notes.keep("run", FOLDER)

    def log(self, child: Child, reading: Reading, values: dict[str, float]) -> None:
        """Scalars, at once on the disk."""
        writer = self._writer(child.name)
        if f"trial {child.name}" not in self.notes:
            self._settings(writer, child)
            self.notes.keep(f"trial {child.name}")
        for name, value in values.items():
            writer.add_scalar(f"readings/{name}", value, reading.epoch)
        writer.flush()

    def rest(self, child: Child, status: Status, reason: str) -> None:
        """Says why, where a trial failed; the file is closed, and another one begun if the trial is trained further."""
        if reason:
            self._writer(child.name).add_text("failed", reason)
        if child.name in self._writers:
            self._writers.pop(child.name).close()

    def answer(self, numbers: dict[str, float], words: dict[str, str]) -> None:
        """One text, and each number as a scalar."""
        writer = self._writer(SEARCH)
        writer.add_text("answer", facts.as_markdown({**words, **numbers}))
        for name, value in numbers.items():
            writer.add_scalar(f"answer/{name}", value)

    def end(self, figures: Sequence[Path], files: Sequence[Path]) -> None:
        """Figures as images; the other files lie in the run's folder already."""
        import numpy as np
        from PIL import Image

        for path in figures:
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("RGB"))
            self._writer(SEARCH).add_image(f"figures/{path.stem}", pixels, dataformats="HWC")
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _writer(self, name: str) -> Any:
        if name not in self._writers:
            from torch.utils.tensorboard.writer import SummaryWriter

            self._writers[name] = SummaryWriter(str(self.begun.folder / FOLDER / name))
        return self._writers[name]

    def _settings(self, writer: Any, child: Child) -> None:
        """As the plugin for hyperparameters wants them; `add_hparams` would make another folder for them."""
        from torch.utils.tensorboard.summary import hparams

        metrics = {f"readings/{name}": 0.0 for name in ("top1", "val_loss")}
        for summary in hparams(child.facts, metrics):
            writer.file_writer.add_summary(summary)
