"""The proxies' base: the baseline made small, once, before anything is searched; never per candidate."""

from math import ceil, sqrt
from typing import Literal

from pydantic import Field

from scaling_search.architecture import Network, Rounding
from scaling_search.coefficients import Multipliers
from scaling_search.configuration import Strict


class ProxySize(Strict):
    """How small the baseline is made.

    Attributes:
        width, depth: multipliers of the baseline's.
        resolution: side of the input, in pixels.
    """

    width: float = Field(gt=0)
    resolution: int = Field(ge=8)
    depth: float = Field(default=1.0, gt=0)

    def packed_resolution(self, growth: float) -> int:
        """What images are packed at, in pixels: a pure-resolution candidate's √growth, and room for the walk to its
        realised cost."""
        return 8 * ceil(self.resolution * sqrt(growth) * 1.1 / 8)


class ProxyConfig(Strict):
    """The short training that stands in for a long one."""

    # Sizes at which a search of the default length fits the device.
    cpu: ProxySize = ProxySize(width=0.25, resolution=52)
    cuda: ProxySize = ProxySize(width=0.5, resolution=96)
    recipe: str = "proxy"
    # A plan gives up detail (lattice, seeds) before it goes below this many epochs …
    minimum_epochs: int = Field(default=4, ge=1)
    # … and does not train longer than this: a larger budget goes into more seeds and points.
    maximum_epochs: int = Field(default=30, ge=1)

    def size(
        self, full: Network, device: Literal["cpu", "cuda"], *, width: float | None, resolution: int | None
    ) -> ProxySize:
        """What the user asked, else this file's size for the device; by itself never above the baseline's own."""
        default = self.cuda if device == "cuda" else self.cpu
        return ProxySize(
            width=width or default.width,
            resolution=resolution or min(default.resolution, full.resolution),
            depth=default.depth,
        )


def proxy_base(full: Network, size: ProxySize, *, classes: int, rounding: Rounding | None = None) -> Network:
    """The baseline made small: what the proxies are scaled from.

    Args:
        full: the baseline at full size.
        classes: of the data.
        rounding: of the proxies. By default the baseline's own, but in single layers and to the nearest channel:
            rounded up, whole regions of the share triangle come to the same network (docs/design.md, «Proxies round
            finely»).
    """
    small = Multipliers(depth=size.depth, width=size.width, resolution=size.resolution / full.resolution)
    return full.replaced(rounding=rounding or full.rounding.for_proxies()).proxied(small).replaced(classes=classes)
