"""The arithmetic of the memory model; networks/test_measure_memory.py holds it against torch."""

import numpy as np
import pytest

from scaling_search.architecture import Cost, Costs
from scaling_search.errors import InvalidInput

COST = Cost(params=1000, macs=1, activations=1, kept=200, backward=300, live=50)


def test_training_holds_parameters_gradients_states_and_activations() -> None:
    memory = COST.memory(batch_size=8, optimizer="adamw", ema=True)
    assert (memory.parameters, memory.gradients, memory.optimizer, memory.ema) == (4000, 4000, 8000, 4000)
    assert memory.activations == 4 * 8 * 300
    assert memory.total == 20000 + 9600


def test_inference_holds_parameters_and_what_is_alive() -> None:
    memory = COST.memory(batch_size=2, training=False)
    assert (memory.gradients, memory.optimizer, memory.total) == (0, 0, 4000 + 4 * 2 * 50)


def test_bfloat16_halves_activations_and_adds_a_copy_of_the_parameters() -> None:
    single, half = COST.memory(batch_size=8), COST.memory(batch_size=8, precision="bfloat16")
    assert half.activations * 2 == single.activations
    assert half.parameters == 6 * 1000


def test_sgd_remembers_one_number_a_parameter() -> None:
    assert COST.memory(optimizer="sgd").optimizer == 4000


def test_arrays_give_what_single_costs_give_even_where_int64_would_overflow() -> None:
    fields = {name: np.array([value, 2**45]) for name, value in COST.as_dict().items()}
    costs = Costs(**fields, pixels=np.array([1, 1]))
    total = costs.memory(batch_size=2**20).total
    assert isinstance(total, np.ndarray)
    assert [int(value) for value in total] == [costs[index].memory(batch_size=2**20).total for index in range(2)]


def test_bad_input_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least 1"):
        COST.memory(batch_size=0)
    with pytest.raises(InvalidInput, match="did you mean bfloat16"):
        COST.memory(precision="bfloat")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="unknown optimizer adamm"):
        COST.memory(optimizer="adamm")
