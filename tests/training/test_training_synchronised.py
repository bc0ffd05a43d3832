"""Batch norm over two processes against batch norm over the whole batch, which is what torch's SyncBatchNorm computes
on the devices that it takes (it refuses the CPU)."""

import socket
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

from scaling_search.training.parallel import World
from scaling_search.training.synchronised import SharedBatchNorm2d, synchronised


def _batch() -> Tensor:
    return torch.randn(8, 3, 5, 5, generator=torch.Generator().manual_seed(0)) * 3 + 1


def _module() -> nn.Module:
    torch.manual_seed(1)
    norm = nn.BatchNorm2d(4, momentum=0.3)
    nn.init.uniform_(norm.weight, 0.5, 2)
    return nn.Sequential(nn.Conv2d(3, 4, 3), norm, nn.ReLU(), nn.Conv2d(4, 2, 3))


def _process(rank: int, port: int, folder: str) -> None:
    """One of two: its half of the batch, gradients averaged by DDP, everything left in a file."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    module = synchronised(_module(), torch.device("cpu"))
    world = World.current()
    with pytest.raises(ValueError, match="expected input tensor to be on"):  # else torch's could take its place
        nn.SyncBatchNorm(3)(_batch())
    images = _batch()[rank * 4 : rank * 4 + 4].requires_grad_()
    wrapped = world.wrap(module, torch.device("cpu"))
    out = wrapped(images)
    out.square().mean().backward()
    if rank == 0:
        gradients = {name: parameter.grad for name, parameter in module.named_parameters()}
        torch.save((out.detach(), gradients, module.state_dict(), images.grad), Path(folder) / "found.pt")
    dist.destroy_process_group()


def test_two_processes_normalise_as_one(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    spawn(_process, (port, str(tmp_path)), nprocs=2)  # type: ignore[no-untyped-call]
    out, gradients, state, to_images = torch.load(tmp_path / "found.pt")
    reference = _module()
    images = _batch().requires_grad_()
    expected = reference(images)
    expected.square().mean().backward()
    assert torch.allclose(out, expected[:4], atol=1e-5)
    for name, parameter in reference.named_parameters():
        assert parameter.grad is not None
        assert torch.allclose(gradients[name], parameter.grad, atol=1e-5), name
    for name, value in reference.state_dict().items():
        assert torch.allclose(state[name].double(), value.double(), atol=1e-5), name
    assert images.grad is not None
    assert torch.allclose(to_images, 2 * images.grad[:4], atol=1e-5)  # each process has the mean over its own half


def test_names_parameters_and_evaluation_stay() -> None:
    module = _module().eval()
    images, names = _batch(), list(module.state_dict())
    before = module(images)
    changed = synchronised(module, torch.device("cpu"))
    assert list(changed.state_dict()) == names
    assert isinstance(changed.get_submodule("1"), SharedBatchNorm2d)
    assert torch.equal(changed(images), before)
