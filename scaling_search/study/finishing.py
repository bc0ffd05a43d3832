"""From a run's records to its answer: best.yaml, the family, the figures and the report."""

from pathlib import Path

from rich.console import Console

from scaling_search import searchspace
from scaling_search.analysis import analyze, summary_lines, write_best
from scaling_search.analysis.family import Member, by_rule
from scaling_search.configuration import to_yaml
from scaling_search.files import write_atomically
from scaling_search.report import write_report
from scaling_search.run_folder import RunFolder

FAMILY = range(1, 8)
"""φ of B1 … B7."""


def finish(folder: RunFolder, console: Console) -> None:
    """Analyses what the run has so far, writes everything that follows from it, and prints the answer.

    Raises:
        InvalidInput: the folder is not a run, or no trial has finished.
    """
    written = folder.configuration()
    analysis = analyze(folder.path)
    write_best(folder.path, analysis)
    baseline = searchspace.network_from_dict(written["baseline"]["network"])
    coefficients = analysis.pick.coefficients
    write_family(folder.family, by_rule(baseline, coefficients, FAMILY))
    report = write_report(folder.path, analysis)
    console.print()
    for line in summary_lines(analysis):
        console.print(line, markup=False)
    console.print()
    console.print(f"family    {folder.family}/b1.yaml … b7.yaml")
    console.print(f"report    {report}")


def write_run_report(folder: RunFolder) -> Path:
    """Draws the figures and writes report.html again; returns its path."""
    folder.configuration()
    return write_report(folder.path, analyze(folder.path))


def write_family(folder: Path, members: list[Member]) -> list[Path]:
    """One YAML file a member, b1.yaml …; files of an earlier family with these names are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{member.name.lower()}.yaml" for member in members]
    for path, member in zip(paths, members, strict=True):
        write_atomically(path, to_yaml(member.to_dict()))
    return paths
