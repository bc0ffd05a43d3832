"""A family on the disk: one config a member."""

from collections.abc import Sequence
from pathlib import Path

from scaling_search.architecture.family import Member
from scaling_search.configuration import to_yaml
from scaling_search.files import inside, write_atomically


def write_family(folder: Path, members: Sequence[Member]) -> list[Path]:
    """One YAML file a member, b1.yaml …; files of an earlier family with these names are replaced."""
    paths = [inside(folder, f"{member.name.lower()}.yaml") for member in members]
    folder.mkdir(parents=True, exist_ok=True)
    for path, member in zip(paths, members, strict=True):
        write_atomically(path, to_yaml(member.to_dict()))
    return paths
