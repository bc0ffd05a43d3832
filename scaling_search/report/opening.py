"""What the page opens with: two sentences and four numbers, each with what it is in plain words."""

from scaling_search.analysis import Analysis
from scaling_search.analysis.wording import loss, part, percent
from scaling_search.search.verification import Verification


def sentences(analysis: Analysis) -> tuple[str, str]:
    """The verdict; then what to do, or what added compute brings."""
    return analysis.verdict.sentence, _second(analysis)


def numbers(analysis: Analysis, verified: Verification | None = None) -> list[tuple[str, str]]:
    """Four numbers and their labels.

    Args:
        verified: what fresh seeds found: their accuracy replaces the search's, which chance has helped.
    """
    pick, decision = analysis.pick, analysis.decision
    found = pick.coefficients
    saved = analysis.trials.target_ratio < 1
    return [
        (
            f"{found.alpha:.3f} · {found.beta:.3f} · {found.gamma:.3f}",
            "times depth, width and resolution for each "
            + ("halving of the compute (one over α, β, γ)" if saved else "doubling of the compute (α, β, γ)"),
        ),
        (f"{loss(pick.expected_loss)} points", "of accuracy that this is expected to lose against the best division"),
        (
            part(decision.fraction),
            f"of all divisions may be as good, within {loss(decision.epsilon)} points",
        ),
        _accuracy(analysis, verified),
    ]


def _accuracy(analysis: Analysis, verified: Verification | None) -> tuple[str, str]:
    pick, stand_in = analysis.pick, "of its small stand-in (top-1, on the validation images"
    if verified is None or verified.headline.fresh is None:
        return percent(pick.top1, pick.top1_se), f"accuracy expected {stand_in})"
    reported = percent(verified.headline.reported)
    return percent(verified.headline.fresh), f"accuracy with fresh seeds {stand_in}; the search expected {reported})"


def _second(analysis: Analysis) -> str:
    if analysis.advice is not None:
        return analysis.advice.sentence
    base, pick = analysis.unscaled, analysis.pick
    if base is not None and base.expected_loss > analysis.decision.epsilon:
        return (
            f"The unscaled network is {loss(base.expected_loss)} points (90 %: {loss(base.low)} to {loss(base.high)}) "
            "behind the best division: added compute helps."
        )
    return (
        f"The nearest trained candidate is {pick.candidate}, which divides {100 * pick.distance:.0f} % of the compute "
        "otherwise."
    )
