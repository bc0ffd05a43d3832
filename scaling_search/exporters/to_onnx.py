"""An ONNX file for any number of images at once, computed by onnxruntime."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from scaling_search.exporters.member import Inexpressible, Logits, Member
from scaling_search.exporters.to_pt2 import batches
from scaling_search.networks.preprocessing import write_config

NAME = "model.onnx"


def write(member: Member, folder: Path) -> Logits:
    """Writes model.onnx (input `images`, output `logits`) and config.json; gives what onnxruntime computes.

    Raises:
        Inexpressible: an operation has no counterpart in ONNX.
    """
    import onnxruntime

    path, pixels = folder / NAME, member.network.resolution
    example = torch.zeros(2, 3, pixels, pixels)
    try:
        with _silent():
            torch.onnx.export(
                member.module, (example,), str(path), dynamo=True, dynamic_shapes=batches(), external_data=False,
                input_names=["images"], output_names=["logits"], verbose=False,
            )  # fmt: skip
    except torch.onnx.OnnxExporterError as error:
        raise Inexpressible(f"torch's exporter cannot translate it: {str(error).strip().splitlines()[0]}") from error
    config = member.preprocessing.to_config(architecture=member.identifier, classes=member.network.classes)
    write_config(folder, config)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def logits(images: Tensor) -> Tensor:
        (found,) = session.run(["logits"], {"images": images.numpy()})
        return torch.from_numpy(found)

    return logits


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """The exporter prints each of its steps."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
