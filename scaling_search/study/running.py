"""Training all of a run's trials: what is missing in the journal becomes work for an executor."""

import shutil
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console

from scaling_search.options import Options
from scaling_search.progress import TrialProgress
from scaling_search.run_folder import RunFolder
from scaling_search.search.candidates import Candidate, write_table
from scaling_search.search.executors import (
    Executor,
    InlineExecutor,
    Job,
    Planned,
    RayTuneExecutor,
    Source,
    Train,
    Work,
    train_trial,
)
from scaling_search.search.journal import Journal, Record, Trial
from scaling_search.search.planning import EVALUATION
from scaling_search.search.strategies import Point
from scaling_search.study.setup import Setup


def execute(setup: Setup, folder: RunFolder, console: Console, *, train: Train = train_trial) -> bool:
    """Trains what the journal does not know yet; True when nothing is missing at the end.

    False means that the user interrupted the run: what finished is in the journal, and the same call goes on.
    """
    journal = Journal(folder.path)
    candidates = list(setup.candidates)
    source = _source(setup, folder, journal, candidates)
    with _progress(setup, journal, console) as progress:

        def on_record(record: Record) -> None:
            if journal.add(record):
                progress.update(record)

        _executor(setup, folder).run(source, train=train, on_record=on_record)
    complete = source.left == 0 and all(journal.ending(trial) for trial in _trials(candidates, setup.plan.seeds))
    if complete:
        shutil.rmtree(folder.checkpoints, ignore_errors=True)  # of trials that a scheduler stopped
    return complete


def _trials(candidates: Sequence[Candidate], seeds: int) -> list[Trial]:
    """Seed by seed, so that a run that ends early has compared all candidates."""
    return [Trial(candidate=candidate.id, seed=seed) for seed in range(seeds) for candidate in candidates]


def _source(setup: Setup, folder: RunFolder, journal: Journal, candidates: list[Candidate]) -> Source:
    """The work that is missing.

    A scheduler compares trials with each other, so on resuming it is told the finished ones again, first; fifo does not
    compare, and needs only what is missing. Ray's own restore is not used (ray#30838).
    """
    jobs = _Jobs(setup, folder, journal)
    if setup.search.strategy == "optuna":
        return _optuna(setup, folder, jobs, candidates)
    trials = _trials(candidates, setup.plan.seeds)
    if setup.options.scheduler == "fifo":
        trials = [trial for trial in trials if journal.ending(trial) is None]
    trials.sort(key=lambda trial: journal.ending(trial) is None)
    by_id = {candidate.id: candidate for candidate in candidates}
    return Planned([jobs.work(by_id[trial.candidate], [trial.seed]) for trial in trials])


class _Jobs:
    """Makes jobs: the one place that knows where checkpoints lie and what the journal holds."""

    def __init__(self, setup: Setup, folder: RunFolder, journal: Journal) -> None:
        self._setup = setup
        self._folder = folder
        self._journal = journal

    def work(self, candidate: Candidate, seeds: Sequence[int]) -> Work:
        trials = [Trial(candidate=candidate.id, seed=seed) for seed in seeds]
        return Work(name=candidate.id, jobs=tuple(self._job(candidate, trial) for trial in trials))

    def _job(self, candidate: Candidate, trial: Trial) -> Job:
        return Job(
            trial=trial,
            network=candidate.network,
            dataset=self._setup.dataset,
            recipe=self._setup.recipe,
            epochs=self._setup.plan.epochs,
            device=self._setup.device,
            checkpoint=(self._folder.checkpoints / f"{trial}.pt").absolute(),
            deterministic=self._setup.options.deterministic,
            history=self._journal.history(trial),
        )


def _optuna(setup: Setup, folder: RunFolder, jobs: _Jobs, candidates: list[Candidate]) -> Source:
    from scaling_search.search.executors.optuna_source import OptunaSource

    seeds = range(setup.plan.seeds)

    def propose(point: Point) -> Work:
        """The proposed point as work; a network that is new becomes a row of candidates.csv."""
        (proposed,) = setup.realise([point])
        known = next((candidate for candidate in candidates if candidate.key == proposed.key), None)
        if known is None:
            known = replace(proposed, id=f"c{len(candidates):02d}")
            candidates.append(known)
            write_table(folder.candidates, candidates)
        return jobs.work(known, seeds)

    planned = [(candidate.coefficients.shares(), jobs.work(candidate, seeds)) for candidate in candidates]
    named = sum(1 for candidate in candidates if candidate.names)
    return OptunaSource(planned, propose, samples=setup.search.samples - (len(candidates) - named))


def _executor(setup: Setup, folder: RunFolder) -> Executor:
    options: Options = setup.options
    if options.executor == "inline":
        return InlineExecutor()
    return RayTuneExecutor(
        workers=setup.plan.workers,
        scheduler=options.scheduler,
        epochs=setup.plan.epochs,
        gpu_fraction=1 / options.trials_per_gpu if setup.device == "cuda" else 0.0,
        log=folder.log,
    )


def _progress(setup: Setup, journal: Journal, console: Console) -> TrialProgress:
    images = len(setup.dataset.train) + EVALUATION * len(setup.dataset.val)
    weights = {
        item.id: images * setup.speed.seconds_per_image(item.coefficients.shares(), item.macs_ratio)
        for item in setup.candidates
    }
    trials = _trials(setup.candidates, setup.plan.seeds)
    proposals = setup.plan.candidates - len(setup.candidates)  # that a sampling strategy will add, at the mean cost
    mean = sum(weights.values()) / len(weights)
    epoch = sum(weights[trial.candidate] for trial in trials) + proposals * setup.plan.seeds * mean
    return TrialProgress(
        console,
        weights=weights,
        epochs=setup.plan.epochs,
        trials=setup.plan.trials,
        seconds=setup.plan.epochs * epoch,
        known=journal.records(),
    )
