"""What Apple's tools give in bytes: exact figures, of the largest device."""

import json
import plistlib
from pathlib import Path
from typing import Any

import pytest

from exporter.data.errors import UsageProblem
from exporter.data.facts.sizes import Measurement
from exporter.sizes.measure import measure
from exporter.sizes.packaging import Options


def one(path: Path, *stores: str) -> Measurement:
    return measure(path, Options(stores=stores))[0]


def file_size(model: str, download: Any, install: int) -> dict[str, Any]:
    figures = {"deviceModel": model, "osVersion": "26.0", "downloadBytes": download, "installBytes": install}
    return {"type": "buildBundleFileSizes", "id": model, "attributes": figures}


def answer(path: Path, *rows: dict[str, Any], **more: Any) -> Path:
    path.write_text(json.dumps({"data": rows, **more}, indent=2))
    return path


def thinning(path: Path, **variants: dict[str, Any]) -> Path:
    path.write_bytes(plistlib.dumps({"variants": {f"Apps/{name}.ipa": facts for name, facts in variants.items()}}))
    return path


def variant(download: int, install: int, **more: Any) -> dict[str, Any]:
    return {"sizeCompressedApp": download, "sizeUncompressedApp": install, **more}


def figures(found: Measurement) -> tuple[int, int]:
    assert found.download is not None
    assert found.install is not None
    assert not found.download.estimated
    return found.download.value, found.install.value


def test_file_sizes_of_app_store_connect(tmp_path: Path) -> None:
    """The largest download and the largest install may be of two devices."""
    rows = file_size("iPhone17,1", 5_000_123, 9_000_000), file_size("iPad8,1", 4_000_000, 9_500_000)
    found = one(answer(tmp_path / "sizes.json", *rows), "app-store")
    assert figures(found) == (5_000_123, 9_500_000)
    assert {part.name for part in found.parts} == {"iPhone17,1 26.0", "iPad8,1 26.0"}
    assert {facet.scope for facet in found.facets} == {"app"}


def test_an_app_clip_is_judged_as_one(tmp_path: Path) -> None:
    """App Store Connect has a bundle of its own for it; only the user says so."""
    found = one(answer(tmp_path / "sizes.json", file_size("iPhone17,1", 1, 2)), "app-clip")
    assert {facet.scope for facet in found.facets} == {"app", "app-clip"}


def test_xcodes_thinning_plist(tmp_path: Path) -> None:
    """A universal build is shown but not judged; on-demand resources are a figure of their own."""
    device = [{"device": "iPhone17,1", "os-version": "26.0"}]
    thinned = variant(5_000, 9_000, variantDescriptors=device, sizeUncompressedODR=700)
    found = one(thinning(tmp_path / "app-thinning.plist", Demo1=thinned, Demo=variant(8_000, 20_000)))
    assert figures(found) == (5_000, 9_000)
    assert {part.name: part.format for part in found.parts} == {
        "Apps/Demo.ipa": "universal",
        "Apps/Demo1.ipa": "thinned",
    }
    assert [facet.size.value for facet in found.facets if facet.scope == "on-demand-resource"] == [700]
    assert figures(one(thinning(tmp_path / "b.plist", Demo=variant(8_000, 20_000)))) == (8_000, 20_000)


@pytest.mark.parametrize(
    ("rows", "more", "told"),
    [
        ([file_size("a", "5 MB", 1)], {}, "no downloadBytes in bytes"),
        ([file_size("a", -1, 1)], {}, "no downloadBytes in bytes"),
        ([{"type": "builds", "also": "buildBundleFileSizes"}], {}, "is none of"),
        ([file_size("a", 1, 1)], {"links": {"next": "https://example.com"}}, "one page of several"),
        ([], {"meta": {"type": "buildBundleFileSizes"}}, "has no list"),
    ],
)
def test_answers_that_do_not_tell(tmp_path: Path, rows: list[dict[str, Any]], more: dict[str, Any], told: str) -> None:
    """Half of the devices would be a figure that is too small."""
    with pytest.raises(UsageProblem, match=told):
        one(answer(tmp_path / "sizes.json", *rows, **more))


@pytest.mark.parametrize("variants", [{}, {"Demo": "5 MB"}, {"Demo": {"sizeCompressedApp": 5}}])
def test_another_property_list_is_none(tmp_path: Path, variants: dict[str, Any]) -> None:
    """An Info.plist is not a report."""
    with pytest.raises(UsageProblem, match="variant"):
        one(thinning(tmp_path / "app-thinning.plist", **variants))
