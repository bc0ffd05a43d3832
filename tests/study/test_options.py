"""What a person may ask of a search in Python: units, and one sentence for everything that is wrong."""

from typing import Any

import pytest
from tiny_study import MakeStudy

from scaling_search.configuration import parse
from scaling_search.errors import InvalidInput
from scaling_search.search.executors import Inline, Ray
from scaling_search.strategies import Grid, Lattice, Optuna
from scaling_search.study.options import Options, StudyOptions


def asked(**options: Any) -> Options:
    return parse(Options, options, origin="options")


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("budget", "15m", 900.0),
        ("budget", "2h", 7200.0),
        ("budget", 90, 90.0),
        ("max_macs", "800M", 800_000_000),
        ("max_macs", 800_000_000, 800_000_000),
        ("max_params", "9M", 9_000_000),
        ("max_memory", "1.5GB", 1_500_000_000),
        ("max_latency", "5ms", 0.005),
        ("max_latency", 0.005, 0.005),
        ("target", "params=8M", "params=8M"),
        ("rounding", "nearest", "nearest"),
    ],
)
def test_amounts_are_numbers_or_text_with_a_unit(name: str, given: object, expected: object) -> None:
    assert getattr(asked(**{name: given}), name) == expected


def test_type_checkers_know_the_options_that_there_are() -> None:
    assert StudyOptions.__annotations__.keys() | {"executor"} == Options.model_fields.keys()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"epoch": 3}, "options: unknown key epoch; did you mean epochs?"),
        ({"bugdet": "15m"}, "unknown key bugdet; did you mean budget?"),
        ({"budget": "soon"}, "'soon' is not a duration"),
        ({"budget": -5}, "budget: Input should be greater than 0"),
        ({"budget": float("inf")}, "budget: Input should be a finite number"),
        ({"max_latency": float("nan"), "latency_on": "cpu"}, "max_latency: Input should be a finite number"),
        ({"max_macs": "many"}, "--max-macs 'many' is not an amount"),
        ({"max_latency": "5ms"}, "--latency-on cpu or cuda"),
        ({"phi": 0}, "φ = 0 neither adds nor saves compute"),
        ({"phi": "one"}, "phi: Input should be a valid number"),
        ({"target": "macs=many"}, "'macs=many' is not a target"),
        ({"rounding": "neerest"}, "did you mean nearest?"),
        ({"recipe": "papr"}, "did you mean paper?"),
        (
            {"search": "lattise"},
            "search: Input should be 'lattice', 'grid', 'random', 'halving', 'race', 'optuna' or 'surface'",
        ),
        ({"search": "grid", "parts": 3}, "--search grid has no parts; it takes step and tolerance"),
        ({"scheduler": "asha"}, "use --executor ray"),
        ({"workers": 2}, "one trial at a time"),
        ({"match": "nominal", "target": "macs=3x"}, "--match nominal does not do"),
        ({"device": "gpu"}, "device: Input should be 'auto', 'cpu' or 'cuda'"),
        ({"data": "nowhere"}, "nowhere"),
        ({"baseline": "bo"}, "there is no baseline 'bo'; did you mean b0?"),
        ({"baseline": 7}, "int is no network"),
    ],
)
def test_what_is_wrong_is_one_sentence(make_study: MakeStudy, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        make_study(**{"parts": ..., "seeds": ..., **options}).plan()
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"strategy": Lattice(parts=3), "parts": 4}, r"parts is a setting of the strategy: give it to Lattice\(…\)"),
        ({"strategy": Grid(), "search": "grid"}, r"search is a setting of the strategy: give it to Grid\(…\)"),
        ({"strategy": Lattice(), "seeds": 3}, r"seeds is a setting of the strategy"),
        ({"executor": Ray(), "workers": 2}, r"workers is a setting of the executor: give it to Ray\(…\)"),
        ({"executor": Inline(), "scheduler": "asha"}, r"scheduler is a setting of the executor"),
        ({"executor": Ray(scheduler="asha"), "search": "optuna"}, "needs --scheduler fifo"),
        ({"executor": Ray(scheduler="asha"), "strategy": Optuna()}, "needs --scheduler fifo"),
    ],
)
def test_a_wish_is_made_once(make_study: MakeStudy, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        make_study(**{"parts": ..., "seeds": ..., "epochs": ..., **options})
