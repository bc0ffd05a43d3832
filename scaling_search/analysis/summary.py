"""The answer in a few lines of text, for the end of a run in a terminal."""

from math import isnan

from scaling_search.analysis.answer import Analysis


def summary_lines(analysis: Analysis) -> list[str]:
    """Verdict, pick, named baselines and warnings as plain lines."""
    pick, coefficients = analysis.pick, analysis.pick.coefficients
    lines = [analysis.verdict.sentence]
    if analysis.verdict.settle:
        lines.append(analysis.verdict.settle)
    lines += [
        "",
        f"pick  α {coefficients.alpha:.3f}  β {coefficients.beta:.3f}  γ {coefficients.gamma:.3f}"
        f"  expected top-1 {percent(pick.top1, pick.top1_se)}  nearest trained {pick.candidate}",
        "",
        *_baseline_lines(analysis),
    ]
    if analysis.warnings:
        lines += ["", *(f"! {warning}" for warning in analysis.warnings)]
    return lines


def _baseline_lines(analysis: Analysis) -> list[str]:
    rows = analysis.baselines()
    lines = [
        f"{'baseline':<12}{'top-1 (measured)':<20}{'MACs':<8}{analysis.surface.reading:<15}{'behind the pick':<20}"
    ]
    for name, row in rows.iterrows():
        behind = points(row["gap"], row["gap_se"]) + ("  tied" if row["tied"] else "")
        lines.append(
            f"{name:<12}{percent(row['top1'], row['top1_se']):<20}{row['macs_ratio']:.2f}×   "
            f"{percent(row['top1_equal_cost']):<15}{behind}"
        )
    return lines if len(rows) else []


def points(value: float, error: float | None = None) -> str:
    """A difference of accuracies in points: «1.3 ± 0.4»; without an error when it is unknown."""
    known = error is not None and not isnan(error)
    return f"{100 * value:.1f}" + (f" ± {100 * error:.1f}" if known and error is not None else "")


def percent(value: float, error: float | None = None) -> str:
    """An accuracy: «71.3 ± 0.4 %»."""
    return f"{points(value, error)} %"
