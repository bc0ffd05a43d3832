"""Trials one after the other in this process: for tests, quick runs and machines with one core."""

from scaling_search.search.executors.base import OnRecord, Source, Train, Work, mean_score
from scaling_search.search.journal import Record


class InlineExecutor:
    """Runs the same trials as Ray Tune would, without starting Ray. Ctrl-C ends the run after a clean return."""

    workers = 1

    def run(self, source: Source, *, train: Train, on_record: OnRecord) -> None:
        try:
            while (work := source.next()) is not None:
                source.tell(work, _run(work, train, on_record))
        except KeyboardInterrupt:
            return


def _run(work: Work, train: Train, on_record: OnRecord) -> float | None:
    ends: list[Record] = []
    for job in work.jobs:
        for record in train(job):
            on_record(record)
            if record.final:
                ends.append(record)
    return mean_score(ends)
