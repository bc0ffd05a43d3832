"""The answer in a few lines of text, for the end of a run in a terminal."""

from scaling_search.analysis.answer import Analysis
from scaling_search.analysis.wording import percent, points


def summary_lines(analysis: Analysis) -> list[str]:
    """Verdict, pick, references and warnings as plain lines."""
    pick, coefficients = analysis.pick, analysis.pick.coefficients
    lines = [analysis.verdict.sentence]
    if analysis.verdict.settle:
        lines.append(analysis.verdict.settle)
    lines += [
        "",
        f"pick  α {coefficients.alpha:.3f}  β {coefficients.beta:.3f}  γ {coefficients.gamma:.3f}"
        f"  expected top-1 {percent(pick.top1, pick.top1_se)}  nearest trained {pick.candidate}",
        "",
        *_reference_lines(analysis),
    ]
    if analysis.warnings:
        lines += ["", *(f"! {warning}" for warning in analysis.warnings)]
    return lines


def _reference_lines(analysis: Analysis) -> list[str]:
    rows = analysis.references()
    lines = [
        f"{'reference':<12}{'top-1 (measured)':<20}{'MACs':<8}{analysis.surface.reading:<15}{'behind the pick':<20}"
    ]
    for name, row in rows.iterrows():
        behind = points(row["gap"], row["gap_se"]) + ("  tied" if row["tied"] else "")
        lines.append(
            f"{name:<12}{percent(row['top1'], row['top1_se']):<20}{row['macs_ratio']:.2f}×   "
            f"{percent(row['top1_equal_cost']):<15}{behind}"
        )
    return lines if len(rows) else []
