"""What a module really costs, whatever it is: counted while one image goes through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from scaling_search.architecture import Cost


def measured_cost(module: nn.Module, resolution: int) -> Cost:
    """Parameters, multiply-adds and activations of any module on one image [1, 3, resolution, resolution].

    Multiply-adds are those of every convolution and matrix product that torch runs (half of its own flop count),
    whether a module or a plain function asked for them. The module is used in inference mode and left as it was.
    """
    outputs = 0

    def add(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal outputs
        outputs += output.numel()

    convolutions = [inner for inner in module.modules() if isinstance(inner, nn.Conv1d | nn.Conv2d | nn.Conv3d)]
    hooks = [convolution.register_forward_hook(add) for convolution in convolutions]
    try:
        with FlopCounterMode(display=False) as counter, evaluating(module), torch.no_grad():
            module(example(module, resolution))
    finally:
        for hook in hooks:
            hook.remove()
    params = sum(parameter.numel() for parameter in module.parameters())
    return Cost(params=params, macs=counter.get_total_flops() // 2, activations=outputs)


def kept_bytes(module: nn.Module, images: Tensor) -> int:
    """Bytes that autograd keeps between a forward and a backward pass, without parameters: what memory models predict.

    Args:
        module: is put through one forward pass in training mode; its batch-norm statistics move.
        images: float [N, 3, r, r].
    """
    own = {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    kept: dict[int, Tensor] = {}  # holding the tensors, so that no address is given to another one

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = module.train()(images)
    del output
    return sum(tensor.untyped_storage().nbytes() for address, tensor in kept.items() if address not in own)


def peak_bytes(module: nn.Module, resolution: int, *, batch_size: int, training: bool) -> int:
    """Peak bytes that torch allocates, the parameters included: what memory models predict.

    On CUDA its allocator's own peak; on a CPU the allocations and releases that its profiler records.

    Args:
        training: a forward and backward pass beside the state of AdamW; else one forward pass without gradients.
    """
    images = example(module, resolution, batch_size).to(memory_format=torch.channels_last)
    copies = 3 if training else 1  # the parameters, and AdamW's two numbers for each

    def step() -> None:
        if training:
            module.train()(images).sum().backward()
        else:
            with torch.no_grad(), evaluating(module):
                module(images)

    module.zero_grad(set_to_none=True)
    peak = _peak_on_cuda(step) if images.is_cuda else _peak_on_cpu(step)
    module.zero_grad(set_to_none=True)
    return peak + copies * sum(4 * parameter.numel() for parameter in module.parameters())


def _peak_on_cuda(step: Callable[[], None]) -> int:
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step()
    return torch.cuda.max_memory_allocated() - before


def _peak_on_cpu(step: Callable[[], None]) -> int:
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    now = peak = 0
    assert profiler.profiler is not None and profiler.profiler.kineto_results is not None
    for event in profiler.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            peak = max(peak, now)
    return peak


def example(module: nn.Module, resolution: int, batch_size: int = 1) -> Tensor:
    """An image batch of zeros where the module's parameters are: [batch_size, 3, resolution, resolution]."""
    first = next(module.parameters(), None)
    return torch.zeros(batch_size, 3, resolution, resolution, device=first.device if first is not None else None)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """The module in evaluation mode; each of its parts afterwards as it was."""
    before = {inner: inner.training for inner in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for inner, training in before.items():
            inner.training = training
