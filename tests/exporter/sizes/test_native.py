"""Native libraries: pages, ABIs and the installer, against the tools that say the same where they are installed."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.data.errors import UsageProblem
from exporter.data.facts.sizes import Measurement
from exporter.sizes.elf import DamagedElfError, ElfFacts, read_elf
from exporter.sizes.manifests import ApkManifest, read_apk_manifest
from exporter.sizes.measure import measure
from exporter.sizes.native import is_library
from exporter.sizes.packaging import Options, blocks
from tests.exporter.sizes.builders import apk_manifest, elf, manifest, write_zip
from tests.exporter.sizes.test_headers import damage, damaged

SMALL, LARGE = elf(0x1000, 0x4000), elf(0x4000, 0x10000)


def one(path: Path) -> Measurement:
    return measure(path, Options())[0]


def alignments(found: Measurement, scope: str = "library-64") -> dict[str, int]:
    return {facet.name: facet.size.value for facet in found.facets if facet.scope == scope}


def only_32(found: Measurement) -> list[tuple[str, int]]:
    return [(facet.name, facet.size.value) for facet in found.facets if facet.scope == "only-32-bit"]


def kinds(found: Measurement) -> list[tuple[str, str]]:
    return [(finding.kind, finding.name) for finding in found.findings]


def apk(folder: Path, libraries: dict[str, bytes], *, stored: bool = True, **says: bool | None) -> Measurement:
    files = {"AndroidManifest.xml": apk_manifest(extract=says.get("extract")), **libraries}
    return one(write_zip(folder / "a.apk", files, stored=(".so",) if stored else ("nothing",)))


@pytest.mark.parametrize("bits", [32, 64])
def test_the_least_aligned_load_segment_counts(bits: int) -> None:
    """Tools that look at the first segment alone pass libraries that do not load."""
    assert read_elf(io.BytesIO(elf(0x10000, 0x4000, 0x8000, bits=bits))) == ElfFacts(bits, 0x4000)
    assert read_elf(io.BytesIO(elf(0x4000, 0x1000, bits=bits))) == ElfFacts(bits, 0x1000)


def test_an_address_that_its_offset_does_not_go_with_is_no_alignment() -> None:
    """A library may claim pages that the loader cannot map it on."""
    assert read_elf(io.BytesIO(elf(0x4000, shift=0x1000))) == ElfFacts(64, 0x1000)
    assert read_elf(io.BytesIO(elf(0x4000, shift=0x8000))) == ElfFacts(64, 0x4000)


def test_what_is_no_library_or_has_nothing_to_map() -> None:
    """An object file has no segments; a script under a library's name is none."""
    assert read_elf(io.BytesIO(b"#!/system/bin/sh\n")) is None
    assert read_elf(io.BytesIO(elf())) == ElfFacts(64, None)
    assert read_elf(io.BytesIO(b"")) is None


@given(st.one_of(damage.map(lambda where: damaged(elf(0x4000, 0x1000), where)), st.binary(max_size=300)))
def test_damage_is_one_kind_of_error(content: bytes) -> None:
    """Whatever the bytes."""
    try:
        found = read_elf(io.BytesIO(content))
    except DamagedElfError:
        return
    assert found is None or (found.bits in (32, 64) and (found.alignment or 1) > 0)


@given(st.integers(0, len(SMALL) - 1))
def test_a_library_that_is_cut_off_is_never_aligned(length: int) -> None:
    """A cut inside the headers is damage; behind them nothing changes."""
    try:
        found = read_elf(io.BytesIO(SMALL[:length]))
    except DamagedElfError:
        return
    assert found in (None, ElfFacts(64, 0x1000))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("libx.so", True), ("lib/x86/libx.so.1.2", True), ("x.so.txt", False), (".so", False), ("x.sol", False)],
)
def test_names_of_libraries(name: str, expected: bool) -> None:
    """Linux versions them; Android does not."""
    assert is_library(name) is expected


def test_every_library_of_a_package_is_read(tmp_path: Path) -> None:
    """By the words in its header, wherever it lies."""
    files = {"lib/arm64-v8a/libsmall.so": SMALL, "lib/x86_64/liblarge.so": LARGE, "assets/plug.so": LARGE}
    found = apk(tmp_path, {**files, "lib/armeabi-v7a/libold.so": elf(0x1000, bits=32)})
    assert alignments(found) == {
        "lib/arm64-v8a/libsmall.so": 0x1000,
        "lib/x86_64/liblarge.so": 0x4000,
        "assets/plug.so": 0x4000,
    }
    assert any("1 of 3 64-bit libraries cannot be mapped" in note for note in found.notes)
    assert only_32(found) == [("", 0)]


@pytest.mark.parametrize(("folder", "suffix"), [("base/lib", ".aab"), ("jni", ".aar")])
def test_bundles_and_archives_are_read_too(folder: str, suffix: str, tmp_path: Path) -> None:
    """Where a library lies in them has nothing to do with where it will lie."""
    files = {f"{folder}/arm64-v8a/libx.so": SMALL, f"{folder}/x86/liby.so": elf(0x1000, bits=32)}
    path = write_zip(tmp_path / f"a{suffix}", {"base/manifest/AndroidManifest.xml": manifest(), **files})
    found = one(path)
    assert alignments(found) == {f"{folder}/arm64-v8a/libx.so": 0x1000}
    assert alignments(found, "library-in-apk") == {}
    assert only_32(found) == [(f"{folder}/x86", len(elf(0x1000, bits=32)))]


def test_a_library_alone(tmp_path: Path) -> None:
    """As a supplier sends it."""
    (tmp_path / "libx.so.1").write_bytes(SMALL)
    assert alignments(one(tmp_path / "libx.so.1")) == {"libx.so.1": 0x1000}


@pytest.mark.parametrize(
    ("abis", "lonely"),
    [
        (["armeabi-v7a"], "lib/armeabi-v7a"),
        (["armeabi-v7a", "arm64-v8a"], ""),
        (["armeabi-v7a", "arm64-v8a", "x86"], "lib/x86"),
        (["x86", "armeabi"], "lib/armeabi, lib/x86"),
        (["arm64-v8a"], ""),
    ],
)
def test_32_bit_code_needs_its_counterpart(abis: list[str], lonely: str, tmp_path: Path) -> None:
    """arm64 does not stand in for x86_64."""
    found = apk(tmp_path, {f"lib/{abi}/libx.so": LARGE for abi in abis})
    assert only_32(found)[0][0] == lonely


def test_a_damaged_library_is_a_finding_and_a_strange_one_a_note(tmp_path: Path) -> None:
    """Neither is passed over in silence."""
    found = apk(tmp_path, {"lib/arm64-v8a/libcut.so": SMALL[:70], "lib/arm64-v8a/libscript.so": b"#!/bin/sh"})
    assert ("damaged", "lib/arm64-v8a/libcut.so") in kinds(found)
    assert any("no ELF files" in note and "libscript.so" in note for note in found.notes)


def test_the_manifest_says_whether_libraries_are_copied_out(tmp_path: Path) -> None:
    """It costs their size again; where they are deflated and must not be copied, nothing installs."""
    library = {"lib/arm64-v8a/libx.so": LARGE}
    inside, copied = apk(tmp_path, library, extract=False), apk(tmp_path, library, extract=True)
    assert kinds(inside) == []
    assert kinds(copied) == [("extracted", "lib")]
    assert copied.install is not None
    assert inside.install is not None
    assert copied.install.value - inside.install.value == blocks(len(LARGE))
    assert kinds(apk(tmp_path, library)) == [("extracted", "lib")], "the installer takes silence for true"
    broken = apk(tmp_path, library, stored=False, extract=False)
    assert kinds(broken) == [("extraction", "lib/arm64-v8a/libx.so")]


def test_before_android_6_libraries_must_be_copied(tmp_path: Path) -> None:
    """No advice that cannot be followed."""
    files = {"AndroidManifest.xml": apk_manifest(21, extract=True), "lib/arm64-v8a/libx.so": LARGE}
    assert kinds(one(write_zip(tmp_path / "a.apk", files))) == []


@pytest.mark.parametrize("utf8", [True, False])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("extract", [True, False, None])
def test_binary_manifests_are_read(extract: bool | None, utf8: bool, named: bool) -> None:
    """With strings of both kinds, and with names that were taken away."""
    data = apk_manifest(23, 34, extract=extract, utf8=utf8, named=named)
    assert read_apk_manifest(data) == ApkManifest(23, 34, extract)


@given(st.one_of(damage.map(lambda where: damaged(apk_manifest(extract=True), where)), st.binary(max_size=300)))
def test_a_damaged_manifest_is_one_kind_of_error(data: bytes) -> None:
    """Whatever the bytes."""
    try:
        assert isinstance(read_apk_manifest(data), ApkManifest)
    except UsageProblem:
        return


def test_a_manifest_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """And the libraries' sizes are those that hold whatever it says."""
    files = {"AndroidManifest.xml": b"<manifest/>", "lib/arm64-v8a/libx.so": LARGE}
    found = one(write_zip(tmp_path / "a.apk", files, stored=(".so",)))
    assert any("extractNativeLibs are not known" in note for note in found.notes)
    assert kinds(found) == []


def test_where_a_stored_library_begins(tmp_path: Path) -> None:
    """Zip archives of Python align nothing; deflated entries are not looked at."""
    found = apk(tmp_path, {"lib/arm64-v8a/libx.so": LARGE, "lib/arm64-v8a/liby.so": SMALL})
    content = (tmp_path / "a.apk").read_bytes()
    for name, library in (("libx.so", LARGE), ("liby.so", SMALL)):
        offset = content.index(library)
        assert alignments(found, "library-in-apk")[f"lib/arm64-v8a/{name}"] == offset & -offset
    assert alignments(apk(tmp_path, {"lib/arm64-v8a/libx.so": LARGE}, stored=False), "library-in-apk") == {}


@pytest.mark.skipif(shutil.which("readelf") is None, reason="readelf is not installed: apt-get install binutils")
def test_readelf_says_the_same(tmp_path: Path) -> None:
    """Of real libraries: those that this Python has loaded."""
    loaded = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if ".so" in line}
    libraries = sorted(Path(name) for name in loaded if Path(name).is_file())[:20]
    assert libraries
    for path in libraries:
        with path.open("rb") as stream:
            found = read_elf(stream)
        assert found is not None
        assert found.alignment == readelf(path), path


def readelf(path: Path) -> int:
    """The least alignment of a LOAD segment, as GNU readelf prints it in the last column."""
    told = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True, check=True).stdout
    return min(int(line.split()[-1], 16) for line in told.splitlines() if line.strip().startswith("LOAD"))


@pytest.mark.skipif(shutil.which("zipalign") is None, reason="zipalign is not installed: apt-get install zipalign")
@pytest.mark.parametrize(("alignment", "held"), [(4, False), (4096, False), (16384, True)])
def test_zipalign_says_the_same(alignment: int, held: bool, tmp_path: Path) -> None:
    """Of an APK that it aligned itself; an entry before the library keeps smaller alignments from holding by chance."""
    plain, aligned = tmp_path / "plain.apk", tmp_path / "aligned.apk"
    files = {"AndroidManifest.xml": apk_manifest(), "assets/a.so": elf(0x4000) + b"x" * 5000}
    write_zip(plain, {**files, "lib/arm64-v8a/libx.so": LARGE}, stored=(".so",))
    subprocess.run(["zipalign", str(alignment), plain, aligned], check=True, capture_output=True)
    told = subprocess.run(["zipalign", "-c", "16384", aligned], check=False, capture_output=True)
    ours = alignments(one(aligned), "library-in-apk").values()
    assert (told.returncode == 0) is held
    assert all(offset >= 16384 for offset in ours) is held
