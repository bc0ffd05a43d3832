"""Python files as text: a class of another library and the arguments that make one network of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from scaling_search import __version__
from scaling_search.architecture import Architecture
from scaling_search.architecture.architecture import BatchNorm
from scaling_search.exporters.member import Member
from scaling_search.networks.correspondence import OURS, Order

_LINE = 120


@dataclass(frozen=True, kw_only=True)
class Construction:
    """How another library makes a network.

    Attributes:
        imports: lines of code.
        helpers: constants and classes that the call needs.
        maker: the class or function that is called.
        options: its keyword arguments, as code.
        order: how it lists its layers.
        ends: the names of its first convolution and of its classifier.
        features: how timm takes it apart for its features, as code.
        remark: what of the training it does otherwise; a sentence.
    """

    imports: tuple[str, ...]
    helpers: str = ""
    maker: str
    options: Mapping[str, str]
    order: Order = OURS
    ends: tuple[str, str]
    features: str = "dict(flatten_sequential=True)"
    remark: str = ""


def called(maker: str, options: Mapping[str, str], *, indent: int = 0) -> str:
    """The call as code, on one line where it fits, else an argument a line."""
    arguments = [f"{name}={value}" for name, value in options.items()]
    line = f"{maker}({', '.join(arguments)})"
    if len(line) + indent <= _LINE and "\n" not in line:
        return line
    inner = "".join(f"{' ' * (indent + 4)}{argument},\n" for argument in arguments)
    return f"{maker}(\n{inner}{' ' * indent})"


def listed(values: list[str], *, indent: int = 0) -> str:
    """A list as code, on one line where it fits, else a value a line."""
    line = f"[{', '.join(values)}]"
    if len(line) + indent <= _LINE - 20:
        return line
    inner = "".join(f"{' ' * (indent + 4)}{value},\n" for value in values)
    return f"[\n{inner}{' ' * indent}]"


def batch_norm(numbers: BatchNorm) -> str:
    """The class of a network's batch norms, as code."""
    return f"partial(nn.BatchNorm2d, eps={numbers.eps:g}, momentum={numbers.momentum:g})"


def heading(member: Member, use: str, *, remark: str = "") -> str:
    """The docstring of a file: what it holds and how it is used."""
    network = member.network
    cost = network.cost()
    lines = [
        f'"""{network.name}: {cost.params:,} parameters, {cost.macs:,} multiply-adds at {network.resolution} px.',
        "",
        f"Written by scaling-search {__version__}. Depths {'-'.join(map(str, network.depths))}, widths "
        f"{'-'.join(map(str, network.widths))}.",
        *([remark] if remark else []),
        "",
        *(f"    {line}" for line in use.splitlines()),
        '"""',
    ]
    return "\n".join(lines) + "\n"


def rates(architecture: Architecture, *, dropout: str, drop_connect: str) -> dict[str, str]:
    """Dropout and stochastic depth as arguments of these names."""
    return {dropout: f"{architecture.dropout:g}", drop_connect: f"{architecture.drop_connect:g}"}
