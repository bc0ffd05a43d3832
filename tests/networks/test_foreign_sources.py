"""Names of networks from elsewhere, and what is said when there is none."""

import sys
from pathlib import Path

import pytest

from scaling_search.errors import InvalidInput
from scaling_search.networks.foreign import is_foreign, open_foreign
from scaling_search.networks.foreign.sources import open_source

USER = Path(__file__).parent / "user_networks.py"


@pytest.mark.parametrize(
    ("attribute", "sentence"),
    [
        ("make_nett", "has no 'make_nett'; did you mean make_net?"),
        ("number", "is an int, not a callable"),
        ("no_module", "returns a str, not a torch.nn.Module"),
        ("broken", "cannot be built: no weights on this machine"),
        ("needs_argument", "missing 1 required positional argument: 'channels'"),
        ("no_convolution", "has no 2-D convolution"),
        ("TwoInputs", "has several inputs"),
        ("TwoOutputs", "has 2 outputs"),
        ("Failing", "fails on its own input of 224 px"),
    ],
)
def test_bad_callables_are_refused_in_one_sentence(attribute: str, sentence: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        open_foreign(f"{USER}:{attribute}")
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nothing_here.py:make_net", "there is no file nothing_here.py"),
        ("nothing_here.models:make_net", "there is no module 'nothing_here'"),
        (":make_net", "names no network"),
        ("timm:", "names no network"),
    ],
)
def test_missing_places_are_named(name: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        open_foreign(name)


@pytest.mark.zoo
@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("timm:resnet51", "resnet5"),
        ("torchvision:mobilenet_v3_larg", "mobilenet_v3_large"),
        ("torchvision:fcn_resnet50", ""),
    ],
)
def test_unknown_models_get_the_nearest_name(name: str, nearest: str) -> None:
    pytest.importorskip(name.partition(":")[0])
    with pytest.raises(InvalidInput, match=f"has no model.*{nearest}"):
        open_foreign(name)


def test_a_missing_library_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    open_source.cache_clear()
    with pytest.raises(InvalidInput, match=r"timm is not installed.*scaling-search\[zoo\]"):
        open_source("timm:resnet18")


def test_a_package_in_the_current_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mypackage_for_test").mkdir()
    (tmp_path / "mypackage_for_test" / "__init__.py").touch()
    (tmp_path / "mypackage_for_test" / "models.py").write_text(USER.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != ""])
    assert open_foreign("mypackage_for_test.models:make_net").depths == (2, 3, 1)


def test_errors_in_a_users_file_are_told(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("raise ValueError('half finished')", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"importing .*bad\.py fails: ValueError: half finished"):
        open_foreign(f"{tmp_path / 'bad.py'}:make_net")


def test_a_file_runs_only_when_its_network_is_opened(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(
        f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n", encoding="utf-8"
    )
    assert is_foreign(f"{tmp_path / 'loud.py'}:make_net")
    assert not (tmp_path / "ran").exists()
    with pytest.raises(InvalidInput, match="has no 'make_net'"):
        open_foreign(f"{tmp_path / 'loud.py'}:make_net")
    assert (tmp_path / "ran").exists()
