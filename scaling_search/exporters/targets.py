"""Where a network can go: the targets by name, and what each needs installed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module, util
from pathlib import Path
from typing import Literal, cast

from scaling_search.errors import InvalidInput, nearest_hint
from scaling_search.exporters.member import Logits, Member

TargetName = Literal["timm", "torchvision", "pycls", "onnx", "pt2", "safetensors", "hf"]
Write = Callable[[Member, Path], Logits]


@dataclass(frozen=True, kw_only=True)
class Target:
    """One way out.

    Attributes:
        needs: the packages that have to be there, as they are imported.
        install: the command that installs them.
    """

    name: TargetName
    needs: tuple[str, ...] = ()
    install: str = ""

    @property
    def write(self) -> Write:
        """Writes a member into a folder, and reads it back as the target's users do.

        Raises:
            InvalidInput: a package is missing; says how to install it.
        """
        missing = [package for package in self.needs if util.find_spec(package) is None]
        if missing:
            raise InvalidInput(f"--to {self.name} needs {' and '.join(missing)}: {self.install}")
        module = import_module(f"scaling_search.exporters.to_{self.name}")
        return cast(Write, module.write)


_EXTRA = "pip install 'scaling-search[export]'"
TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Target(name="timm", needs=("timm",), install=_EXTRA),
        Target(name="torchvision", needs=("torchvision",), install=_EXTRA),
        Target(name="pycls", needs=("pycls",), install="pip install pycls"),
        Target(name="onnx", needs=("onnx", "onnxscript", "onnxruntime"), install=_EXTRA),
        Target(name="pt2"),
        Target(name="safetensors"),
        Target(name="hf", needs=("huggingface_hub",), install=_EXTRA),
    )
}


def target(name: str) -> Target:
    """The target of that name.

    Raises:
        InvalidInput: there is none; says which is nearest.
    """
    if name not in TARGETS:
        raise InvalidInput(f"there is no target {name!r}{nearest_hint(name, TARGETS)}")
    return TARGETS[name]
