"""How trials run, from what was asked, and again from a run's record."""

from scaling_search.errors import InvalidInput
from scaling_search.search.executors import Executor, Inline, Ray
from scaling_search.search.record import ExecutorRecord
from scaling_search.study.options import Options

OF_RAY = ("trials_per_gpu", "cpus_per_trial", "gpus_per_trial", "address", "storage")
"""Options that only Ray has."""


def make_executor(options: Options) -> Executor:
    """How trials run.

    Raises:
        InvalidInput: a scheduler is asked for where there is none to compare trials.
    """
    if options.executor == "ray":
        return Ray(
            workers=options.workers,
            scheduler=options.scheduler,
            trials_per_gpu=options.trials_per_gpu,
            cpus_per_trial=options.cpus_per_trial,
            gpus_per_trial=options.gpus_per_trial,
            address=options.address,
            storage=options.storage,
        )
    if options.scheduler != "fifo":
        raise InvalidInput(
            f"--scheduler {options.scheduler} is Ray Tune's and compares trials that run at once: use --executor ray"
        )
    if options.workers not in (None, 1):
        raise InvalidInput("--executor inline runs one trial at a time: leave --workers out, or use --executor ray")
    for name in OF_RAY:
        if name != "trials_per_gpu" and getattr(options, name) != Options.model_fields[name].default:
            raise InvalidInput(f"--{name.replace('_', '-')} is for --executor ray")
    return Inline()


def executor_again(record: ExecutorRecord, *, address: str | None = None) -> Executor:
    """The executor that a run was begun with.

    Args:
        address: of the Ray to join now; with one, as many trials run at once as it has room for.

    Raises:
        InvalidInput: it is a person's own, which only they can hand over, or none that could join.
    """
    if record.kind == "inline" and address is None:
        return Inline()
    if record.kind == "inline":
        raise InvalidInput("the run's trials run in one process (--executor inline), which joins no Ray")
    if record.kind != "ray":
        raise InvalidInput(f"the run's executor is your own ({record.kind}): open it with Study.open(…, executor=…)")
    return Ray(
        workers=record.workers if address is None else None,
        scheduler=record.scheduler,
        trials_per_gpu=record.trials_per_gpu,
        cpus_per_trial=record.cpus_per_trial,
        gpus_per_trial=record.gpus_per_trial,
        address=address,
        storage=record.storage,
    )
