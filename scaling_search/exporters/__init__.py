"""A network at home where its users live: timm, torchvision, pycls, ONNX, torch.export, safetensors, the Hub."""

from scaling_search.exporters.export import Exported, export
from scaling_search.exporters.targets import TARGETS, TargetName

__all__ = ["TARGETS", "Exported", "TargetName", "export"]
