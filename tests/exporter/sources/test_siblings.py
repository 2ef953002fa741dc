"""A factory finds what lies beside its file, as it does when it is run, and disturbs nobody else's imports."""

import os
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.sources.factories import import_attribute


@pytest.fixture(autouse=True)
def _path_restored() -> Iterator[None]:
    before = list(sys.path)
    yield
    sys.path[:] = before


def project(folder: Path, number: int, **files: str) -> str:
    """A file ``net.py`` with a module and a package beside it; gives the argument that names its function."""
    folder.mkdir()
    (folder / "layers_of_test.py").write_text(f"NUMBER = {number}\nclass Block: pass\n")
    (folder / "pack_of_test").mkdir()
    (folder / "pack_of_test" / "__init__.py").write_text("from . import inner\n")
    (folder / "pack_of_test" / "inner.py").write_text(f"DEEP = {10 * number}\n")
    (folder / "net.py").write_text(
        "from layers_of_test import NUMBER, Block\nfrom pack_of_test.inner import DEEP\n"
        "def net(): return NUMBER, DEEP, Block\n"
        "def late():\n    import late_of_test\n    return late_of_test.LATE\n"
    )
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return f"{folder / 'net.py'}:net"


def test_modules_and_packages_beside_the_file_are_found(tmp_path: Path) -> None:
    assert import_attribute(project(tmp_path / "a", 1))()[:2] == (1, 10)


def test_each_of_two_folders_has_its_own(tmp_path: Path) -> None:
    """Protects two models of one team: ``net.py`` and ``layers.py`` are what everybody calls them."""
    first, second = project(tmp_path / "a", 1), project(tmp_path / "b", 2)
    one = import_attribute(first)
    assert one()[:2] == (1, 10)
    assert import_attribute(second)()[:2] == (2, 20)
    assert import_attribute(first)()[:2] == (1, 10)
    assert one()[:2] == (1, 10)
    assert one.__module__ != import_attribute(second).__module__


def test_what_was_imported_can_be_pickled_and_imported_later(tmp_path: Path) -> None:
    function: Any = import_attribute(project(tmp_path / "a", 1, late_of_test="LATE = 7\n"))
    assert pickle.loads(pickle.dumps(function)) is function
    block = function()[2]
    assert pickle.loads(pickle.dumps(block)) is block
    assert import_attribute(f"{tmp_path / 'a' / 'net.py'}:late")() == 7


def test_nothing_installed_is_shadowed_afterwards(tmp_path: Path) -> None:
    """Protects this program's own late imports from a file of the user's of the same name."""
    import_attribute(project(tmp_path / "a", 1, colorsys="raise RuntimeError('shadowed')\n"))
    sys.modules.pop("colorsys", None)
    import colorsys

    assert not Path(colorsys.__file__).is_relative_to(tmp_path)
    assert sys.path[0] != str(tmp_path / "a")


def test_a_file_that_fails_leaves_the_path_as_it_should_be(tmp_path: Path) -> None:
    from exporter.data.errors import UsageProblem

    (tmp_path / "bad.py").write_text("import absent_of_test\n")
    with pytest.raises(UsageProblem, match="No module named 'absent_of_test'"):
        import_attribute(f"{tmp_path / 'bad.py'}:net")
    assert sys.path[0] != str(tmp_path)


def test_an_edit_within_the_second_is_seen(tmp_path: Path) -> None:
    """Protects sweeps that write one factory after another: kept bytecode is told apart by size and whole seconds."""
    file = tmp_path / "net.py"
    seen = []
    for number in range(3):
        file.write_text(f"def net(): return {number}\n")
        os.utime(file, (1e9, 1e9))
        seen.append(import_attribute(f"{file}:net")())
    assert seen == [0, 1, 2]
