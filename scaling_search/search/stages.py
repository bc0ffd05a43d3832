"""A space of stages: a network, and for each of its stages what may be there instead; one file of searchspaces/.

The space asks a list of questions (the kernel of stage 3?), each with a few answers; answering all makes a network,
whose cost is known before anything is trained. MnasNet's space (arXiv 1807.11626, sec. 4.1), in which B0 was found too
(arXiv 1905.11946, sec. 4), is of this form: sizes lie around those of a known network.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import product
from pathlib import Path
from random import Random as Generator
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from scaling_search import architecture
from scaling_search.architecture import Architecture
from scaling_search.architecture.blocks import AnyStage
from scaling_search.configuration import Strict, first_problem, parse, read_yaml
from scaling_search.errors import InvalidInput, nearest_hint
from scaling_search.evidence import Choices
from scaling_search.search.proxy import ProxyConfig
from scaling_search.search.searchspace import SPACE_SUFFIX, folder

_STAGE: TypeAdapter[Any] = TypeAdapter(AnyStage)
_RELATIVE = ("layers", "channels")
"""What is chosen relative to the stage of the file: layers that are added, and a factor of the channels."""

StagedName = Literal["evolution", "optuna", "random", "halving"]
"""The strategies over such a space, by the words of `strategies.STAGED`."""

Block = Literal["mbconv", "fused_mbconv", "plain", "separable", "basic", "bottleneck"]
Few = Field(min_length=1, max_length=16)


class Answers(Strict):
    """What may be chosen of a stage. None: what the file's stage has.

    Attributes:
        block: the operator; options that it does not have are left out, so that its networks are counted once.
        kernel, expansion, se, skip, ratio: options of blocks, see `architecture.blocks`.
        layers: that are added to the stage's.
        channels: factors of the stage's, rounded as the network rounds.
    """

    block: Annotated[tuple[Block, ...] | None, Few] = None
    kernel: Annotated[tuple[Literal[3, 5, 7], ...] | None, Few] = None
    expansion: Annotated[tuple[int, ...] | None, Few] = None
    se: Annotated[tuple[float, ...] | None, Few] = None
    skip: Annotated[tuple[bool, ...] | None, Few] = None
    ratio: Annotated[tuple[float, ...] | None, Few] = None
    layers: Annotated[tuple[int, ...] | None, Few] = None
    channels: Annotated[tuple[float, ...] | None, Few] = None

    def given(self) -> dict[str, tuple[Any, ...]]:
        """Those that are said."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: values for name, values in found.items() if values is not None}


class Question(NamedTuple):
    """One choice: of a stage, counted from 1, its option, and the answers."""

    stage: int
    option: str
    answers: tuple[Any, ...]


class StageSpace(Strict):
    """The content of such a file.

    Attributes:
        baseline: the space's own network, a stage table; its answers are among the choices.
        choices: for all stages.
        stages: for single ones, counted from 1, instead of `choices`.
        proxy: how small its networks are made for training.

    Raises:
        InvalidInput: (from validation) a stage could not be built with some answers; it is named.
    """

    name: str
    source: str = ""
    baseline: dict[str, Any]
    choices: Answers
    stages: dict[int, Answers] = Field(default_factory=dict)
    proxy: ProxyConfig = ProxyConfig()

    @model_validator(mode="after")
    def _possible(self) -> Self:
        own, stages = self.network(), self.baseline["stages"]
        if wrong := sorted(set(self.stages) - set(range(1, len(stages) + 1))):
            raise InvalidInput(f"stages.{wrong[0]}: the network has stages 1 to {len(stages)}")
        for number, stage in enumerate(stages, start=1):
            for option, answers in self._answers(number).items():
                self._check_answers(number, option, answers, stage)
            cin = int(own.stages[number - 2].channels if number > 1 else own.stem.channels if own.stem else 3)
            for combination in self._combinations(number):
                _check_stage(number, self._stage(number, combination), cin)
        return self

    def _check_answers(self, number: int, option: str, answers: tuple[Any, ...], stage: Mapping[str, Any]) -> None:
        if len(set(answers)) < len(answers):
            raise InvalidInput(f"stage {number}: {option} names an answer twice")
        own = _own_answer(option, stage)
        if own is not None and own not in answers:
            raise InvalidInput(f"stage {number}: {option} {list(answers)} lacks {own!r}, which the network itself has")

    def network(self) -> Architecture:
        """The space's own network.

        Raises:
            InvalidInput: a stage cannot be built; it is named.
        """
        return architecture.from_dict({"name": self.name, **self.baseline})

    # --- questions and answers

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """All that has more than one answer, stage by stage."""
        return tuple(
            Question(number, option, answers)
            for number in range(1, len(self.baseline["stages"]) + 1)
            for option, answers in self._answers(number).items()
            if len(answers) > 1
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many answers each question has."""
        return tuple(len(question.answers) for question in self.questions)

    @cached_property
    def start(self) -> Choices:
        """The answers of the space's own network; the first where its block has no such option."""
        stages = self.baseline["stages"]
        owns = [_own_answer(option, stages[number - 1]) for number, option, _ in self.questions]
        return tuple(
            answers.index(own) if own is not None else 0
            for own, (_, _, answers) in zip(owns, self.questions, strict=True)
        )

    def build(self, choices: Choices) -> Architecture:
        """The network of these answers, at full size. Channels are rounded as its policy rounds.

        Raises:
            InvalidInput: they are not answers to the questions of this space.
        """
        fits = len(choices) == len(self.sizes)
        if not fits or any(not 0 <= one < size for one, size in zip(choices, self.sizes, strict=True)):
            raise InvalidInput(f"{choices} are no choices of {self.name}, which has {len(self.sizes)} questions")
        chosen: dict[int, dict[str, Any]] = {}
        for (number, option, answers), answer in zip(self.questions, choices, strict=True):
            chosen.setdefault(number, {})[option] = answers[answer]
        numbers = range(1, len(self.baseline["stages"]) + 1)
        stages = [self._stage(number, self._single(number) | chosen.get(number, {})) for number in numbers]
        return architecture.from_dict({"name": self.name, **self.baseline, "stages": stages})

    def drawn(self, generator: Generator) -> Architecture:
        """Any network of the space."""
        return self.build(tuple(generator.randrange(size) for size in self.sizes))

    def reach(self) -> tuple[int, int]:
        """MACs of the cheapest and of the dearest network."""
        least, most = self.extreme(cheapest=True), self.extreme(cheapest=False)
        return self.build(least).cost().macs, self.build(most).cost().macs

    def extreme(self, *, cheapest: bool) -> Choices:
        """The answers that cost least, or most, found question by question while the others stay."""
        found = self.start
        better = min if cheapest else max
        for place, size in enumerate(self.sizes):
            options = [(*found[:place], answer, *found[place + 1 :]) for answer in range(size)]
            found = better(options, key=lambda choices: self.build(choices).cost().macs)
        return found

    # --- one stage

    def _answers(self, number: int) -> dict[str, tuple[Any, ...]]:
        """The answers to every question about a stage."""
        return self.choices.given() | self.stages.get(number, Answers()).given()

    def _single(self, number: int) -> dict[str, Any]:
        """What has one answer only."""
        return {option: answers[0] for option, answers in self._answers(number).items() if len(answers) == 1}

    def _combinations(self, number: int) -> Iterator[dict[str, Any]]:
        answers = self._answers(number)
        return (dict(zip(answers, values, strict=True)) for values in product(*answers.values()))

    def _stage(self, number: int, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """A stage as a row of the table: the file's own with what was chosen, without what its block does not have."""
        own = dict(self.baseline["stages"][number - 1])
        content = own | {option: value for option, value in chosen.items() if option not in _RELATIVE}
        content["layers"] = own["layers"] + chosen.get("layers", 0)
        content["channels"] = self._channels(own["channels"], chosen.get("channels", 1.0))
        fields = _fields_of(content["block"])
        return {option: value for option, value in content.items() if option in fields}

    def _channels(self, own: int, factor: float) -> int:
        import numpy as np

        rounding = self.network_rounding
        return int(rounding.channels(own, np.array([float(factor)]), step=rounding.divisor)[0])

    @cached_property
    def network_rounding(self) -> architecture.Rounding:
        return self.network().rounding


def _own_answer(option: str, stage: Mapping[str, Any]) -> Any:
    """What a row of the table itself answers; None where its block has no such option."""
    if option in _RELATIVE:
        return {"layers": 0, "channels": 1.0}[option]
    fields = _fields_of(str(stage["block"]))
    return stage.get(option, fields[option]) if option in fields else None


def _fields_of(block: str) -> dict[str, Any]:
    """The options of a block, and their defaults."""
    kinds = {kind.model_fields["block"].annotation.__args__[0]: kind for kind in _kinds()}
    return {name: field.default for name, field in kinds[block].model_fields.items()}


def _kinds() -> tuple[Any, ...]:
    return get_args(get_args(AnyStage)[0])


def _check_stage(number: int, content: Mapping[str, Any], cin: int) -> None:
    """Raises where no such stage can be built; what it is made of is said."""
    chosen = ", ".join(f"{key} {value}" for key, value in content.items() if key not in ("block", "stride"))
    where = f"stage {number} ({content['block']}: {chosen})"
    try:
        _STAGE.validate_python(dict(content)).check(cin)
    except ValidationError as error:
        raise InvalidInput(f"{where}: {first_problem(error)}") from error
    except ValueError as error:
        raise InvalidInput(f"{where} {error}") from error


def space_names() -> tuple[str, ...]:
    """The shipped spaces, without their files' suffix."""
    return tuple(sorted(path.stem.removesuffix(SPACE_SUFFIX) for path in folder().glob(f"*{SPACE_SUFFIX}.yaml")))


def load_space(name: str) -> StageSpace:
    """The space of that name: a shipped one («mnasnet»), or a YAML file of the same form.

    Raises:
        InvalidInput: there is none (with the nearest name), or the file is wrong (with its key or stage).
    """
    if name.removesuffix(SPACE_SUFFIX) in space_names():
        path = folder() / f"{name.removesuffix(SPACE_SUFFIX)}{SPACE_SUFFIX}.yaml"
    elif name.endswith((".yaml", ".yml")):
        path = Path(name)
    else:
        raise InvalidInput(f"there is no space of stages {name!r}{nearest_hint(name, space_names())}")
    return parse(StageSpace, read_yaml(path), origin=path)
