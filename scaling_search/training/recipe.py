"""How a network is trained, as data: the named recipes and what may be changed in them. No torch here.

recipe("proxy")                      the short training of a search
recipe("paper", batch_size=64)       EfficientNet's own, with one field changed
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from scaling_search.configuration import Strict, parse, read_yaml
from scaling_search.errors import InvalidInput, nearest_hint
from scaling_search.training.schedule import Annealed, Constant, Exponential, Schedule


class Recipe(Strict):
    """Everything about a training except the network, the data, the budget of a search and the seed."""

    name: str = "own"
    epochs: int = Field(default=4, ge=1)  # for `scaling-search train`; a search sets its own budget
    batch_size: int = Field(default=64, ge=2)  # batch norm cannot train on a single image
    accumulate: int = Field(default=1, ge=1)  # parts that a batch is cut into; batch norm sees the parts

    optimizer: Literal["adamw", "sgd", "rmsprop"] = "adamw"
    lr: float = Field(default=8e-3, gt=0)  # peak; three times less leaves short trainings unfinished (docs/training.md)
    lr_batch: int | None = Field(default=None, ge=1)  # `lr` is for this batch and scales linearly with batch_size
    momentum: float = Field(default=0.9, ge=0, lt=1)  # β₁ of AdamW
    second_moment: float = Field(default=0.99, ge=0, lt=1)  # β₂ of AdamW, the decay of RMSProp; SGD has none
    epsilon: float = Field(default=1e-8, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)  # never on biases and norms
    schedule: Schedule = Annealed()

    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    dropout: float | None = Field(default=None, ge=0, lt=1)  # None: what the network says (it grows with the level)
    drop_connect: float | None = Field(default=None, ge=0, lt=1)
    shift: float | None = Field(default=0.125, ge=0, lt=1)  # random shift, fraction of the side; None: no augmentation
    crop: tuple[float, float] | None = None  # instead: a random part of the image, of an area in this range
    autoaugment: bool = False  # AutoAugment's policy for ImageNet (arXiv 1805.09501)
    randaugment_layers: int = Field(default=0, ge=0)  # random operations an image (arXiv 1909.13719)
    randaugment_magnitude: float = Field(default=9.0, ge=0, le=10)
    zero_init_residual: bool = True  # without it short trainings are unfair to depth (docs/training.md)

    bn_momentum: float = Field(default=0.1, gt=0, le=1)  # weight of the newest batch: 1 − TensorFlow's momentum
    bn_synchronised: bool = False  # batch norm over the batch of all processes (torchrun), not of each
    bn_batches: int = Field(default=0, ge=0)  # forward passes that re-estimate batch norm before each evaluation
    ema: float | None = Field(default=None, gt=0, lt=1)  # ceiling of the averaging decay; None: no averaging

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.crop is not None and not 0 < self.crop[0] <= self.crop[1] <= 1:
            raise ValueError(f"crop is a range of areas from 0 to 1, as [0.08, 1], not {list(self.crop)}")
        if self.batch_size < 2 * self.accumulate:
            raise ValueError(f"a batch of {self.batch_size} has no {self.accumulate} parts of at least two images")
        return self

    def identity(self) -> dict[str, Any]:
        """What makes two trainings different: all but name and epochs; fields that came later only where they are used,
        so that what was begun without them goes on."""
        content = self.model_dump(mode="json", exclude={"name", "epochs"})
        return {key: value for key, value in content.items() if key not in _LATER or value != _LATER[key]}

    @property
    def peak_lr(self) -> float:
        """The peak learning rate at this recipe's batch size."""
        return self.lr if self.lr_batch is None else self.lr * self.batch_size / self.lr_batch


_LATER = {"accumulate": 1, "crop": None, "autoaugment": False, "bn_synchronised": False}

RECIPES: Mapping[str, Recipe] = {
    # Short and annealed to zero inside the budget; averaging and dropout only pay in longer trainings. Few images want
    # many steps: two epochs of shapes (a uniform 2× B0 at width 0.25) gave top-1 0.81 at batch 32, and 0.50 at batch 64
    # with lr 8e-3, for 57 and 52 CPU seconds (n = 1).
    "proxy": Recipe(name="proxy", batch_size=32, lr=6e-3, dropout=0.0, drop_connect=0.0),
    # The same at a constant rate after warm-up, read through averaged weights: every epoch is a valid reading, and a
    # paused trial can be trained further.
    "averaged": Recipe(
        name="averaged", batch_size=32, lr=6e-3, dropout=0.0, drop_connect=0.0, schedule=Constant(), ema=0.9999
    ),
    # arXiv 1905.11946 sec. 5.2 and the authors' code (decay 0.9, momentum 0.9, ε 0.001, EMA 0.9999, batch 4096; crops
    # of 8 to 100 % of the image; AutoAugment; batch norm over all processes).
    "paper": Recipe(
        name="paper",
        epochs=350,
        batch_size=256,
        optimizer="rmsprop",
        lr=0.256,
        lr_batch=4096,
        second_moment=0.9,
        epsilon=1e-3,
        weight_decay=1e-5,
        schedule=Exponential(),
        shift=None,
        crop=(0.08, 1.0),
        autoaugment=True,
        bn_synchronised=True,
        zero_init_residual=False,
        bn_momentum=0.01,
        ema=0.9999,
    ),
    # arXiv 1512.03385 with the cosine, smoothing and zero-initialised residuals of arXiv 1812.01187.
    "resnet": Recipe(
        name="resnet",
        epochs=100,
        batch_size=256,
        optimizer="sgd",
        lr=0.1,
        lr_batch=256,
        weight_decay=1e-4,
        schedule=Annealed(warmup=0.05),
    ),
}


def open_recipe(text: str, **changes: Any) -> Recipe:
    """A recipe by name, or of a YAML file: its fields, and `like: NAME` for those that it leaves out.

    Raises:
        InvalidInput: there is no such recipe or file, a field is unknown, or a value does not fit.
    """
    if not text.endswith((".yaml", ".yml")):
        return recipe(text, **changes)
    path = Path(text)
    content = read_yaml(path) or {}
    if not isinstance(content, dict):
        raise InvalidInput(f"{path} holds no recipe: a recipe is fields and values, as «lr: 0.01»")
    own = {key: value for key, value in content.items() if key != "like"}
    like = recipe(str(content["like"])).model_dump() if "like" in content else {}
    return parse(Recipe, {**like, "name": path.stem, **own, **changes}, origin=path)


def recipe(name: str, /, **changes: Any) -> Recipe:
    """The recipe of that name with some fields changed; values are as a YAML file would give them.

    Raises:
        InvalidInput: the name or a field is unknown, or a value does not fit.
    """
    if name not in RECIPES:
        raise InvalidInput(f"unknown recipe {name}{nearest_hint(name, RECIPES)}")
    return parse(Recipe, RECIPES[name].model_dump() | changes, origin=f"recipe {name}")
