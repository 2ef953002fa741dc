"""Headers of packages: read right, and damage is one kind of error whatever the bytes."""

import contextlib
import io
import plistlib
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.data.errors import UsageProblem
from exporter.sizes.containers import ZipContainer
from exporter.sizes.headers import ModuleManifest, read_module_manifest, read_plist, text_size, uncompressed_globs
from tests.exporter.sizes.builders import DISTRIBUTION, bundle_config, element, fat_macho, macho, manifest

damage = st.tuples(st.integers(0, 400), st.binary(max_size=8))


def damaged(content: bytes, where: tuple[int, bytes]) -> bytes:
    place, change = where
    return content[:place] + change + content[place + len(change) :]


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("base", manifest(), ModuleManifest("base-module", True, 24)),
        ("base", manifest(minimum_sdk=b""), ModuleManifest("base-module", True, None)),
        ("f", manifest(), ModuleManifest("feature-module", True, 24)),
        ("f", manifest(delivery=b"on-demand"), ModuleManifest("feature-module", False, 24)),
        ("f", manifest(delivery=b"install-time"), ModuleManifest("feature-module", True, 24)),
        ("p", manifest(b"asset-pack", b"fast-follow"), ModuleManifest("asset-pack", False, 24)),
        ("a", manifest(b"ai-pack", b"install-time"), ModuleManifest("ai-pack", True, 24)),
        (
            "old",
            element(b"manifest", {}, element(b"module", {(DISTRIBUTION, b"onDemand"): b"true"})),
            ModuleManifest("feature-module", False, None),
        ),
    ],
)
def test_a_modules_kind_and_delivery_are_read(name: str, data: bytes, expected: ModuleManifest) -> None:
    """They choose the limit: 500 MB for a module, 1.5 GB for a pack."""
    assert read_module_manifest(data, name) == expected


def test_uncompressed_globs_are_read() -> None:
    """They decide whether a model can be mapped."""
    assert uncompressed_globs(bundle_config(b"**.tflite", b"res/*")) == ["**.tflite", "res/*"]
    assert uncompressed_globs(b"") == []


def test_text_segments() -> None:
    """One slice, the larger of two, and what is no Mach-O file."""
    assert text_size(io.BytesIO(macho(12345))) == 12345
    assert text_size(io.BytesIO(fat_macho(macho(10), macho(20)))) == 20
    assert text_size(io.BytesIO(b"#!/bin/sh")) is None


@given(damage)
def test_damage_is_always_a_usage_problem(where: tuple[int, bytes]) -> None:
    """Bytes of a pull request must not end in a traceback, nor run for ever."""
    with contextlib.suppress(UsageProblem):
        read_module_manifest(damaged(manifest(b"asset-pack", b"fast-follow"), where), "x")
    with contextlib.suppress(UsageProblem):
        uncompressed_globs(damaged(bundle_config(b"**.tflite"), where))
    with contextlib.suppress(UsageProblem):
        text_size(io.BytesIO(damaged(fat_macho(macho(10), macho(20)), where)))
    for form in (plistlib.FMT_XML, plistlib.FMT_BINARY):
        content = plistlib.dumps({"MinimumOSVersion": "17.0", "n": [1, 2.5, b"x"]}, fmt=form)
        with contextlib.suppress(UsageProblem):
            read_plist(io.BytesIO(damaged(content, where)), "Info.plist")


@given(st.integers(-120, 600), st.binary(min_size=1, max_size=8))
def test_a_damaged_archive_is_always_a_usage_problem(
    tmp_path_factory: pytest.TempPathFactory, place: int, change: bytes
) -> None:
    """Whatever byte of an archive is wrong, the error is the same kind, and its entries can still be closed."""
    path = Path(tmp_path_factory.mktemp("zip")) / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", b"content " * 50)
        archive.writestr("c", b"x" * 100, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    start = place % len(content)
    content[start : start + len(change)] = change
    path.write_bytes(content)
    with contextlib.suppress(UsageProblem), ZipContainer(path) as container:
        for entry in container.entries:
            with container.open(entry) as stream:
                while stream.read(1 << 16):
                    pass
