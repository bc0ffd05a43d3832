"""A network that timm itself made and scaled, in the words of timm."""

from torch import nn

from scaling_search.exporters.code import Construction
from scaling_search.exporters.member import Inexpressible
from scaling_search.networks.foreign.adapters import timm_generator
from scaling_search.networks.foreign.network import ForeignNetwork

_BY_THIS_PACKAGE = '''
NETWORK = {content}
"""Scaled layer by layer: timm has no arguments for these sizes."""


def _scaled(num_classes={classes}, in_chans=3, drop_rate={dropout}, drop_path_rate={drop_connect}, **options):
    from scaling_search.networks import build
    from scaling_search.search.searchspace import network_from_dict

    if in_chans != 3 or options:
        raise ValueError(f"this network takes num_classes, drop_rate and drop_path_rate, not {{options or 'in_chans'}}")
    network = network_from_dict(NETWORK)
    model = build(network.replaced(classes=num_classes, dropout=drop_rate, drop_connect=drop_path_rate))
    model.num_classes = num_classes  # what timm goes by when it loads weights
    return model
'''


def timm_own(network: ForeignNetwork, module: nn.Module) -> Construction:
    """What makes a member of one of timm's models: timm's own generator, else this package.

    Raises:
        Inexpressible: it is no model of timm's.
    """
    library, _, name = network.source.partition(":")
    if library != "timm":
        raise Inexpressible(f"it is made by {network.source}, not by timm")
    options = {
        "num_classes": f"{network.classes}",
        "drop_rate": f"{network.dropout:g}",
        "drop_path_rate": f"{network.drop_connect:g}",
    }
    generator = timm_generator(name) if network.way == "native" else None
    if generator is not None:
        place, function, fixed = generator
        sizes = {"channel_multiplier": f"{network.width!r}", "depth_multiplier": f"{network.depth!r}"}
        literal = {key: repr(value) for key, value in fixed.items()}
        return Construction(
            imports=(f"from timm.models.{place} import {function}",),
            helpers=f'\ndef _scaled(**options):\n    return {function}("{name}", **options)\n',
            maker="_scaled",
            options={**options, **literal, **sizes},
            ends=ends(module),
        )
    return Construction(
        imports=(),
        helpers=_BY_THIS_PACKAGE.format(
            content=network.to_dict(), classes=network.classes, dropout=network.dropout,
            drop_connect=network.drop_connect,
        ),
        maker="_scaled",
        options=options,
        ends=ends(module),
        remark="It needs scaling-search: this network was scaled layer by layer, for which timm has no words.",
    )  # fmt: skip


def ends(module: nn.Module) -> tuple[str, str]:
    """The names of the first convolution and of the last layer with classes."""
    first = next(name for name, part in module.named_modules() if isinstance(part, nn.Conv2d))
    last = [name for name, part in module.named_modules() if isinstance(part, nn.Linear | nn.Conv2d)][-1]
    return first, last
