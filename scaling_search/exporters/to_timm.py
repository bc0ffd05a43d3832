"""A folder that `timm.create_model("local-dir:FOLDER", pretrained=True)` loads, with the code that timm lacks."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from scaling_search.architecture import Architecture
from scaling_search.exporters.code import Construction, called, heading
from scaling_search.exporters.files import imported, save_weights
from scaling_search.exporters.member import Inexpressible, Logits, Member
from scaling_search.exporters.timm_classes import timm_class
from scaling_search.exporters.timm_foreign import timm_own
from scaling_search.networks.correspondence import as_theirs
from scaling_search.networks.foreign.network import ForeignNetwork
from scaling_search.networks.preprocessing import write_config

_TEMPLATE = '''{heading}
from functools import partial
from pathlib import Path

from torch import nn
from timm.models import generate_default_cfgs, register_model
from timm.models._builder import build_model_with_cfg
{imports}
{helpers}
default_cfgs = generate_default_cfgs({{
    "{name}": {{
        "file": str(Path(__file__).with_name("model.safetensors")),
{keys}
    }},
}})


@register_model
def {name}(pretrained: bool = False, **options) -> nn.Module:
    """{title}."""
    own = {own}
    features = {features}
    return build_model_with_cfg({maker}, "{name}", pretrained, feature_cfg=features, **{{**own, **options}})
'''


def write(member: Member, folder: Path) -> Logits:
    """Writes NAME.py, config.json and model.safetensors; gives what timm makes of them.

    Raises:
        Inexpressible: timm has no class for this network.
    """
    import timm

    made, name = construction(member), _free(member.identifier)
    write_code(member, made, folder)
    imported(folder / f"{name}.py")
    first, classifier = made.ends
    with quiet():
        theirs = timm.create_model(name, pretrained=False)
    save_weights(folder, weights_of(member, theirs, made))
    config = member.preprocessing.to_config(
        architecture=name, classes=member.network.classes, first_conv=first, classifier=classifier
    )
    write_config(folder, config)
    with quiet():
        loaded: nn.Module = timm.create_model(f"local-dir:{folder}", pretrained=True)
    return loaded.eval()


def construction(member: Member) -> Construction:
    """How timm makes the network.

    Raises:
        Inexpressible: it cannot.
    """
    if isinstance(member.network, Architecture):
        return timm_class(member.network)
    assert isinstance(member.network, ForeignNetwork)
    return timm_own(member.network, member.module)


def weights_of(member: Member, theirs: nn.Module, made: Construction) -> dict[str, Any]:
    """The member's weights by timm's names.

    Raises:
        Inexpressible: timm's module has other layers.
    """
    if not isinstance(member.network, Architecture):  # it is timm's own module
        return dict(member.module.state_dict())
    try:
        return as_theirs(member.module, theirs.state_dict(), made.order)
    except ValueError as error:
        raise Inexpressible(f"timm's {made.maker.strip('_')} rounds otherwise: {error}") from error


def write_code(member: Member, made: Construction, folder: Path) -> None:
    """Writes the file that registers the model."""
    name = _free(member.identifier)
    keys = "\n".join(f'        "{key}": {_literal(value)},' for key, value in _keys(member, made).items())
    use = f'import timm, {name}\nmodel = timm.create_model("local-dir:{folder.name}", pretrained=True)'
    helpers = f"\n{made.helpers.strip()}\n" if made.helpers else ""
    text = _TEMPLATE.format(
        heading=heading(member, use, remark=made.remark),
        imports="\n".join(made.imports),
        helpers=helpers,
        name=name,
        keys=keys,
        title=f"{member.network.name} at {member.network.resolution} px",
        own=called("dict", made.options, indent=4),
        maker=made.maker,
        features=made.features,
    )
    (folder / f"{name}.py").write_text(text, encoding="utf-8")


def _keys(member: Member, made: Construction) -> dict[str, Any]:
    first, classifier = made.ends
    return {
        **member.preprocessing.timm_keys(member.network.classes),
        "first_conv": first,
        "classifier": classifier,
    }


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(tuple(value) if isinstance(value, list) else value)


@contextmanager
def quiet() -> Iterator[None]:
    """timm's remarks on models that it registers twice stay out of the terminal."""
    logger = logging.getLogger("timm")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _free(name: str) -> str:
    """A name that is none of timm's own: what the file registers must not take the place of another network."""
    from timm.models import is_model, model_entrypoint

    theirs = is_model(name) and str(model_entrypoint(name).__module__).startswith("timm.")
    return f"scaled_{name}" if theirs else name
