"""Images from tables, tar shards and Arrow files: the same pixels as from a folder; one sentence for what is wrong."""

import csv
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import scaling_search as ss
from scaling_search import data
from scaling_search.errors import InvalidInput

SIDE = 12
CLASSES = ("cat", "dog", "emu")


def picture(number: int) -> Image.Image:
    return Image.new("RGB", (20, 10), (20 * number, 255 - 9 * number, 100))


def png(image: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


SAMPLES = [("train", CLASSES[number % 3], number) for number in range(9)] + [
    ("val", CLASSES[number % 3], number) for number in range(9, 12)
]


def as_folder(root: Path) -> Path:
    for split, label, number in SAMPLES:
        (root / split / label).mkdir(parents=True, exist_ok=True)
        picture(number).save(root / split / label / f"{number:02}.png")
    return root


def as_csv(root: Path) -> Path:
    root.mkdir()
    with (root / "list.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["split", "file_name", "label"])
        for split, label, number in SAMPLES:
            picture(number).save(root / f"{number:02}.png")
            table.writerow([split, f"{number:02}.png", label])
    return root / "list.csv"


def as_shards(root: Path) -> Path:
    root.mkdir()
    for shard, chosen in (("train-000", SAMPLES[:5]), ("train-001", SAMPLES[5:9]), ("val-000", SAMPLES[9:])):
        write_shard(
            root / f"{shard}.tar",
            {f"x/{number:02}.{kind}": content for _, label, number in chosen
             for kind, content in (("png", png(picture(number))), ("cls", label.encode()), ("json", b"{}"))},
        )  # fmt: skip
    return root


def write_shard(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def table(split: str, *, named: bool = True) -> pa.Table:
    rows = [(label, number) for which, label, number in SAMPLES if which == split]
    images = [{"bytes": png(picture(number)), "path": None} for _, number in rows]
    found = pa.table({
        "image": pa.array(images, pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        "label": [CLASSES.index(label) if named else label for label, _ in rows],
    })  # fmt: skip
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": list(CLASSES)}}
    return found.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})} if named else {})


def as_parquet(root: Path, *, named: bool = True) -> Path:
    (root / "data").mkdir(parents=True)
    pq.write_table(table("train", named=named), root / "data" / "train-00000-of-00001.parquet", row_group_size=2)
    pq.write_table(table("val", named=named), root / "data" / "validation-00000-of-00001.parquet")
    return root


def as_plain_parquet(root: Path) -> Path:
    return as_parquet(root, named=False)


def as_saved(root: Path) -> Path:
    datasets = pytest.importorskip("datasets")
    kinds = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=list(CLASSES))})
    splits = {
        split: datasets.Dataset.from_list(
            [{"image": picture(number), "label": label} for which, label, number in SAMPLES if which == split], kinds
        )
        for split in ("train", "val")
    }
    datasets.DatasetDict(splits).save_to_disk(root, num_shards={"train": 2, "val": 1})
    return root


@pytest.mark.parametrize("write", [as_csv, as_shards, as_parquet, as_plain_parquet, as_saved])
def test_the_same_images_as_from_a_folder(write: Callable[[Path], Path], tmp_path: Path) -> None:
    expected = data.prepare(str(as_folder(tmp_path / "folder")), resolution=SIDE, cache=tmp_path / "cache")
    found = data.prepare(str(write(tmp_path / "listed")), resolution=SIDE, cache=tmp_path / "cache")
    assert found.classes == expected.classes == CLASSES
    for one, other in ((found.train, expected.train), (found.val, expected.val)):
        assert sorted(zip(one.labels().tolist(), map(bytes, one.images()), strict=True)) == sorted(
            zip(other.labels().tolist(), map(bytes, other.images()), strict=True)
        )


@pytest.mark.parametrize(("prefix", "write"), [("csv", as_csv), ("webdataset", as_shards), ("hf", as_parquet)])
def test_a_prefix_says_what_it_is(prefix: str, write: Callable[[Path], Path], tmp_path: Path) -> None:
    path = write(tmp_path / "listed")
    picture(0).save(tmp_path / "listed" / "stray.png")
    source = ss.dataset(f"{prefix}:{path}", name="mine")
    assert (source.name, source.classes, len(source.train), len(source.val)) == ("mine", CLASSES, 9, 3)


def test_a_folder_of_images_stays_one(tmp_path: Path) -> None:
    root = as_folder(tmp_path / "folder")
    write_shard(root / "backup.tar", {"a.jpg": b"x"})
    assert len(data.prepare(str(root), resolution=SIDE, cache=tmp_path / "cache").train) == 9


def test_without_splits_a_part_is_held_out(tmp_path: Path) -> None:
    members = {
        f"{number}.{kind}": content for number in range(20)
        for kind, content in (("jpg", png(picture(number), "JPEG")), ("cls", str(number % 2 * 10 + 1).encode()))
    }  # fmt: skip
    found = data.prepare(str(write_shard(tmp_path / "all.tar", members)), resolution=SIDE, cache=tmp_path / "cache")
    assert (len(found.train), len(found.val), found.classes) == (16, 4, ("1", "11"))
    assert np.bincount(found.val.labels()).tolist() == [2, 2]


def test_numbers_are_ordered_as_numbers(tmp_path: Path) -> None:
    members = {
        f"{number}.{kind}": content for number in range(12)
        for kind, content in (("png", png(picture(number))), ("cls", str(number % 3 * 9).encode()))
    }  # fmt: skip
    assert ss.dataset(str(write_shard(tmp_path / "all.tar", members))).classes == ("0", "9", "18")


@pytest.mark.parametrize(
    ("mode", "pixel", "expected"),
    [
        ("L", 100, (100, 100, 100)),
        ("I;16", 51 * 257, (51, 51, 51)),
        ("RGBA", (200, 0, 0, 0), (255, 255, 255)),
        ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
        ("LA", (50, 255), (50, 50, 50)),
    ],
)
def test_other_channels_become_three(mode: str, pixel: Any, expected: tuple[int, ...], tmp_path: Path) -> None:
    members: dict[str, bytes] = {}
    for number in range(10):
        members |= {f"{number}.tif": png(Image.new(mode, (6, 6), pixel), "TIFF"), f"{number}.cls": b"%d" % (number % 2)}
    found = data.prepare(str(write_shard(tmp_path / "all.tar", members)), resolution=4, cache=tmp_path / "cache")
    assert found.train.images()[0, 0, 0].tolist() == list(expected)


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    members: dict[str, bytes] = {}
    for number in range(10):
        members |= {f"{number}.jpg": b"no image", f"{number}.cls": b"%d" % (number % 2)}
    path = write_shard(tmp_path / "all.tar", members)
    with pytest.raises(InvalidInput, match=r"training images|train images cannot be read: all.tar/0 \("):
        data.prepare(str(path), resolution=4, cache=tmp_path / "cache")


def refused(path: Path | str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence) as error:
        ss.dataset(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has no column of paths"),
        ("name,label\na.png,x\n", "has no column of paths .*its first line has name, label"),
        ("path,kind\na.png,x\n", "has no column of labels"),
        ("path,label\n", "lists no images"),
        ("path,label\nb.png,x\n", "line 2: there is no file"),
        ("path,label\na.png\n", "line 2: 1 cells instead of 2"),
        ("path,label\na.png,\n", "line 2: a.png has no label"),
        ("path,label\na.png,x\na.png,x\n", r"has one class \(x\)"),
        ("path,label,split\na.png,x,test\na.png,y,val\n", "has no split called train; it has test, val"),
        ("path,label,split\na.png,x,train\na.png,y,train\na.png,z,val\n", "that training does not have: z"),
        ('path,label\n"a.png,x\n', "is no table in UTF-8"),
    ],
)
def test_what_is_wrong_with_a_table(text: str, sentence: str, tmp_path: Path) -> None:
    picture(0).save(tmp_path / "a.png")
    (tmp_path / "list.csv").write_text(text)
    refused(tmp_path / "list.csv", sentence)


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"a.jpg": b"x", "a.pyd": b"x"}, r"holds a.pyd: a pickle runs code"),
        ({"a.jpg": b"x", "a.meta.pkl": b"x"}, r"holds a.meta.pkl: a pickle runs code"),
        ({"a.jpg": b"x"}, r"a has no label \(.cls\)"),
        ({"a.cls": b"1"}, r"a has no image \(jpg, jpeg, png …\)"),
        ({"a.jpg": b"x", "a.cls": b" "}, "the label of a is empty"),
        ({"a.txt": b"x"}, "lists no images"),
    ],
)
def test_what_is_wrong_with_a_shard(members: dict[str, bytes], sentence: str, tmp_path: Path) -> None:
    refused(write_shard(tmp_path / "all.tar", members), sentence)


def test_broken_files_are_named(tmp_path: Path) -> None:
    whole = as_shards(tmp_path / "shards") / "train-000.tar"
    whole.write_bytes(whole.read_bytes()[:700])
    refused(whole.parent, r"train-000.tar is no whole uncompressed tar file")
    broken = as_parquet(tmp_path / "parquet") / "data" / "train-00000-of-00001.parquet"
    broken.write_bytes(broken.read_bytes()[:200])
    refused(tmp_path / "parquet", r"train-00000-of-00001.parquet cannot be read")


def test_links_and_folders_in_a_shard_lead_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "all.tar"
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("a.jpg")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
        label = tarfile.TarInfo("a.cls")
        label.size = 1
        archive.addfile(label, io.BytesIO(b"1"))
    refused(path, "a has no image")


def test_what_is_wrong_with_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"picture": ["a"], "label": [0]}), tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", "has no column of images; its columns are picture, label")
    pq.write_table(pa.table({"image": [b"x"], "kind": [0]}), tmp_path / "b.parquet")
    refused(tmp_path / "b.parquet", "has no column of labels; its columns are image, kind")
    pq.write_table(pa.table({"image": [b"x"], "label": pa.array([None], pa.int64())}), tmp_path / "c.parquet")
    refused(tmp_path / "c.parquet", "row 0 has no label")
    pq.write_table(pa.table({"one": [b"x"], "two": [b"x"], "label": [0]}), tmp_path / "d.parquet")
    refused(tmp_path / "d.parquet", r"several columns of images \(one, two\); call one image")


def test_a_saved_folder_names_no_file_outside(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "state.json").write_text(json.dumps({"_data_files": [{"filename": "../x.arrow"}]}))
    refused(tmp_path / "saved", "x.arrow")


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    refused(f"hf:{tmp_path}/none", "none is missing")
    with pytest.raises(InvalidInput, match="give a validation set too"):
        ss.dataset([(0, 0)])
