"""The weights by our own names, the network's YAML and config.json: what `train --init` and `evaluate` take."""

from pathlib import Path

from safetensors.torch import load_file

from scaling_search.configuration import to_yaml
from scaling_search.exporters.files import WEIGHTS, save_weights
from scaling_search.exporters.member import Logits, Member
from scaling_search.files import write_atomically
from scaling_search.networks import build
from scaling_search.networks.preprocessing import write_config


def write(member: Member, folder: Path) -> Logits:
    """Writes model.safetensors, NAME.yaml and config.json; gives the network that is built of the two."""
    network = member.network
    save_weights(folder, member.module.state_dict(), notes=member.notes)
    content = {"name": network.name, "network": network.to_dict()}
    write_atomically(folder / f"{member.identifier}.yaml", to_yaml(content))
    write_config(folder, member.preprocessing.to_config(architecture=member.identifier, classes=network.classes))
    module = build(network)
    module.load_state_dict(load_file(folder / WEIGHTS))
    return module.eval()
