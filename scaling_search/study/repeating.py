"""A search once more, from its run.yaml: nothing is planned or measured again, so the same trials are trained.

What may be otherwise is what leaves the candidates as they are. A pilot has done its work: the plan that it settled is
in the record, and so are the divisions that were trained longer.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from scaling_search.configuration import parse
from scaling_search.environment import describe_device, git_commit, resolve_device, versions
from scaling_search.errors import InvalidInput, nearest_hint
from scaling_search.search.executors import Executor
from scaling_search.search.record import DeviceRecord, RunRecord, read_record
from scaling_search.search.searchspace import adopt_live
from scaling_search.study.design import space_of
from scaling_search.study.engines import OF_RAY, executor_again, make_executor
from scaling_search.study.options import Options
from scaling_search.study.preparation import Prepared, data_again, data_changed, executor_record
from scaling_search.training.recipe import recipe

_OF_STRATEGY = ("seeds", "epochs")
_OF_EXECUTOR = ("executor", "scheduler", "workers", *OF_RAY)
CHANGEABLE = (*_OF_STRATEGY, "epsilon", "recipe", "device", "deterministic", *_OF_EXECUTOR)


def repeated(config: Path, changes: Mapping[str, str], *, command: str) -> Prepared:
    """What a run needs before its first trial, as another run had it.

    Args:
        config: run.yaml, or the folder that it lies in.
        changes: values of `CHANGEABLE`, as text.
        command: what was typed, for the new run.yaml.

    Raises:
        InvalidInput: the file is no run's, its data have changed since, or something cannot be changed so.
    """
    path = config / "run.yaml" if config.is_dir() else config
    if not path.is_file():
        raise InvalidInput(f"there is no run at {config}: name its folder or its run.yaml")
    before = read_record(path)
    if before.pilot is not None and before.pilot.pending:
        raise InvalidInput(f"{path.parent} was cut off before its pilot had settled a plan: resume it instead")
    options = _options(changes)
    adopt_live(path.parent)
    data = data_again(before.data, None, None)
    if data.fingerprint != before.data.fingerprint:
        raise InvalidInput(f"{data_changed(before, path.parent)}, and so would every reading")
    record = _changed(before, changes, options)
    executor = _executor(before, changes, options)
    workers = executor.workers_on(resolve_device(record.device.kind))
    strategy = record.make_strategy()
    space = space_of(record)
    record = record.model_copy(
        update={
            "command": command,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "git": git_commit(),
            "versions": versions(),
            "executor": executor_record(executor, workers),
            "counts": (),
        }
    )
    return Prepared(
        record=record, space=space, candidates=tuple(space.candidates(strategy.points())), dataset=data,
        strategy=strategy, executor=executor,
    )  # fmt: skip


def _options(changes: Mapping[str, str]) -> Options:
    unknown = [key for key in changes if key not in CHANGEABLE]
    if unknown:
        why = "would change the candidates" if unknown[0] in Options.model_fields else "is nothing that a run has"
        raise InvalidInput(f"--set {unknown[0]}: it {why}{nearest_hint(unknown[0], CHANGEABLE)}")
    try:
        values = {key: yaml.safe_load(value) for key, value in changes.items()}
    except yaml.YAMLError as error:
        raise InvalidInput(f"--set: a value cannot be read: {str(error).splitlines()[0]}") from error
    return parse(Options, values, origin="--set")


def _changed(before: RunRecord, changes: Mapping[str, str], options: Options) -> RunRecord:
    """The record with these values; its plan counts with them."""
    given = {key: getattr(options, key) for key in changes if key in _OF_STRATEGY}
    strategy = {**before.strategy, **given}
    trials = before.plan.trials
    if "seeds" in given and before.seeds:
        trials = trials // before.seeds * given["seeds"]
    plan = before.plan.model_copy(update={"trials": trials, "more": 0, "final": False})
    content: dict[str, Any] = {"strategy": strategy, "plan": plan}
    if given and before.lengths is not None:
        content["lengths"] = None  # it was planned for those trials
    if "epsilon" in changes:
        content["question"] = before.question.model_copy(update={"epsilon": options.epsilon})
        if "epsilon" in strategy:
            content["strategy"] = {**strategy, "epsilon": options.epsilon}
    if "recipe" in changes:
        content["recipe"] = recipe(str(options.recipe))
    if "device" in changes:
        content["device"] = DeviceRecord(**describe_device(resolve_device(options.device)))
    if "deterministic" in changes:
        content["deterministic"] = options.deterministic
    record = before.model_copy(update=content)
    record.make_strategy()  # a setting that the strategy does not have is said now
    return record


def _executor(before: RunRecord, changes: Mapping[str, str], options: Options) -> Executor:
    if not set(changes) & set(_OF_EXECUTOR):
        return executor_again(before.executor)
    own = {"executor": before.executor.kind, "scheduler": before.executor.scheduler,
           "trials_per_gpu": before.executor.trials_per_gpu}  # fmt: skip
    if before.executor.kind == "ray" and options.executor == "ray":
        own |= {
            name: getattr(before.executor, name) for name in ("workers", "cpus_per_trial", "gpus_per_trial", "storage")
        }
    given = {key: getattr(options, key) for key in changes if key in _OF_EXECUTOR}
    return make_executor(parse(Options, {**own, **given}, origin="--set"))
