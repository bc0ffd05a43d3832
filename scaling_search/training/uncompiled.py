"""torch's optimizers without its compiler, whose import costs a process 1.4 s of its first training step.

torch imports it only to keep these functions out of compiled graphs (torch/_compile.py, and
`_use_grad_for_differentiable` in torch/optim/optimizer.py), and nothing is compiled here. What they compute is torch's
own code.
"""

from collections.abc import Callable
from inspect import unwrap
from typing import Any

import torch

_ADAMW, _SGD = unwrap(torch.optim.AdamW.step), unwrap(torch.optim.SGD.step)


def leave_compiler_out() -> None:
    """Marks what every optimizer calls as left out of compiled graphs already; where torch marks that otherwise, the
    import is not spared."""
    for name in ("add_param_group", "zero_grad", "state_dict", "load_state_dict"):
        plain = getattr(getattr(torch.optim.Optimizer, name), "__wrapped__", None)
        if plain is not None and not hasattr(plain, "__dynamo_disable"):
            plain.__dynamo_disable = plain


class AdamW(torch.optim.AdamW):
    """torch's."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """One update."""
        return _ADAMW(self, closure)


class SGD(torch.optim.SGD):
    """torch's."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """One update."""
        return _SGD(self, closure)
