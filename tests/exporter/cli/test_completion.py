"""Shells complete targets, devices, recipes and models, in words that bash divides at colons, without heavy imports."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.cli.completion import ColonBash, joined_at_colons
from exporter.cli.main import COMPLETES, main
from tests.exporter.cli.test_start import HEAVY


def completed(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    """What bash is given for the last of `words`."""
    monkeypatch.setenv("COMP_WORDS", "\n".join(("mobile-export", *words)))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    return [line.partition(",")[2] for line in ColonBash(main, {}, "mobile-export", COMPLETES).complete().splitlines()]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "targets.toml").write_text('[targets.our-phone]\nextends = "pixel-8"\n[recipes.thin]\nsteps = []\n')
    return tmp_path


def test_commands_and_options(monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed(monkeypatch, "r") == ["run", "report"]
    assert "--target" in completed(monkeypatch, "run", "--t")


@pytest.mark.parametrize(
    "words", [("run", "m.pt2", "--target", "our"), ("verify", "a", "b", "--target", "our"), ("targets", "show", "our")]
)
def test_targets_of_the_folder_too(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    assert completed(monkeypatch, *words) == ["our-phone"]


def test_targets_of_the_file_that_is_named(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "other.toml").write_text('[targets.zebra]\nextends = "pixel-8"\n')
    assert completed(monkeypatch, "run", "--targets", "other.toml", "--target", "zeb") == ["zebra"]


def test_a_broken_targets_file_completes_nothing(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """A traceback would be written into the line that somebody types."""
    (folder / "targets.toml").write_text("[targets")
    assert completed(monkeypatch, "run", "--target", "our") == []


def test_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed(monkeypatch, "compress", "m.pt2", "--recipe", "thi") == ["thin"]


def test_models_are_files_kinds_and_after_the_kind_names(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "net.pt2").touch()
    (folder / "notes.txt").touch()
    (folder / "nets").mkdir()
    assert completed(monkeypatch, "run", "ne") == ["net.pt2", "nets/"]
    assert "timm:" in completed(monkeypatch, "run", "t")
    assert completed(monkeypatch, "run", "torchvision", ":", "mobilenet_v3") == [
        "mobilenet_v3_large",
        "mobilenet_v3_small",
    ]
    assert completed(monkeypatch, "run", "torchvision", ":", "resnet18", "--target", "our") == ["our-phone"]


def test_words_are_put_together_at_colons_and_nowhere_else() -> None:
    assert joined_at_colons(["run", "a", ":", "b", "--out", "x:", ""]) == ["run", "a:b", "--out", "x:", ""]


def test_no_heavy_library_is_loaded(folder: Path) -> None:
    """A key that takes a second is not pressed again."""
    script = (
        "import os, sys\nfrom exporter.cli.main import main\n"
        "for line in ('run m --target o', 'run timm:r', 'run m --device l', 'compress m --recipe t'):\n"
        "    words = line.replace(' ', '\\n')\n"
        "    os.environ.update(COMP_WORDS='mobile-export\\n' + words, COMP_CWORD=str(1 + words.count('\\n')))\n"
        "    try:\n        main(prog_name='mobile-export')\n    except SystemExit:\n        pass\n"
        "print('LOADED', *{name.partition('.')[0] for name in sys.modules})"
    )
    environment = {**os.environ, COMPLETES: "bash_complete"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    said, _, loaded = done.stdout.rpartition("LOADED")
    assert {"plain,our-phone", "plain,local", "plain,thin"} <= set(said.split())
    assert not set(loaded.split()) & (HEAVY - {"numpy"})  # as tests.exporter.cli.test_start says
