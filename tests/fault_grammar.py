"""A grammar of bad commands and bad files: what a hostile or an unlucky person would give the program."""

import json
import os
import random
import shutil
import socket
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from PIL import Image
from tiny_run import BASELINE

NUMBERS = ["0", "-1", "1", "3", "0.5", "1e308", "1e400", "-1e308", "nan", "inf", "-inf", "9" * 30, "9" * 400, "1e-320",
           "0x10", "1_000", "١٢", "½", "1.5", "2147483648", "9223372036854775808", "", " ", "1,2", "1e9"]  # fmt: skip
TEXTS = ["", " ", "[/red]", "[bold]x[/]", "\x1b[31mred", "a" * 5000, "../..", "\udcff\udcfe", "名前", ":", "a:b", "b0:",
         "timm:", "timm:nothing", "x.py:f", "nan", "{}", "%s%n", "-", "--", "b0 ", "B0", "/", "~", "a\nb"]  # fmt: skip
AMOUNTS = ["1e99", "0M", "-5M", "1e400G", "5", "9" * 50 + "M", "M", "5MM", "1e-9k", "١٢M", "nanM", "infG", "0.4"]
TIMES = ["0s", "-1m", "1e400h", "1e-300s", "9" * 30 + "d", "5ms", "m", "soon", "1us"]
TARGETS = ["macs=0x", "macs=1e99", "macs=1e400x", "params=1", "latency=5ms", "memory=1e30G", "macs=", "=2x",
           "macs=2x=3x",
           "activations=9999999x", "macs=1.0001x", "macs=-2x", "[/]=2x", "macs=nan", "macs=0.0000001x"]  # fmt: skip
SHARES = ["1,0,0", "0.4,0.3", "nan,1,0", "inf,-inf,1", "1e308,-1e308,1", "-1,1,1", "a,b,c", "", ",,", "0.3,0.3,0.4"]
PHIS = ["1..7", "7..1", "1..999999999", "0..0", "-9999999..9999999", "nan", "inf", "1e308", "-1e308", "1,,2", "..",
           "1..",
        "1.5..3", "9" * 400, "-1", "0", "7", "100", "1,1,1"]  # fmt: skip
NAMES = [*TEXTS, "b0", "resnet18", "tiny.yaml", "missing.yaml"]

OPTIONS: dict[str, dict[str, Sequence[str]]] = {
    "cost": {
        "--depth": NUMBERS, "--width": NUMBERS, "--resolution": NUMBERS, "--rounding": TEXTS, "--shares": SHARES,
        "--target": TARGETS, "--batch-size": NUMBERS, "--precision": TEXTS, "--optimizer": TEXTS, "--latency-on": TEXTS,
    },
    "family": {
        "--baseline": NAMES, "--preset": [*TEXTS, "paper"], "--coefficients": [*SHARES, "1.2,1.1,1.15",
        "1e308,1e308,1"],
        "--phi": PHIS, "--rounding": TEXTS,
    },
    "candidates": {
        "--baseline": NAMES, "--phi": NUMBERS, "--target": TARGETS, "--max-macs": AMOUNTS, "--max-params": AMOUNTS,
        "--max-memory": AMOUNTS, "--max-latency": TIMES, "--latency-on": TEXTS, "--parts": NUMBERS, "--step": NUMBERS,
        "--tolerance": NUMBERS, "--leverage": NUMBERS, "--rounding": TEXTS,
        "--search": ["grid", "lattice", "optuna", "surface", *TEXTS[:4]], "--match": ["nominal", "realised", ""],
    },
    "run": {
        "--baseline": NAMES, "--phi": NUMBERS, "--data": [*TEXTS, "cifar", "images"], "--target": TARGETS,
        "--max-macs": AMOUNTS, "--budget": TIMES, "--parts": NUMBERS, "--step": NUMBERS, "--samples": NUMBERS,
        "--seeds": NUMBERS, "--epochs": NUMBERS, "--leverage": NUMBERS, "--proxy-width": NUMBERS,
        "--proxy-resolution": NUMBERS, "--rounding": TEXTS, "--recipe": TEXTS, "--workers": NUMBERS,
        "--trials-per-gpu": NUMBERS, "--device": ["cuda", "tpu", ""], "--executor": ["ray", "inline", "x"],
        "--scheduler": ["asha", "median", "[/]"], "--search": ["grid", "surface", "optuna"], "--max-latency": TIMES,
    },
    "train": {
        "--data": [*TEXTS, "images"], "--recipe": TEXTS, "--epochs": ["0", "-1", "9" * 30, "nan", "x"],
        "--batch-size": NUMBERS, "--lr": NUMBERS, "--resolution": ["0", "-1", "7", "nan", "9" * 30, "65537"],
        "--seed": NUMBERS, "--device": ["cuda", "x"],
    },
    "extend": {"--budget": TIMES, "--seeds": ["0", "-1", "9" * 30, "nan", "2147483648", "1.5", ""]},
    "analyze": {"--epsilon": NUMBERS, "--metric": TEXTS},
    "replay": {"--strategy": [*TEXTS, "grid", "lattice,lattice"], "--repeats": NUMBERS},
    "frontier": {"--out": ["tiny.yaml", "tiny.yaml/x", "a" * 300, "/proc/x", ""], "--own": ["missing", "tiny.yaml",
    "/", ""], "--x": [*TEXTS[:4], "latency", "memory"], "--latency-on": ["cuda", "tpu", ""]},
    "report": {"--port": [*NUMBERS, "1"], "--watch": TEXTS[:4]},
}  # fmt: skip
FIRST = {"cost": ["b0"], "train": ["tiny.yaml", "--out", "trained"], "analyze": ["run"], "replay": ["run"],
         "extend": ["run"], "report": ["run"]}  # fmt: skip
VALID = {
    "run": ["--baseline", "tiny.yaml", "--data", "images", "--dry-run", "--device", "cpu", "--out", "new"],
    "train": ["--data", "images", "--recipe", "proxy", "--epochs", "1", "--device", "cpu", "--resolution", "16",
              "--batch-size", "8"],
}  # fmt: skip


@dataclass(frozen=True)
class Bad:
    """A bad command: its arguments, after its files were made in the current folder."""

    arguments: tuple[str, ...]
    make: Callable[[Path], object] = lambda folder: None
    what: str = ""


def commands(seed: int, count: int) -> list[Bad]:
    """So many bad commands, the same for the same seed."""
    rng = random.Random(seed)
    kinds = (_options, _options, _options, _paths, _spaces, _spaces, _runs, _runs, _runs, _images, _programs)
    return [kinds[index % len(kinds)](rng) for index in range(count)]


# --- options


def _options(rng: random.Random) -> Bad:
    command = rng.choice(list(OPTIONS))
    chosen = rng.sample(list(OPTIONS[command]), rng.choice((1, 1, 1, 2)))
    given = [part for option in chosen for part in (option, rng.choice(OPTIONS[command][option]))]
    first, defaults = FIRST.get(command, []), VALID.get(command, [])
    return Bad((command, *first, *defaults, *given), what="option")


# --- paths


def _paths(rng: random.Random) -> Bad:
    path, make = rng.choice(_PLACES)
    command = rng.choice([
        ("run", *VALID["run"], "--data", path), ("run", *VALID["run"], "--baseline", f"{path}.yaml"),
        ("run", "--baseline", "tiny.yaml", "--data", "images", "--parts", "1", "--seeds", "1", "--epochs", "1",
         "--executor", "inline", "--device", "cpu", "--out", path),
        ("resume", path), ("analyze", path), ("report", path), ("replay", path), ("cost", f"{path}.yaml"), ("cost",
        path),
        ("family", "--preset", "paper", "--out", path), ("candidates", "--parts", "1", "--csv", path),
        ("train", "tiny.yaml", *VALID["train"], "--out", path), ("frontier", "--out", path), ("frontier", "--own",
        path), ("frontier", path), ("frontier", "run", path, "--x", "params"), ("report", path, "--watch"),
        ("cost", f"{path}:f"), ("cost", f"{path}.py:f"),
    ])  # fmt: skip
    return Bad(command, make, what="path")


def _file_there(folder: Path) -> None:
    (folder / "file").write_text("text")


def _loop(folder: Path) -> None:
    (folder / "loop").symlink_to("loop")
    (folder / "loop.yaml").symlink_to("loop.yaml")


def _pipes(folder: Path) -> None:
    for name in ("pipe", "pipe.yaml", "pipe.py"):
        os.mkfifo(folder / name)


def _socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(folder)  # its name would be too long
        one.bind("socket")
        os.chdir(here)


def _folder_of_that_name(folder: Path) -> None:
    (folder / "folder.yaml").mkdir()
    (folder / "folder.py").mkdir()
    (folder / "folder").mkdir()


def _no_rights(folder: Path) -> None:
    (folder / "shut").mkdir(mode=0)
    (folder / "shut.yaml").write_text("")
    (folder / "shut.yaml").chmod(0)


_PLACES: list[tuple[str, Callable[[Path], object]]] = [
    ("missing", lambda folder: None), ("file", _file_there), ("file/inside", _file_there), ("loop", _loop),
    ("loop/inside", _loop), ("n" * 300, lambda folder: None), ("x/" * 3000 + "x", lambda folder: None),
    ("pipe", _pipes), ("socket", _socket), ("folder", _folder_of_that_name), ("shut", _no_rights), ("shut/in",
    _no_rights),
    ("/dev/null", lambda folder: None), ("/dev/full", lambda folder: None), ("/proc/self", lambda folder: None),
    ("/proc/none/x", lambda folder: None), ("/sys/kernel/x", lambda folder: None), ("", lambda folder: None),
    ("images", lambda folder: None), ("run", lambda folder: None), ("a\udcffb", lambda folder: None),
    ("[/red]", lambda folder: None), ("new\nline", lambda folder: None), ("~nobody/x", lambda folder: None),
]  # fmt: skip


# --- search spaces, families


VALUES: list[Any] = [
    None, True, 0, -1, 1, 2, 10**6, 10**30, -(10**400), 0.5, 1e308, float("nan"), float("inf"), -float("inf"), 1e-320,
    "",
    "text", "[/red]", "../../x", "x" * 5000, [], {}, [[]], {"a": {}}, [1, "a", None], "1e5", "b0", "2026-01-01",
]  # fmt: skip
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)
RAW: list[bytes] = [
    b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbfname: tiny\n", b"name: [", b"---\n---\n", b"- 1\n- 2\n", b"text", b"5",
    b"\t",
    BOMB.encode(), b"a: &a [*a]\n", b"&a {name: *a, baseline: *a}\n", b"a: *b\n", b"[" * 5000, b"{a: " * 3000,
    b"name: !!python/object/apply:os.system [true]\n", b"name: !!binary aaaa\n", b"? [1, 2]\n: 3\n", b"<<: 5\n",
    b"name: 2026-01-01\n", b"name: 1:60:60\n", b"5: 6\nnull: 7\n", b"name: " + b"9" * 5000 + b"\n",
    b"a: 0x" + b"f" * 20000,
    b"x: " + b"y" * (3 << 20) + b"\n", b"- " * 20000, b"!!set {a, b}\n", b"name: \xe9\n", b"name: 2026-99-99\n",
    b"".join(b"k%d: 1\n" % i for i in range(60000)), b"name: !!timestamp x\n", b"name: !!int x\n", b"name: .nan\n",
]  # fmt: skip


def changed(rng: random.Random, content: Any) -> Any:
    """Content with one value, somewhere in it, replaced, removed, renamed or doubled."""
    content = json.loads(json.dumps(content))
    node = content
    while True:
        keys: list[Any] = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return rng.choice(VALUES)
        key = rng.choice(keys)
        if isinstance(node[key], dict | list) and node[key] and rng.random() < 0.8:
            node = node[key]
            continue
        what = rng.randrange(6)
        if what == 0:
            del node[key]
        elif what == 1 and isinstance(node, dict):
            node[rng.choice(["", "x", "[/red]", "__class__", "Name"])] = node.pop(key)
        elif what == 2 and isinstance(node, list):
            node.extend([node[key]] * rng.choice((1, 50)))
        else:
            node[key] = rng.choice(VALUES)
        return content


def damaged(rng: random.Random, content: bytes) -> bytes:
    """Content with some bytes changed, cut off, or put in."""
    what, place = rng.randrange(5), rng.randrange(len(content) + 1)
    if what == 0:
        return content[:place]
    if what == 1:
        return content[:place] + rng.randbytes(rng.choice((1, 3, 200))) + content[place:]
    if what == 2:
        return content[:place] + bytes(rng.choice((1, 4096))) + content[place + 1 :]
    if what == 3:
        return content.replace(b"\n", b"\r\n" if rng.random() < 0.5 else b"\r")
    return content[:place] + content[rng.randrange(len(content) + 1) :]


def _spaces(rng: random.Random) -> Bad:
    content = rng.choice(RAW) if rng.random() < 0.3 else _space(rng)
    command = rng.choice([
        ("cost", "bad.yaml"), ("cost", "bad.yaml", "--per-stage"), ("family", "--baseline", "bad.yaml", "--preset",
        "paper"),
        ("family", "--baseline", "bad.yaml", "--coefficients", "1.2,1.1,1.15", "--out", "family"),
        ("candidates", "--baseline", "bad.yaml", "--parts", "1"), ("candidates", "--baseline", "bad.yaml", "--proxy"),
        ("run", *VALID["run"], "--baseline", "bad.yaml"), ("train", "bad.yaml", "--out", "trained", *VALID["train"]),
    ])  # fmt: skip
    return Bad(command, lambda folder: (folder / "bad.yaml").write_bytes(content), what="search space")


def _space(rng: random.Random) -> bytes:
    level = {"name": "b1", "depth": 1.2, "width": 1.1, "resolution": 64, "dropout": 0.2}
    search = {"strategy": "lattice", "parts": 2, "match": "realised", "rounding": "nearest"}
    whole = BASELINE | {"presets": {"paper": [level]}, "search": search}
    one = changed(rng, whole if rng.random() < 0.6 else {"name": "m", "network": {"name": "m", **BASELINE["baseline"]}})  # type: ignore[dict-item]
    text = yaml.safe_dump(one).encode()
    return damaged(rng, text) if rng.random() < 0.2 else text


# --- a run's folder

RUN_FILES = ("run.yaml", "candidates.csv", "journal.jsonl", "trials.csv", "best.yaml")


def _runs(rng: random.Random) -> Bad:
    command = rng.choice([
        ("analyze", "run"), ("analyze", "run", "--json"), ("report", "run"), ("resume", "run"), ("replay", "run"),
        ("resume", "run", "--retry-failed"), ("replay", "run", "--strategy", "lattice,surface,optuna"),
        ("frontier", "--own", "run"), ("frontier", "run"),
        ("train", "run/family/b1.yaml", "--out", "trained", *VALID["train"]),
    ])  # fmt: skip
    name = "family/b1.yaml" if command[0] == "train" else rng.choice(RUN_FILES)
    number, seed = rng.randrange(10), rng.randrange(1 << 30)

    def make(folder: Path) -> None:
        path, own = folder / "run" / name, random.Random(seed)
        if number == 0:
            path.unlink()
        elif number == 1:
            path.write_bytes(own.choice(RAW))
        elif number <= 3:
            path.write_bytes(damaged(own, path.read_bytes()))
        else:
            path.write_bytes(_edited(own, path))

    return Bad(command, make, what=name)


def _edited(rng: random.Random, path: Path) -> bytes:
    text = path.read_text()
    if path.suffix == ".yaml":
        return yaml.safe_dump(changed(rng, yaml.safe_load(text))).encode()
    lines = text.splitlines()
    number = rng.randrange(len(lines))
    if path.suffix == ".jsonl":
        lines[number] = json.dumps(changed(rng, json.loads(lines[number])))
        if rng.random() < 0.2:
            lines.append(lines[rng.randrange(len(lines))])
        return ("\n".join(lines) + "\n").encode()
    number = number if rng.random() < 0.8 else 0
    cells = lines[number].split(",")
    cells[rng.randrange(len(cells))] = rng.choice([*NUMBERS, "text", '"', "[/red]", "../x", "=1+1", "c00", "done"])
    lines[number] = ",".join(cells[: rng.choice((len(cells), len(cells), 3))])
    if rng.random() < 0.2:
        lines.append(lines[number])
    return ("\n".join(lines) + "\n").encode()


# --- images


def _images(rng: random.Random) -> Bad:
    what, make = rng.choice(list(_FOLDERS.items()))
    command = rng.choice([
        ("run", *VALID["run"], "--data", "bad"), ("train", "tiny.yaml", "--out", "trained", *VALID["train"], "--data",
        "bad"),
    ])  # fmt: skip

    def both(folder: Path) -> None:
        shutil.copytree(folder / "images", folder / "bad")
        make(folder / "bad", random.Random(0))

    return Bad(command, both, what=f"images: {what}")


def _bad_image(folder: Path, rng: random.Random) -> None:
    """One of 5 × 24 in another format, and damaged."""
    for place in sorted((folder / "train").iterdir()):
        for copy in range(5):
            for path in sorted(place.glob("?.png")):
                shutil.copy(path, place / f"more-{copy}-{path.name}")
    path = next(iter(sorted((folder / "train" / "class0").iterdir())))
    kind = rng.choice(
        ["png", "jpeg", "gif", "webp", "bmp", "tiff", "ico", "ppm", "tga", "jp2", "pcx", "sgi", "icns", "dds"]
    )
    with Image.open(path) as image:
        image.convert("RGB").resize((16, 16)).save(path.with_name(f"zz.{kind}"))
    whole = path.with_name(f"zz.{kind}").read_bytes()
    path.with_name(f"zz.{kind}").write_bytes(damaged(rng, whole))


def _each_bad_image(seed: int) -> Callable[[Path, random.Random], object]:
    return lambda folder, rng: _bad_image(folder, random.Random(seed))


def _circle(folder: Path, rng: random.Random) -> None:
    for place in (folder / "train").iterdir():
        (place / "again").symlink_to(folder, target_is_directory=True)
        (place / "self").symlink_to("self")


def _devices(folder: Path, rng: random.Random) -> None:
    for place in (folder / "train").iterdir():
        os.mkfifo(place / "pipe.png")
        (place / "zero.png").symlink_to("/dev/zero")
        (place / "null.jpg").symlink_to("/dev/null")


def _names(folder: Path, rng: random.Random) -> None:
    for place in list((folder / "train").iterdir()):
        image = next(place.glob("*.png"))
        for name in (b"\xff\xfe.png", "名.png".encode(), b"new\nline.png", b"[red].png"):
            shutil.copy(os.fsencode(image), os.fsencode(place) + b"/" + name)
    for split in ("train", "val"):
        (folder / split / "class1").rename(os.fsdecode(os.fsencode(folder / split) + b"/\xff[red]"))


def _others(folder: Path, rng: random.Random) -> None:
    for place in (folder / "train").iterdir():
        for name in ("a.pdf", "b.mpg", "c.hdf5", "d.eps", "Thumbs.db", "e.txt"):
            (place / name).write_bytes(b"%PDF-1.4 not an image")


def _only(count: int) -> Callable[[Path, random.Random], object]:
    def make(folder: Path, rng: random.Random) -> None:
        for split in ("train", "val"):
            for place in (folder / split).iterdir():
                for path in sorted(place.iterdir())[count:]:
                    path.unlink()

    return make


def _huge(folder: Path, rng: random.Random) -> None:
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    (folder / "train" / "class0" / "0.png").write_bytes(head + b"\0" * 100)


def _unreadable(folder: Path, rng: random.Random) -> None:
    (folder / "train" / "class0").chmod(stat.S_IWUSR)


def _no_validation(folder: Path, rng: random.Random) -> None:
    for path in (folder / "val").glob("*/*"):
        path.unlink()


def _no_classes(folder: Path, rng: random.Random) -> None:
    shutil.rmtree(folder / "train")
    (folder / "train").write_text("x")


_FOLDERS: dict[str, Callable[[Path, random.Random], object]] = {
    **{f"one bad image {seed}": _each_bad_image(seed) for seed in range(40)},
    "links in a circle": _circle, "pipes and devices": _devices, "names": _names, "other files": _others,
    "one image a class": _only(1), "no images": _only(0), "two images a class": _only(2), "huge": _huge,
    "no rights": _unreadable,
    "no validation images": _no_validation, "files instead of classes": _no_classes,
    "dangling": lambda folder, rng: (folder / "train" / "class0" / "x.png").symlink_to("nowhere"),
}  # fmt: skip


# --- programs


def _programs(rng: random.Random) -> Bad:
    text = rng.choice(_PROGRAMS)
    command = rng.choice([
        ("cost", "net.py:net"), ("run", *VALID["run"], "--baseline", "net.py:net"), ("candidates", "--baseline",
        "net.py:net"),
        ("train", "net.py:net", "--out", "trained", *VALID["train"]), ("family", "--baseline", "net.py:net", "--phi",
        "1"),
    ])  # fmt: skip
    return Bad(command, lambda folder: (folder / "net.py").write_text(text), what="program")


_NET = "import torch\nfrom torch import nn\n"
_CONV = _NET + (
    "class net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.c = nn.Conv2d(3, 8, 3)\n"
)
_PROGRAMS = [
    "", "import sys\nsys.exit(3)\n", "def net():\n    import sys\n    sys.exit(0)\n", "def net(:\n", "net = 5\n",
    "def net():\n    return 5\n", "def net():\n    raise ValueError('no')\n", "def net(a, b):\n    pass\n",
    "raise KeyError('x')\n", "import nothing_like_this\n", "\0", "# -*- coding: none -*-\n",
    "def net():\n    return net()\n",
    "def net():\n    raise SystemExit\n", "def net():\n    raise BaseException('odd')\n", "raise KeyboardInterrupt\n",
    "class net:\n    def __init__(self): raise OSError(5, 'broken')\n", _NET + "net = nn.Linear(3, 2)\n",
    _NET + "def net():\n    return nn.Sequential()\n", _NET + "def net():\n    return nn.ReLU()\n",
    _NET + "class net(nn.Module):\n    def forward(self, x):\n        raise SystemExit(4)\n",
    _NET + "class net(nn.Module):\n    def forward(self, x):\n        return 'text'\n",
    _NET + "class net(nn.Module):\n    def forward(self, x):\n        return x.mean((1, 2, 3))\n",
    _CONV + "    def forward(self, x):\n        return self.c(x).mean((2, 3)).log() * float('nan')\n",
    _CONV + "    def forward(self, x):\n        import sys\n        sys.exit(1)\n",
    "def net():\n    while True:\n        pass\n", "import time\ntime.sleep(3600)\n",
    "import os\nos.close(1)\nos.close(2)\ndef net():\n    return 1\n", "def net():\n    print('x' * 100)\n",
]  # fmt: skip
