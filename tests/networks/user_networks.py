"""Networks as people write them, for the tests of networks/foreign; opened by file name, never imported by a test."""

from torch import Tensor, nn
from torch.nn import functional as F


class Block(nn.Module):
    """A residual block whose hidden width is half of what it puts out."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        hidden = channels_out // 2
        self.narrow = nn.Conv2d(channels_in, hidden, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(hidden)
        self.spatial = nn.Conv2d(hidden, channels_out, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.has_skip = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.spatial(F.relu(self.norm1(self.narrow(x)))))
        return F.relu(x + y if self.has_skip else y)


class SmallNet(nn.Module):
    """Stem, stages of 2, 3 and 1 blocks, classifier with dropout; 32 px."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.stage1 = nn.Sequential(Block(16, 16, 1), Block(16, 16, 1))
        self.stage2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1))
        self.stage3 = nn.Sequential(Block(32, 64, 2))
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(64, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage3(self.stage2(self.stage1(self.stem(x))))
        scores: Tensor = self.classifier(self.dropout(x.mean((2, 3))))
        return scores


def make_net() -> nn.Module:
    return SmallNet()


make_net.resolution = 32  # type: ignore[attr-defined]


def plain_net() -> nn.Module:
    """A flat nn.Sequential whose linear layer depends on the resolution; no option for the classes."""

    def convolution(channels_in: int, channels_out: int) -> list[nn.Module]:
        return [nn.Conv2d(channels_in, channels_out, 3, padding=1), nn.ReLU()]

    return nn.Sequential(
        nn.Sequential(
            *convolution(3, 8),
            *convolution(8, 8),
            nn.MaxPool2d(2),
            *convolution(8, 16),
            nn.MaxPool2d(2),
        ),
        nn.Flatten(),
        nn.Linear(16 * 8 * 8, 10),
    )


plain_net.resolution = 32  # type: ignore[attr-defined]


class Late(nn.Module):
    """The branch of a residual block ends with an activation."""

    def __init__(self, last: nn.Module) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.norm(self.convolution(x)))
        return x + y


def late(last: nn.Module) -> nn.Module:
    blocks = (Late(last), Late(last))
    return nn.Sequential(nn.Conv2d(3, 8, 3), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


def late_relu() -> nn.Module:
    return late(nn.ReLU())


def late_silu() -> nn.Module:
    return late(nn.SiLU())


class LeNet(nn.Module):
    """The textbook's: view(-1, 400) instead of flatten."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.classifier = nn.Linear(400, 10)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.classifier(self.features(x).view(-1, 400))
        return scores


class HalfSlice(nn.Module):
    """Goes on working when it is wider, on the wrong half of its channels."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 32, 3, padding=1)
        self.blocks = nn.Sequential(Block(16, 16, 1), Block(16, 16, 1))
        self.classifier = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.classifier(self.blocks(self.first(x)[:, :16]).mean((2, 3)))
        return scores


class Attributes(nn.Module):
    """Nothing but convolutions that the forward calls by name: no block that could be repeated."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 16, 3, padding=1)
        self.classifier = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.classifier(F.relu(self.second(F.relu(self.first(x)))).mean((2, 3)))
        return scores


def build(width: float, depth: float, num_classes: int = 10) -> nn.Module:
    """The builder protocol."""
    channels, layers = round(8 * width), round(2 * depth)
    blocks = [Block(channels, channels, 1) for _ in range(layers)]
    stem = nn.Conv2d(3, channels, 3, padding=1)
    return nn.Sequential(stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes))


def lazy_build(width: float, depth: float) -> nn.Module:
    """A builder that forgets its depth."""
    return build(width, 1)


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        scores: Tensor = self.convolution(x + y).mean((2, 3))
        return scores


class TwoOutputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.convolution(x).mean((2, 3))
        return y, y


class Failing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(4, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.convolution(x)
        return scores


def no_convolution() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(10))


def no_module() -> str:
    return "a network"


def broken() -> nn.Module:
    raise RuntimeError("no weights on this machine")


def needs_argument(channels: int) -> nn.Module:
    return nn.Conv2d(3, channels, 3)


number = 3
