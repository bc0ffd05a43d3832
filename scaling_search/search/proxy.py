"""The proxies' base: the baseline made small, once, before anything is searched; never per candidate."""

import warnings
from math import ceil, floor, log2, sqrt
from typing import Literal

from pydantic import Field

from scaling_search.architecture import Network, Rounding, coarseness
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

    def shrunk(self, factor: float) -> "ProxySize":
        """About `factor` times as cheap, in all three dimensions together: depth^1 · width² · resolution² is the cost,
        and each takes a third of the shrinking."""
        return ProxySize(
            width=self.width * factor ** (-1 / 6),
            resolution=max(8, round(self.resolution * factor ** (-1 / 6))),
            depth=self.depth * factor ** (-1 / 3),
        )


class ProxyConfig(Strict):
    """The short training that stands in for a long one."""

    # Sizes at which a search of the default length fits the device. With a larger leverage the base is made smaller
    # still, so that a candidate costs the same.
    cpu: ProxySize = ProxySize(width=0.25, resolution=52)
    cuda: ProxySize = ProxySize(width=0.5, resolution=96)
    recipe: str = "averaged"
    # Cost of a candidate over that of the proxies' base: near an optimum what a wrong division loses grows with the
    # square of ln(leverage), while the noise of a training stays (docs/design.md, 3.9). None: 2^φ, as in the paper.
    leverage: float | None = Field(default=8.0, gt=1)
    # A plan gives up detail (trials, seeds) before a trial sees fewer images than this: after 9,000 photographs seeds
    # differed by as much as candidates, after 24,000 candidates by several times that (results/information).
    minimum_images: int = Field(default=24_000, ge=1)
    # … or gets fewer epochs than this …
    minimum_epochs: int = Field(default=1, ge=1)
    # … and does not train longer than this: a larger budget goes into more seeds and points.
    maximum_epochs: int = Field(default=30, ge=1)

    def size(
        self,
        full: Network,
        device: Literal["cpu", "cuda"],
        shrink: float,
        *,
        width: float | None,
        resolution: int | None,
    ) -> ProxySize:
        """What the user asked, else this file's size for the device; by itself never above the baseline's own.

        Args:
            shrink: how many times as cheap the default is made, for leverage.
            width, resolution: what the user asked; pixels that are too few are made enough, with a warning.
        """
        if resolution is not None and resolution < full.minimum_resolution:
            least = full.minimum_resolution
            warnings.warn(f"{full.name} takes no fewer than {least} pixels: its proxies get {least}", stacklevel=2)
            resolution = least
        default = self.cuda if device == "cuda" else self.cpu
        shrunk = default.shrunk(shrink)
        return ProxySize(
            width=width or shrunk.width,
            resolution=resolution or min(shrunk.resolution, full.resolution),
            depth=shrunk.depth,
        )


def in_steps(factor: float) -> float:
    """How many times as cheap proxies are made to save time: by steps of √2, the next above. So that the same sizes
    come again, and with them what is known of their networks."""
    return float(2 ** (ceil(2 * log2(factor)) / 2))


def with_room(largest: int) -> int:
    """What images are packed at, in pixels, where the candidate that is all resolution is shown so many: a tenth more,
    since rounding may take others a little further."""
    return 8 * ceil(largest * 1.1 / 8)


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


def fine_size(
    full: Network, size: ProxySize, *, growth: float, classes: int, rounding: Rounding | None = None
) -> ProxySize:
    """The size near `size` whose networks come nearest to the asked shares: other pixels, as wide as costs the same.

    Feature maps halve, so the cost of more pixels climbs in a few high steps; where they lie depends on the pixels that
    the base begins with. A network that must be built to be counted keeps its size.

    Args:
        growth: macs of the candidates over the base's.
        classes, rounding: as for `proxy_base`.
    """
    if not full.costs_are_vectorised:
        return size

    def base(size: ProxySize) -> Network:
        return proxy_base(full, size, classes=classes, rounding=rounding)

    wanted = base(size).cost().macs

    def at(pixels: int) -> ProxySize:
        first = size.model_copy(update={"resolution": pixels, "width": size.width * size.resolution / pixels})
        more = sqrt(wanted / base(first).cost().macs)
        return first.model_copy(update={"width": first.width * more})

    least, most = max(full.minimum_resolution, ceil(0.8 * size.resolution)), floor(1.25 * size.resolution)
    sizes = [size, *(at(pixels) for pixels in range(least, min(most, full.resolution) + 1))]
    return min(sizes, key=lambda one: coarseness(base(one), growth=growth))
