"""The answer in a few lines of text, for the end of a run in a terminal."""

from scaling_search.analysis.answer import Analysis
from scaling_search.analysis.law import Law
from scaling_search.analysis.unscaled import Unscaled
from scaling_search.analysis.wording import loss, percent


def summary_lines(analysis: Analysis) -> list[str]:
    """Verdict, advice, pick, references, what drifts as networks grow, and warnings as plain lines."""
    pick, coefficients = analysis.pick, analysis.pick.coefficients
    lines = [analysis.verdict.sentence]
    if analysis.advice:
        lines.append(analysis.advice.sentence)
    lines += [
        "",
        f"pick  α {coefficients.alpha:.3f}  β {coefficients.beta:.3f}  γ {coefficients.gamma:.3f}"
        f"  expected top-1 {percent(pick.top1, pick.top1_se)}  nearest trained {pick.candidate}",
        "",
        *_reference_lines(analysis),
    ]
    law = analysis.law
    if isinstance(law, Law) and law.better and law.drifts:
        lines += ["", law.drift_sentence(analysis.decision.epsilon)]
    if analysis.lengths:
        lines += ["", analysis.lengths.sentence]
    if analysis.warnings:
        lines += ["", *(f"! {warning}" for warning in analysis.warnings)]
    return lines


def _reference_lines(analysis: Analysis) -> list[str]:
    """What was built under each reference's name, and what it is expected to lose."""
    within = f"within {loss(analysis.decision.epsilon)}"
    rows = [("reference", "as built (d / w / r)", "top-1 (measured)", "MACs", "expected loss", within)]
    for name, row in analysis.references().iterrows():
        shares = " / ".join(f"{100 * row[f'share_{axis}']:.0f}" for axis in ("depth", "width", "resolution"))
        built = bool(row["candidate"])
        measured = percent(row["top1"], row["top1_se"]) if built else "not trained"
        cost = f"{row['macs_ratio']:.2f}×" if built else ""
        likely = f"{100 * row['probability_within_epsilon']:.0f} %"
        rows.append((str(name), shares, measured, cost, loss(row["expected_loss"]), likely))
    rows += _unscaled_cells(analysis.unscaled)
    wide = 2 + max(len(lost) for *_, lost, _ in rows)
    return [
        f"{name:<12}{shares:<22}{measured:<20}{cost:<8}{lost:<{wide}}{likely}"
        for name, shares, measured, cost, lost, likely in rows
    ]


def _unscaled_cells(unscaled: Unscaled | None) -> list[tuple[str, str, str, str, str, str]]:
    """The base itself in the same columns; 90 % of what it may lose in brackets."""
    if unscaled is None:
        return []
    lost = f"{loss(unscaled.expected_loss)} ({loss(unscaled.low)}–{loss(unscaled.high)})"
    measured = percent(unscaled.top1, unscaled.top1_se)
    within = f"{100 * unscaled.probability_within_epsilon:.0f} %"
    return [("unscaled", "nothing added", measured, "1.00×", lost, within)]
