"""run.yaml: what a run is, every fact once, as one strict model with one writer and one reader.

A run is reopened from this file and candidates.csv alone: nothing is planned or measured again.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator

from scaling_search.architecture import Network, parse_target
from scaling_search.configuration import Strict, parse, read_yaml, to_yaml
from scaling_search.errors import InvalidInput
from scaling_search.evidence import EPSILON
from scaling_search.files import write_atomically
from scaling_search.locks import LOCK
from scaling_search.search.lengths import LengthsRecord, Longer
from scaling_search.search.pilot import Beside, Pilot, PilotRecord
from scaling_search.search.plan import Plan, Speed
from scaling_search.search.record_format1 import from_first_version
from scaling_search.search.searchspace import MatchRule, network_from_dict
from scaling_search.search.staged import Seeking
from scaling_search.strategies import RECORDED, Asking, Planned, Strategy
from scaling_search.training.recipe import Recipe

FORMAT = 2


class Question(Strict):
    """What is asked of the search: how much compute is added, in what, and what a candidate may cost.

    Attributes:
        phi: the compound coefficient; 2^φ times the baseline's MACs unless there is a target. Negative: what to save.
        leverage: cost of the proxies' candidates over that of their base, or of the base over theirs where φ saves;
            None: what is asked of the full network.
        match: see `space.Rule`.
        target: instead of 2^φ times the MACs, as «macs=3x» or «latency=5ms».
        max_macs, max_params: of the network at full size.
        max_memory: bytes at inference of one image.
        max_latency: seconds for one image.
        latency_on: the device on which latency is measured.
        epsilon: loss of accuracy, as a fraction, that does not matter.
    """

    phi: float = Field(ge=-7, le=7)
    leverage: float | None = Field(default=None, gt=1)
    match: MatchRule = "realised"
    target: str | None = None
    max_macs: int | None = Field(default=None, gt=0)
    max_params: int | None = Field(default=None, gt=0)
    max_memory: int | None = Field(default=None, gt=0)
    max_latency: float | None = Field(default=None, gt=0)
    latency_on: Literal["cpu", "cuda"] | None = None
    epsilon: float = Field(default=EPSILON, gt=0, lt=1)

    @property
    def shrink(self) -> float:
        """How many times as cheap the proxies' base is made for leverage; their candidates cost the same.

        Where φ saves, the base is made larger instead: its candidates cost what those of φ = 1 do.
        """
        if self.leverage is None:
            return 1.0
        return float(self.leverage / 2.0**self.phi if self.phi > 0 else 1 / (2 * self.leverage))

    @property
    def growth(self) -> float:
        """MACs of the proxies' candidates over their base's, where no target says otherwise."""
        if self.leverage is None:
            return float(2.0**self.phi)
        return float(self.leverage if self.phi > 0 else 1 / self.leverage)

    @property
    def levels(self) -> tuple[int, ...]:
        """φ of the family: B1 … B7, or what saves as far as networks stay networks."""
        return tuple(range(1, 8)) if self.phi > 0 else (-1, -2, -3)

    @field_validator("target")
    @classmethod
    def _readable(cls, text: str | None) -> str | None:
        if text is not None:
            parse_target(text)
        return text


def _described(content: dict[str, Any]) -> dict[str, Any]:
    """A network that is described by stages can be made; one from elsewhere is opened when it is needed: its code runs.

    Raises:
        InvalidInput: the description is wrong.
    """
    if "source" not in content:
        network_from_dict(content)
    return content


NetworkRecord = Annotated[dict[str, Any], AfterValidator(_described)]
"""A network as `Network.to_dict` gives it."""


class BaseRecord(Strict):
    """What the proxies are scaled from, and its cost."""

    network: NetworkRecord
    params: int
    macs: int
    activations: int

    @classmethod
    def of(cls, base: Network) -> Self:
        """Of this network."""
        cost = base.cost()
        return cls(network=base.to_dict(), params=cost.params, macs=cost.macs, activations=cost.activations)


class DataRecord(Strict):
    """The data of a run.

    Attributes:
        name, source: what it is called, and what `--data` said; None is the embedded set.
        live: it was handed over in Python, as torch data sets.
        pixels: what it is packed at.
        classes, train, val: how many.
        fingerprint: of pixels, labels and class names.
        skipped: images that could not be read.
    """

    name: str
    source: str | None
    live: bool = False
    pixels: int = Field(ge=1)
    classes: int = Field(ge=1)
    train: int = Field(ge=1)
    val: int = Field(ge=1)
    flip: bool
    fingerprint: str
    skipped: tuple[str, ...] = ()


class ExecutorRecord(Strict):
    """How trials run; see the executors."""

    kind: str
    workers: int = Field(ge=1)
    scheduler: Literal["fifo", "asha", "hyperband", "median"] = "fifo"
    trials_per_gpu: int = Field(default=2, ge=1)
    cpus_per_trial: int = Field(default=1, ge=1)
    gpus_per_trial: float | None = Field(default=None, gt=0, le=1)
    storage: str | None = None


class DeviceRecord(Strict):
    """Where trials train."""

    kind: Literal["cpu", "cuda"]
    name: str
    count: int = Field(ge=1)


class CountRecord(Strict):
    """MACs of convolutions and linear layers of one network: our count beside fvcore's of the built module."""

    network: str
    ours: int
    fvcore: int | None
    note: str = ""


class RunRecord(Strict):
    """All that a run is.

    Attributes:
        format: of this file; goes up when an older program could not read it.
        command: what was typed, or «Python».
        started: date and time, ISO 8601.
        git: the commit of the program's checkout, None outside one.
        versions: of Python and the packages that matter.
        baseline: the network at full size, as `Network.to_dict` gives it.
        growth: realised MACs over the base's at which candidates are compared.
        strategy: with nothing left open; a person's own is named and cannot be made again from here.
        pilot: what is trained before the first question, and what that showed; None: nothing.
        lengths: what is trained longer, after the search; None: nothing.
        seeking: the space of stages that is searched instead of divisions, and what for; None: divisions are.
        deterministic: the same bits on CUDA too.
        counts: our cost model against an independent witness.
    """

    format: Literal[2] = 2
    command: str
    started: str
    git: str | None = None
    versions: dict[str, str]
    baseline: NetworkRecord
    question: Question
    growth: float = Field(gt=0)
    base: BaseRecord
    data: DataRecord
    recipe: Recipe
    strategy: dict[str, Any]
    plan: Plan
    speed: Speed
    pilot: PilotRecord | None = None
    lengths: LengthsRecord | None = None
    seeking: Seeking | None = None
    executor: ExecutorRecord
    device: DeviceRecord
    deterministic: bool = False
    counts: tuple[CountRecord, ...] = ()

    @field_validator("strategy")
    @classmethod
    def _whole(cls, settings: dict[str, Any]) -> dict[str, Any]:
        """A strategy has its name; one that ships, valid settings of which none is left open."""
        name = settings.get("strategy")
        if not isinstance(name, str):
            raise InvalidInput(f"strategy.strategy: a name is missing (got {name!r})")
        if name in RECORDED:
            made = parse(RECORDED[name], settings, origin="strategy")
            if made.epochs is None or list(made.refinements()) != [made]:
                raise InvalidInput(f"strategy: {name} leaves something open, which a plan has filled in")
        return settings

    def full_network(self) -> Network:
        """The baseline at full size."""
        return network_from_dict(self.baseline)

    def base_network(self) -> Network:
        """What the proxies are scaled from."""
        return network_from_dict(self.base.network)

    @property
    def compares(self) -> bool:
        """Whether this is a comparison, which searches nothing."""
        return bool(self.strategy["strategy"] == "compare")

    @property
    def seeks(self) -> bool:
        """Whether a baseline is searched, or what such a search has found is trained further: nothing is divided."""
        return self.seeking is not None or bool(self.strategy["strategy"] == "finals")

    @property
    def begun_anew(self) -> bool:
        """Whether the proxies were made smaller, or the embedded images drawn anew, after a first pilot."""
        return self.pilot is not None and (self.pilot.smaller > 0 or self.pilot.difficulty is not None)

    @property
    def epochs(self) -> int | None:
        """Of a whole trial; None where a person's own strategy does not say."""
        epochs = self.strategy.get("epochs")
        return epochs if isinstance(epochs, int) else None

    @property
    def seeds(self) -> int | None:
        """Trainings of each candidate."""
        seeds = self.strategy.get("seeds")
        return seeds if isinstance(seeds, int) else None

    def asking(self, strategy: Strategy) -> Asking:
        """Who is asked what next: the pilot until it is done, then the strategy, the unscaled network beside it.

        Last come the longer trainings, where there are any.
        """
        pilot = self.pilot
        if pilot is None:
            return strategy
        if pilot.pending:
            return Pilot(record=pilot, classes=self.data.classes)
        assert self.epochs is not None, "a strategy that does not say how long it trains has no pilot"
        search = Beside(strategy=strategy, seeds=pilot.seeds, epochs=self.epochs)
        return Longer(search=search, record=self.lengths) if self.lengths else search

    def make_strategy(self) -> Planned:
        """The strategy again.

        Raises:
            InvalidInput: it is a person's own, which only they can hand over.
        """
        name = str(self.strategy["strategy"])
        if name not in RECORDED:
            raise InvalidInput(
                f"the run was searched by a strategy of your own ({name}); open it with Study.open(…, strategy=…)"
            )
        return parse(RECORDED[name], self.strategy, origin="strategy")


def write_record(path: Path, record: RunRecord) -> None:
    """Writes run.yaml, whole or not at all."""
    content = record.model_dump(mode="json", exclude={"recipe": {"epochs"}})
    write_atomically(path, to_yaml(content))


def read_record(path: Path) -> RunRecord:
    """Reads run.yaml, also one of the first version.

    Raises:
        InvalidInput: it is missing, damaged, edited into something else, or written by a newer program; one sentence.
    """
    if not path.is_file():
        cut_off = "; it was cut off when it began: begin it again with --out" if (path.parent / LOCK).exists() else ""
        raise InvalidInput(f"{path.parent} is not a run: it has no {path.name}{cut_off}")
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise InvalidInput(f"{path} is not the record of a run")
    written = content.get("format", 1)
    if not isinstance(written, int) or isinstance(written, bool) or written < 1:
        raise InvalidInput(f"{path}: format: {written!r} is not one that any version has written")
    if written > FORMAT:
        raise InvalidInput(f"{path} was written by a newer scaling-search (format {written}, this one reads {FORMAT})")
    if written == 1:
        content = from_first_version(content, origin=path)
    return parse(RunRecord, content, origin=path)
