"""What a scaled foreign network came to: counted once for each distinct size, remembered."""

import json
from collections import OrderedDict
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from math import prod

from torch import nn

from scaling_search.architecture import Cost
from scaling_search.networks.foreign import check
from scaling_search.networks.foreign.baseline import Baseline, Request, Scaled
from scaling_search.networks.foreign.depth import scaled_depths
from scaling_search.networks.foreign.remembered import table
from scaling_search.networks.foreign.trace import BATCH, Calls, channels, is_layer, shapes_only
from scaling_search.networks.measure import measured_cost

_REMEMBERED = 4096


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The whole numbers of one scaled network, and its cost."""

    depths: tuple[int, ...]
    widths: tuple[int, ...]
    cost: Cost


_known: OrderedDict[tuple[object, ...], Counted] = OrderedDict()


def counted(baseline: Baseline, request: Request) -> Counted:
    """The realised size and cost of a network.

    Raises:
        InvalidInput: it cannot be scaled so, or what comes out does not cost what its multipliers say.
    """
    key = (baseline.source.name, *_size_key(baseline, request), request.resolution, request.classes, request.rounding)
    found = _known.get(key)
    if found is None:
        found = _known[key] = _counted_before(baseline, request, repr(key))
        if len(_known) > _REMEMBERED:
            _known.popitem(last=False)
    return found


def _counted_before(baseline: Baseline, request: Request, key: str) -> Counted:
    """By this or an earlier command."""
    known = table(baseline.source.name)
    text = known.get(key) if known else None
    with suppress(ValueError, KeyError, TypeError):  # a line that somebody else wrote
        row = json.loads(text or "")
        return Counted(depths=tuple(row["depths"]), widths=tuple(row["widths"]), cost=Cost(**row["cost"]))
    found = _count(baseline, request)
    if known:
        with suppress(OSError):  # a cache that cannot be written is none
            known.keep(key, json.dumps(asdict(found)))
    return found


def _size_key(baseline: Baseline, request: Request) -> tuple[object, ...]:
    """What tells sizes apart before anything is built: most multipliers round to the same whole numbers as others."""
    if baseline.source.scales_itself:
        return request.depth, request.width
    view = baseline.view
    # a library's own rule may round otherwise than the policy; where both roundings agree, so do the networks
    roundings = [request.rounding, request.rounding.model_copy(update={"width": "nearest"})]
    depth_roundings = [request.rounding, request.rounding.model_copy(update={"depth": "nearest"})]
    layers = {name: view.module.get_submodule(name) for name in view.roles.by_name}
    counts = sorted({(channels(layer)[1], view.roles.by_name[name].end) for name, layer in layers.items()})
    return (
        *(scaled_depths(view.stages, request.depth, rounding) for rounding in depth_roundings),
        tuple(view.roles.rounded(rounding, count, request.width) for rounding in roundings for count, _ in counts),
        min(request.width, 1.0) if request.rounding.head_grows_only else 1.0,
    )


def _count(baseline: Baseline, request: Request) -> Counted:
    scaled = baseline.scaled(request)
    found = Counted(
        depths=scaled.network.depths, widths=_widths(scaled), cost=_cost(scaled.network.module, scaled.calls, request)
    )
    if request.depth == request.width == 1:
        return found
    base = counted(baseline, replace(request, depth=1, width=1))
    same_stages = len(base.depths) == len(found.depths)
    depths = (base.depths, found.depths) if same_stages else ([sum(base.depths)], [sum(found.depths)])
    try:
        check.check_cost(
            base.cost,
            found.cost,
            growth=[after / before for before, after in zip(*depths, strict=True)],
            width=request.width,
            dense=any(stage.is_dense for stage in scaled.view.stages),
        )
    except ValueError as error:
        raise baseline.refusal(request, error) from error
    return found


def _widths(scaled: Scaled) -> tuple[int, ...]:
    """Channels of the stem, of what each stage puts out, and of the layers between the stages and the classifier."""
    parts = {name: scaled.network.module.get_submodule(name) for name in scaled.calls}
    layers = {name: part for name, part in parts.items() if is_layer(part)}
    ends = {name: role.end for name in layers if (role := scaled.role(name)) is not None}
    names = {part: name for name, part in parts.items()}
    stem = [channels(layer)[1] for name, layer in layers.items() if ends.get(name) == "stem"]
    head = [channels(layer)[1] for name, layer in layers.items() if ends.get(name) == "head"]
    stages = [scaled.calls[names[stage[-1].modules[-1]]].channels_out for stage in scaled.network.stages]
    return (*stem, *stages, *head)


def _cost(module: nn.Module, calls: Calls, request: Request) -> Cost:
    """Counted on the module; what memory follows from is estimated from what goes in and out of its parts.

    Each part without parts keeps its output for the backward pass, and at its turn its input and output are alive.
    """
    with shapes_only(module):
        whole = measured_cost(module, request.resolution)
    leaves = [call for name, call in calls.items() if not any(True for _ in module.get_submodule(name).children())]
    made = [sum(map(prod, call.outputs)) // BATCH for call in leaves]
    held = [sum(map(prod, (*call.inputs, *call.outputs))) // BATCH for call in leaves]
    kept = sum(made)
    return replace(whole, kept=kept, backward=kept + max(held), live=max(held))
