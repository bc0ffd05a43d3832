"""The networks that a search compares, without a search: no data is read, nothing is measured, torch stays out."""

from scaling_search.architecture import policy
from scaling_search.search.proxy import proxy_base
from scaling_search.search.searchspace import SearchSpace
from scaling_search.search.space import Candidate
from scaling_search.study.design import make_question, make_space, rounded, search_config
from scaling_search.study.network import ScalableNetwork
from scaling_search.study.options import Options


def list_candidates(baseline: ScalableNetwork, options: Options, *, proxy: bool = False) -> list[Candidate]:
    """The candidates of a search at full size, or as the proxies that a run on CPUs trains.

    A run's proxies have the data's number of classes; here they have the baseline's.

    Raises:
        InvalidInput: a wish cannot be met, or no candidate keeps within the limits.
    """
    space = baseline.searchspace or SearchSpace(name=baseline.name, baseline=baseline.name)
    config = search_config(space, options)
    points = config.make_strategy().refinements()[-1].points()  # as fine as a plan with time enough
    full = rounded(baseline.network, config)
    question = make_question(options, config, space.proxy)
    if proxy:
        size = space.proxy.size(
            full, "cpu", question.shrink, width=options.proxy_width, resolution=options.proxy_resolution
        )
        rounding = None if config.rounding is None else policy(config.rounding)
        base = proxy_base(full, size, classes=full.classes, rounding=rounding)
        return make_space(question, base=base, full=full).candidates(points)
    return make_space(question, base=full, full=None).candidates(points)
