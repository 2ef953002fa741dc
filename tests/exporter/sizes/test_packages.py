"""Apps and app bundles: what a device downloads and stores, which model takes it, and what is packed wrongly."""

import gzip
from pathlib import Path

import lzfse
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.data.errors import UsageProblem
from exporter.data.facts.sizes import Measurement
from exporter.sizes.measure import measure
from exporter.sizes.packaging import ZIP_END_BYTES, ZIP_ENTRY_BYTES, Options, blocks
from tests.exporter.formats.tflite.models import TYPES, Constant, model
from tests.exporter.sizes.builders import (
    app_files,
    bundle_config,
    fat_macho,
    macho,
    manifest,
    tflite,
    weights,
    write_folder,
    write_zip,
)


def one(path: Path, **options: object) -> Measurement:
    return measure(path, Options(**options))[0]  # type: ignore[arg-type]


def facet(found: Measurement, scope: str, counts: str, name: str = "") -> int:
    sizes = [
        f.size.value for f in found.facets if f.scope == scope and f.counts == counts and (not name or f.name == name)
    ]
    assert len(sizes) == 1, [(f.scope, f.name, f.counts) for f in found.facets]
    return sizes[0]


def apk(path: Path, files: dict[str, bytes], stored: tuple[str, ...] = (".tflite", ".so")) -> Path:
    return write_zip(
        path, {"AndroidManifest.xml": b"\x03\0\x08\0", "classes.dex": b"dex " * 9000, **files}, stored=stored
    )


@settings(deadline=None, max_examples=25)
@given(st.binary(max_size=20_000), st.integers(1, 400_000))
def test_an_apk_downloads_what_bundletool_says(
    tmp_path_factory: pytest.TempPathFactory, code: bytes, size: int
) -> None:
    """ApkSizeUtils: the smaller of the file and its gzip, byte for byte."""
    path = apk(tmp_path_factory.mktemp("apk") / "a.apk", {"classes2.dex": code, "assets/m.tflite": tflite(size)})
    found = one(path)
    content = path.read_bytes()
    assert found.download is not None
    assert found.download.value == min(len(content), len(gzip.compress(content, 6)))
    assert not found.download.estimated


def test_an_apk_is_divided_by_model_and_abi(tmp_path: Path) -> None:
    """Which model, which ABI: the question of a reviewer."""
    path = apk(
        tmp_path / "a.apk",
        {
            "assets/small.tflite": tflite(50_000),
            "assets/big.bin": tflite(90_000, seed=1),
            "assets/notes.bin": b"n" * 5000,
            "lib/arm64-v8a/libtf.so": weights(40_000, 2),
            "lib/arm64-v8a/libb.so": weights(1000, 3),
            "lib/x86_64/libtf.so": weights(45_000, 4),
        },
    )
    parts = {part.name: part for part in one(path).parts}
    assert [(part.name, part.format) for part in one(path).models()] == [
        ("assets/big.bin", "tflite"),
        ("assets/small.tflite", "tflite"),
    ]
    assert parts["lib/arm64-v8a"].size_bytes == 41_000
    assert parts["lib/arm64-v8a"].files == 2
    assert parts["lib/x86_64"].format == "x86_64"
    assert parts["rest"].files == 3


def test_a_deflated_model_is_found_and_a_stored_one_is_not(tmp_path: Path) -> None:
    """AssetManager.openFd fails on a deflated entry, at run time, on the device."""
    path = apk(tmp_path / "a.apk", {"assets/m.tflite": tflite(5000)}, stored=())
    assert [(found.kind, found.name) for found in one(path).findings] == [("compressed", "assets/m.tflite")]
    assert "noCompress += 'tflite'" in one(path).findings[0].sentence
    assert not one(apk(tmp_path / "b.apk", {"assets/m.tflite": tflite(5000)})).findings


def test_the_same_weights_twice_are_found(tmp_path: Path) -> None:
    """One model in two folders doubles the download; equal sizes alone are no duplicate."""
    same, other = tflite(50_000), tflite(50_000, seed=1)
    files = {"assets/a/m.tflite": same, "assets/b/copy.bin": same, "assets/c.tflite": other}
    path = apk(tmp_path / "a.apk", files, stored=(".tflite", ".bin"))
    findings = one(path).findings
    assert [(found.kind, found.wasted_bytes) for found in findings] == [("duplicate", 50_000)]
    assert "assets/b/copy.bin" in findings[0].sentence


def test_an_empty_model_inside_is_found(tmp_path: Path) -> None:
    """A failed download in a build step leaves one."""
    path = apk(tmp_path / "a.apk", {"assets/m.tflite": b""})
    assert [found.kind for found in one(path).findings] == ["empty"]


def test_a_model_inside_that_is_cut_off_is_found(tmp_path: Path) -> None:
    """It would be measured as smaller than it is, and no app can load it. An encrypted one is not judged."""
    whole = model([Constant("w", TYPES.INT8, (200,), bytes(range(200)))])
    files = {"assets/whole.tflite": whole, "assets/cut.tflite": whole[:-100], "assets/secret.tflite": b"\x8f" * 500}
    path = apk(tmp_path / "a.apk", files, stored=(".tflite",))
    assert [(found.kind, found.name) for found in one(path).findings] == [("damaged", "assets/cut.tflite")]


def bundle(path: Path) -> Path:
    files = {
        "BundleConfig.pb": bundle_config(b"**.[tT][fF][lL][iI][tT][eE]"),
        "base/manifest/AndroidManifest.xml": manifest(),
        "base/dex/classes.dex": weights(30_000, 9),
        "base/assets/m.tflite": tflite(60_000),
        "base/lib/arm64-v8a/liba.so": weights(20_000, 1),
        "base/lib/x86/liba.so": weights(8_000, 2),
        "camera/manifest/AndroidManifest.xml": manifest(delivery=b"on-demand"),
        "camera/dex/classes.dex": weights(10_000, 3),
        "voices/manifest/AndroidManifest.xml": manifest(b"asset-pack", b"fast-follow"),
        "voices/assets/v.bin": weights(70_000, 4),
        "llm/manifest/AndroidManifest.xml": manifest(b"ai-pack", b"on-demand"),
        "llm/assets/l.bin": weights(90_000, 5),
        "META-INF/signature": b"s" * 5000,
    }
    return write_zip(path, files)


def test_an_app_bundle_is_counted_by_module_with_the_largest_abi(tmp_path: Path) -> None:
    """A device gets one ABI; each module has a limit of its own; packs come later."""
    found = one(bundle(tmp_path / "a.aab"))
    base = facet(found, "base-module", "download")
    assert 30_000 * 0.9 + 60_000 * 0.9 + 20_000 * 0.9 < base < 112_000
    assert facet(found, "feature-module", "download", "camera") == pytest.approx(10_000, rel=0.1)
    assert facet(found, "asset-pack", "download", "voices") == pytest.approx(70_000, rel=0.1)
    assert facet(found, "ai-pack", "download", "llm") == facet(found, "ai-packs", "download")
    assert facet(found, "install-time", "download") == base
    assert found.download is not None
    assert found.download.value == base
    assert found.minimum_os == "5"
    assert not found.findings


def test_app_bundle_downloads_are_within_two_percent_of_a_real_split_apk(tmp_path: Path) -> None:
    """bundletool counts the gzip of the APKs that it builds from the module."""
    found = one(bundle(tmp_path / "a.aab"))
    split = {
        "AndroidManifest.xml": manifest(),
        "classes.dex": weights(30_000, 9),
        "assets/m.tflite": tflite(60_000),
        "lib/arm64-v8a/liba.so": weights(20_000, 1),
    }
    real = write_zip(tmp_path / "split.apk", split, stored=(".tflite", ".so")).read_bytes()
    expected = min(len(real), len(gzip.compress(real, 6)))
    assert facet(found, "base-module", "download") == pytest.approx(expected, rel=0.02)


def test_a_bundle_that_will_deflate_its_model_is_found(tmp_path: Path) -> None:
    """What matters is BundleConfig.pb, since every entry of a bundle is deflated; asset packs are stored anyway."""
    files = {
        "BundleConfig.pb": bundle_config(b"**.other"),
        "base/manifest/AndroidManifest.xml": manifest(),
        "base/assets/m.tflite": tflite(6000),
        "p/manifest/AndroidManifest.xml": manifest(b"asset-pack"),
        "p/assets/n.tflite": tflite(6000, 1),
    }
    path = write_zip(tmp_path / "b.aab", files)
    assert [(found.kind, found.name) for found in one(path).findings] == [("compressed", "base/assets/m.tflite")]


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("a.apk", {"x": b""}),
        ("a.aab", {"x": b""}),
        ("a.ipa", {"x": b""}),
        ("a.ipa", {"Payload/x": b""}),
        ("a.ipa", {"Payload/A.app/x": b"", "Payload/B.app/x": b""}),
    ],
)
def test_an_archive_that_is_not_what_its_name_says_is_refused(
    tmp_path: Path, name: str, files: dict[str, bytes]
) -> None:
    """A renamed zip must not be measured as an app of zero bytes."""
    with pytest.raises(UsageProblem, match=r"no APK|no app bundle|apps? at Payload"):
        one(write_zip(tmp_path / name, files))


def test_a_damaged_manifest_is_refused(tmp_path: Path) -> None:
    """Guessing a module's kind would choose the wrong limit."""
    path = write_zip(tmp_path / "a.aab", {"base/manifest/AndroidManifest.xml": b"\x0a\xff\xff\xff\xff\x7f"})
    with pytest.raises(UsageProblem, match="manifest of module 'base'"):
        one(path)


def ipa(path: Path, files: dict[str, bytes]) -> Path:
    return write_zip(path, {f"Payload/App.app/{name}": content for name, content in files.items()})


def test_an_ipa_downloads_as_lzfse_of_every_file(tmp_path: Path) -> None:
    """The store compresses anew: what Xcode's zip took is not what a user downloads."""
    files = app_files("App", {"M.mlmodelc/weights/weight.bin": weights(100_000), "a.txt": b"text " * 10_000})
    found = one(ipa(tmp_path / "a.ipa", files))
    data = sum(min(len(content), len(lzfse.compress(content))) for content in files.values())
    records = ZIP_END_BYTES + sum(ZIP_ENTRY_BYTES + 2 * len(f"Payload/App.app/{name}") for name in files)
    assert found.download is not None
    assert found.install is not None
    assert found.download.value == data + records
    assert found.install.value == sum(blocks(len(content)) for content in files.values())
    assert found.size_bytes == sum(map(len, files.values()))
    assert found.minimum_os == "17.0"
    assert [part.name for part in found.models()] == ["M.mlmodelc"]


def test_ipa_app_and_archive_of_one_app_agree(tmp_path: Path) -> None:
    """The same app measured at three steps of a build must give one figure."""
    files = app_files("App", {"m.tflite": tflite(40_000)})
    packed = one(ipa(tmp_path / "App.ipa", files))
    folder = one(write_folder(tmp_path / "App.app", files))
    archived = {f"Products/Applications/App.app/{name}": content for name, content in files.items()}
    archive = one(write_folder(tmp_path / "App.xcarchive", {**archived, "dSYMs/App.dSYM/x": b"x" * 9999}))
    for other in (folder, archive):
        assert other.install == packed.install
        assert other.size_bytes == packed.size_bytes
    assert folder.download == packed.download


def test_clips_watch_apps_and_packs_are_figures_of_their_own(tmp_path: Path) -> None:
    """Each has a limit; a clip and a pack are separate downloads."""
    files = app_files(
        "App",
        {
            "AppClips/Clip.app/Info.plist": b"p" * 1000,
            "AppClips/Clip.app/Clip": b"c" * 5000,
            "Watch/W.app/W": b"w" * 7000,
            "OnDemandResources/x.assetpack/data": b"d" * 9000,
        },
    )
    found = one(ipa(tmp_path / "a.ipa", files))
    assert facet(found, "app-clip", "uncompressed") == 6000
    assert facet(found, "watch-app", "uncompressed") == 7000
    assert facet(found, "on-demand-resource", "uncompressed") == 9000
    plain = sum(map(len, app_files("App").values()))
    assert facet(found, "app", "uncompressed") == plain + 7000
    assert len(found.notes) == 3


@pytest.mark.parametrize("cut", [0, 1])
def test_text_segments_are_summed_over_executables(tmp_path: Path, cut: int) -> None:
    """The executable limit counts code, not the file; of a universal binary a device gets one slice."""
    files = {
        **app_files("App"),
        "Frameworks/F.framework/F": fat_macho(macho(100), macho(2000)),
        "lib.dylib": macho(30),
        "data": b"\xca\xfe\xba\xbe" + b"\0" * 60,
    }
    found = one(write_folder(tmp_path / "A.app", files))
    assert facet(found, "executable", "text") == 300_000 + 2000 + 30
    if cut:
        (tmp_path / "A.app" / "lib.dylib").write_bytes(macho(30)[:40])
        with pytest.raises(UsageProblem, match="cut off"):
            one(tmp_path / "A.app")


def test_a_bad_plist_is_refused(tmp_path: Path) -> None:
    """The minimum OS chooses limits."""
    folder = write_folder(tmp_path / "A.app", {"Info.plist": b"<plist", "A": b"x"})
    with pytest.raises(UsageProblem, match=r"Info.plist is not a property list"):
        one(folder)


def test_parts_add_up(tmp_path: Path) -> None:
    """Nothing of an app may be missing from the table."""
    for path in (bundle(tmp_path / "a.aab"), ipa(tmp_path / "a.ipa", app_files("App", {"m.tflite": tflite(9000)}))):
        found = one(path)
        assert sum(part.size_bytes for part in found.parts) == found.size_bytes
        assert sum(file.size_bytes for file in found.files) == found.size_bytes
