"""What learns: a module, its optimizer and its average, and how one batch moves them."""

import gc
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from scaling_search.architecture import Network
from scaling_search.environment import keep_memory, return_memory
from scaling_search.networks.build import build
from scaling_search.training.averaging import Average, set_bn_momentum
from scaling_search.training.convolution import fitted_to_cpu
from scaling_search.training.failure import TrainingFailed, first_line, is_out_of_memory
from scaling_search.training.optimizer import make_optimizer, set_learning_rate
from scaling_search.training.parallel import World
from scaling_search.training.recipe import Recipe
from scaling_search.training.streams import seeded
from scaling_search.training.synchronised import synchronised
from scaling_search.training.transfer import Transfer


class Learner:
    """A network under training on one device. Its weights depend on the seed alone, not on what was drawn before."""

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        *,
        seed: int,
        device: torch.device,
        world: World,
        transfer: Transfer | None = None,
    ) -> None:
        network = network.replaced(dropout=recipe.dropout, drop_connect=recipe.drop_connect)
        with seeded(seed, "weights"):
            module = build(network, zero_init_residual=recipe.zero_init_residual)
        if transfer is not None:
            transfer.put_into(module)
        if recipe.bn_synchronised and world.size > 1:
            module = synchronised(module, device)
        self.frozen = [] if transfer is None else transfer.frozen(module)
        for layer in self.frozen:
            layer.requires_grad_(False)
        if device.type == "cpu":
            keep_memory()
            fitted_to_cpu(module)
        set_bn_momentum(module, recipe.bn_momentum)
        self.module = module.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.recipe = recipe
        self.world = world
        self.device = device
        self.wrapped = world.wrap(self.module, device)
        self.optimizer = make_optimizer(self.module, recipe)
        self.average = Average(self.module, recipe.ema) if recipe.ema is not None else None
        self.step_count = 0
        self.parts = recipe.accumulate  # micro-batches a batch is cut into; doubles when memory runs out

    def train(self) -> None:
        """Training mode, but for what is frozen: there statistics stay, and nothing is dropped."""
        self.module.train()
        for layer in self.frozen:
            layer.eval()

    def step(self, images: Tensor, labels: Tensor, *, rate: float) -> Tensor:
        """One optimizer step on images [n, 3, r, r] and labels [n] at `rate` times the peak learning rate.

        Returns the loss as a tensor on the device, so that nothing waits for it.
        """
        set_learning_rate(self.optimizer, rate * self.recipe.peak_lr)
        loss = self._gradients(images, labels)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step_count += 1
        if self.average is not None:
            self.average.update(self.step_count)
        return loss

    def _gradients(self, images: Tensor, labels: Tensor) -> Tensor:
        """Accumulate the gradients of the mean loss, in smaller parts as often as memory asks for it.

        Raises:
            TrainingFailed: the network is too large for the memory even with two images.
        """
        while True:
            try:
                return self._in_parts(images, labels)
            except (RuntimeError, MemoryError) as error:
                smaller = len(images) // (2 * self.parts)
                if not is_out_of_memory(error) or self.world.size > 1:
                    raise
                if smaller < 2:
                    raise TrainingFailed(f"out of memory: {first_line(error)}") from error
            self.parts *= 2  # outside the except block: the error holds the tensors that have to go
            self.optimizer.zero_grad(set_to_none=True)
            release_memory(self.device)

    def _in_parts(self, images: Tensor, labels: Tensor) -> Tensor:
        total = torch.zeros((), device=self.device)
        for part, targets in zip(images.tensor_split(self.parts), labels.tensor_split(self.parts), strict=True):
            with self.autocast():
                logits = self.wrapped(part)  # [n / parts, classes]
            loss = F.cross_entropy(logits.float(), targets, label_smoothing=self.recipe.label_smoothing)
            loss = loss * (len(part) / len(images))
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return total

    def autocast(self) -> torch.autocast:
        """bfloat16 on CUDA, nothing on CPU (there it is slower than channels_last float32)."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda")

    def evaluated(self) -> AbstractContextManager[None]:
        """The module holds the weights to evaluate inside the block: the averaged ones where there are any."""
        return self.average.applied() if self.average is not None else nullcontext()

    def synchronise(self) -> None:
        """Give all processes the mean of their running statistics; each has seen other images."""
        if self.world.size > 1:
            averaged = self.average.values.values() if self.average is not None else ()
            for tensor in (*self.module.buffers(), *averaged):
                if tensor.is_floating_point():
                    tensor.copy_(self.world.mean(tensor.clone()))

    def state(self) -> dict[str, Any]:
        """All that continuing needs, in types that a weights-only load accepts."""
        return {
            "module": self.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.values if self.average is not None else None,
            "step_count": self.step_count,
            "parts": self.parts,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Continue from a saved state of an equal learner."""
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average is not None:
            self.average.load(state["average"])
        self.step_count, self.parts = state["step_count"], state["parts"]


def release_memory(device: torch.device) -> None:
    """Give memory that nothing refers to back to the device."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    else:
        return_memory()
