"""When the environment fails a trial, which says nothing of its network: a full disk, lost data, a killed worker."""

from collections.abc import Iterator

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading
from scaling_search.search.executors.base import Job, OnReading, Train

DIED = "its worker process died (killed, or out of memory); see ray.log"
LOST = "the machine that trained it went away, time and again"


class Trouble(RuntimeError):
    """The environment failed a trial; the message is one line. Small enough to come from another machine."""


def reason_of(error: BaseException) -> str:
    """One line for the screen or a table: what a failure says itself, a system error's words, else type and message."""
    own = getattr(error, "reason", None)
    if isinstance(own, str) and own:
        text = own
    elif isinstance(error, OSError) and error.strerror:
        text = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    elif isinstance(error, Trouble | InvalidInput):
        text = str(error)
    else:
        text = f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:300]


def troubled(train: Train, job: Job) -> Iterator[Reading]:
    """What a training brings; whatever it raises becomes a Trouble.

    Raises:
        Trouble: with the reason.
    """
    try:
        yield from train(job)
    except Exception as error:
        raise Trouble(reason_of(error)) from error


def hand_on(readings: Iterator[Reading], on_reading: OnReading) -> str:
    """Hands every reading on; the reason of the trouble that ended them, "" where there was none.

    What on_reading raises is no trouble of the trial and goes through.
    """
    while True:
        try:
            reading = next(readings)
        except StopIteration:
            return ""
        except Trouble as error:
            return str(error)
        on_reading(reading)
