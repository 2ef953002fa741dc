"""Bad input: one clear error each, in bounded time and memory, nothing written."""

import os
import struct
import zipfile
from pathlib import Path

import pytest

from exporter.data.errors import UsageProblem
from exporter.sizes.containers import MAX_ENTRIES, FilesContainer, FolderContainer, ZipContainer
from exporter.sizes.measure import measure
from exporter.sizes.packaging import Options
from exporter.sizes.zip_records import entry_count
from tests.exporter.sizes.builders import app_files, tflite, write_folder, write_zip


def apk(path: Path, **files: bytes) -> Path:
    return write_zip(path, {"AndroidManifest.xml": b"", **files})


def problem(path: Path) -> str:
    """The one error of measuring `path`."""
    with pytest.raises(UsageProblem) as caught:
        measure(path, Options())
    return str(caught.value)


def test_a_zip_bomb_is_refused_before_it_is_inflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gigabytes of zeros in a few megabytes must not cost minutes of CI."""
    monkeypatch.setattr("exporter.sizes.containers.HARMLESS_BYTES", 10_000_000)
    path = tmp_path / "bomb.ipa"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        info = zipfile.ZipInfo("Payload/A.app/zeros")
        info.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(info, "w", force_zip64=True) as stream:
            for _ in range(3):
                stream.write(bytes(10_000_000))
    assert "looks like a zip bomb" in problem(path)


def test_overlapping_entries_are_refused(tmp_path: Path) -> None:
    """A bomb of overlapping entries (Fifield, 2019) claims the same bytes again and again."""
    path = apk(tmp_path / "a.apk", data=os.urandom(50_000))
    content = bytearray(path.read_bytes())
    directory = content.rindex(b"PK\x01\x02", 0, content.rindex(b"PK\x05\x06"))
    struct.pack_into("<L", content, directory + 20, 10_000_000)
    path.write_bytes(content)
    assert "overlap" in problem(path)


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../../b", "..\\evil", "C:/x", "\\\\host\\share"])
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    """Nothing is unpacked, but such an archive is an attack and its report would carry the name on."""
    path = apk(tmp_path / "a.apk", **{name: b"x"})
    assert "would leave its folder" in problem(path)


def test_a_symlink_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    """Its target's bytes are not part of the app."""
    app = write_folder(tmp_path / "A.app", app_files("A"))
    (tmp_path / "secret").write_bytes(b"x" * 100)
    (app / "link").symlink_to(tmp_path / "secret")
    assert "leaves the folder" in problem(app)


@pytest.mark.parametrize("target", ["nowhere", "link"])
def test_a_symlink_to_nothing_or_itself_is_refused(tmp_path: Path, target: str) -> None:
    """A broken build, not a size of zero."""
    app = write_folder(tmp_path / "A.app", app_files("A"))
    (app / "link").symlink_to(target)
    assert "link to nothing, or to itself" in problem(app)


def test_a_symlink_that_stays_inside_counts_nothing(tmp_path: Path) -> None:
    """Frameworks of macOS apps are full of them."""
    app = write_folder(tmp_path / "A.app", app_files("A"))
    before = measure(app, Options())[0].size_bytes
    (app / "Current").symlink_to("A")
    (app / "loop").symlink_to(".")
    assert measure(app, Options())[0].size_bytes == before


def test_special_files_are_refused(tmp_path: Path) -> None:
    """Reading a pipe would hang for ever."""
    app = write_folder(tmp_path / "A.app", app_files("A"))
    os.mkfifo(app / "pipe")
    assert "not a regular file" in problem(app)


@pytest.mark.slow
def test_zip64_is_read(tmp_path: Path) -> None:
    """Bundles with more than 65,535 entries or 4 GB have it."""
    path = tmp_path / "a.apk"
    with zipfile.ZipFile(path, "w", allowZip64=True) as archive:
        archive.writestr("AndroidManifest.xml", b"")
        with archive.open(zipfile.ZipInfo("assets/m.tflite"), "w", force_zip64=True) as stream:
            stream.write(os.urandom(5000))
        for number in range(66_000):
            archive.writestr(f"res/{number}", b"")
    assert entry_count(path) == 66_002
    found = measure(path, Options())[0]
    assert found.models()[0].size_bytes == 5000


def test_more_entries_than_any_app_has_are_refused_before_they_are_loaded(tmp_path: Path) -> None:
    """The directory of millions of empty entries alone would take gigabytes of memory."""
    path = apk(tmp_path / "a.apk")
    content = bytearray(path.read_bytes())
    end = content.rindex(b"PK\x05\x06")
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, MAX_ENTRIES + 1, MAX_ENTRIES + 1, 0, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    struct.pack_into("<2H", content, end + 8, 0xFFFF, 0xFFFF)
    path.write_bytes(bytes(content[:end]) + record + locator + bytes(content[end:]))
    assert "200,001 entries" in problem(path)


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.9, 0.999])
def test_a_truncated_archive_is_refused(tmp_path: Path, kept: float) -> None:
    """A download that broke off must not look like an app that shrank."""
    path = apk(tmp_path / "a.apk", data=os.urandom(20_000))
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(len(content) * kept)])
    assert "not a whole zip archive" in problem(path)


def test_a_damaged_entry_is_refused(tmp_path: Path) -> None:
    """The checksum is verified where an entry is read."""
    files = {f"Payload/A.app/{name}": content for name, content in app_files("A", {"data": os.urandom(9000)}).items()}
    path = write_zip(tmp_path / "a.ipa", files, stored=("data",))
    content = bytearray(path.read_bytes())
    content[content.index(b"Payload/A.app/data") + 100] ^= 0xFF
    path.write_bytes(content)
    assert "is damaged" in problem(path)


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    """Its bytes do not compress, so its sizes would be wrong."""
    path = apk(tmp_path / "a.apk", data=b"x" * 100)
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.rindex(signature, 0, content.rindex(b"PK\x05\x06"))
        content[place + offset] |= 1
    path.write_bytes(content)
    assert "is encrypted" in problem(path)


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    """Installers and scanners disagree about which one counts."""
    path = tmp_path / "a.apk"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("AndroidManifest.xml", b"")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("AndroidManifest.xml", b"other")
    assert "two entries of one name" in problem(path)


@pytest.mark.parametrize("name", ["m.tflite", "m.onnx", "m.mlmodel", "M.mlpackage", "M.mlmodelc", "folder"])
def test_an_empty_model_is_refused(tmp_path: Path, name: str) -> None:
    """Zero bytes pass every budget."""
    path = tmp_path / name
    if path.suffix in (".tflite", ".onnx", ".mlmodel"):
        path.write_bytes(b"")
    else:
        path.mkdir()
    assert "is empty: 0 bytes" in problem(path)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    """The commonest mistake in CI."""
    assert "is not there" in problem(tmp_path / "nope.ipa")


def test_a_folder_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """A build that still runs gives sizes of neither build."""
    app = write_folder(tmp_path / "A.app", app_files("A"))
    container = FolderContainer(app)
    container.check_unchanged()
    (app / "late").write_bytes(b"x")
    with pytest.raises(UsageProblem, match="late changed while it was read"):
        container.check_unchanged()


@pytest.mark.parametrize("kind", [FilesContainer, ZipContainer])
def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, kind: type) -> None:
    """The same for one file."""
    path = apk(tmp_path / "a.apk")
    with kind([path]) if kind is FilesContainer else kind(path) as container:
        path.write_bytes(path.read_bytes() + b"x")
        with pytest.raises(UsageProblem, match="changed while it was read"):
            container.check_unchanged()


def test_a_deep_folder_is_refused(tmp_path: Path) -> None:
    """Bounded time, whatever the folder is."""
    folder = tmp_path / "deep"
    (folder / "/".join(["d"] * 80)).mkdir(parents=True)
    assert "folders deep" in problem(folder)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """Not a size of zero."""
    container = FolderContainer(write_folder(tmp_path / "A.app", {"A": b"x"}))
    (tmp_path / "A.app" / "A").unlink()
    with pytest.raises(UsageProblem, match="A cannot be read"), container.open(container.entries[0]):
        pass


@pytest.mark.parametrize("name", ["two\nlines.tflite", "模型 🤖.tflite", "a,b:c%.tflite", "-x.tflite"])
def test_odd_names_are_measured(tmp_path: Path, name: str) -> None:
    """File systems allow them."""
    path = tmp_path / name
    path.write_bytes(tflite(5000))
    assert measure(path, Options())[0].size_bytes == 5000
