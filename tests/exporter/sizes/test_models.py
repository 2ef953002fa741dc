"""A model alone: what it adds to an app, with the compiled form of Core ML packages and several models in one app."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import lzfse
import pytest

from exporter.data.errors import UsageProblem
from exporter.data.facts.sizes import Measurement
from exporter.formats.registry import format_named
from exporter.gates.artifact import artifact_verdicts
from exporter.sizes.measure import measure
from exporter.sizes.models import in_one_app
from exporter.sizes.packaging import Options
from tests.exporter.sizes.builders import field, mlpackage, tflite, varint, weights, write_folder


def one(path: Path, **options: object) -> Measurement:
    return measure(path, Options(**options))[0]  # type: ignore[arg-type]


def test_a_tflite_file_downloads_as_gzip_and_lies_in_blocks(tmp_path: Path) -> None:
    """The rule of bundletool, and a file system of 4 KiB blocks."""
    path = tmp_path / "m.tflite"
    path.write_bytes(tflite(10_001))
    found = one(path)
    assert found.download is not None
    assert found.install is not None
    assert found.download.value == min(10_001, len(gzip.compress(path.read_bytes(), 6)))
    assert found.install.value == 12_288
    assert not found.download.estimated


def test_an_apple_store_means_lzfse(tmp_path: Path) -> None:
    """A .tflite in an iOS app is packed by the App Store, not by Google Play."""
    path = tmp_path / "m.tflite"
    path.write_bytes(tflite(100) + b"weights " * 4000)
    apple, both = one(path, stores=("app-clip",)), one(path, stores=("app-store", "google-play"))
    assert apple.download is not None
    assert both.download is not None
    assert apple.download.value == len(lzfse.compress(path.read_bytes()))
    assert both.download.value == len(gzip.compress(path.read_bytes(), 6))


def test_a_model_package_is_counted_as_what_xcode_compiles(tmp_path: Path) -> None:
    """The .mlpackage itself never ships; its figures are estimates with bounds, and say so."""
    found = one(mlpackage(tmp_path / "M.mlpackage", 100_000))
    for size in (found.install, found.download):
        assert size is not None
        assert size.estimated
        assert size.low < size.value < size.high
        assert "mlmodelc" in size.method
    assert found.install is not None
    assert found.install.low > 100_000
    assert found.install.high < 100_000 + 40_000


def compiled_by(monkeypatch: pytest.MonkeyPatch, compiler: Callable[[Path, Path], Path | None]) -> None:
    """Stand in for Xcode's compiler."""
    form = format_named("coreml")
    assert form.packing.compilation is not None
    compilation = replace(form.packing.compilation, compile=compiler)
    monkeypatch.setattr(form, "packing", replace(form.packing, compilation=compilation))


def test_on_a_mac_the_compiled_model_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Xcode is there, nothing is estimated: neither for `budget` nor for the run that made the artifact."""

    def compile_model(package: Path, folder: Path) -> Path:
        return write_folder(folder / "M.mlmodelc", {"weights/weight.bin": weights(100_000), "model.mil": b"mil " * 500})

    package = mlpackage(tmp_path / "M.mlpackage", 100_000)
    compiled_by(monkeypatch, compile_model)
    found = one(package)
    assert found.subject == package.as_posix()
    assert found.kind == "mlpackage"
    assert found.install is not None
    assert not found.install.estimated
    assert found.install.value == 102_400 + 4096


def test_without_a_mac_the_estimate_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiler says None where there is none."""
    compiled_by(monkeypatch, lambda *_: None)
    found = one(mlpackage(tmp_path / "M.mlpackage", 10_000))
    assert found.install is not None
    assert found.install.estimated


def test_the_weights_beside_an_onnx_file_count(tmp_path: Path) -> None:
    """Large models keep their weights in a second file; without it the figure is a few kilobytes."""
    graph = field(12, b"output") + field(2, b"g" * 400)
    (tmp_path / "m.onnx").write_bytes(varint(1 << 3) + varint(10) + field(7, graph) + field(8, b""))
    (tmp_path / "m.onnx.data").write_bytes(weights(50_000))
    assert one(tmp_path / "m.onnx").size_bytes == 50_000 + (tmp_path / "m.onnx").stat().st_size


@pytest.mark.parametrize(
    ("delivery", "scopes"),
    [
        ("app", {"app", "app-clip", "base-module", "install-time", "apk"}),
        ("asset-pack", {"asset-pack", "on-demand"}),
        ("ai-pack", {"ai-pack", "ai-packs"}),
        ("on-demand-resource", {"on-demand-resource", "on-demand-resources"}),
        ("background-asset", {"background-assets"}),
    ],
)
def test_delivery_chooses_what_is_limited(tmp_path: Path, delivery: str, scopes: set[str]) -> None:
    """A 400 MB model is over in the base module and fine as a pack."""
    path = tmp_path / "m.tflite"
    path.write_bytes(tflite(5000))
    found = one(path, delivery=delivery)
    assert {facet.scope for facet in found.facets} == {*scopes, "model-file"}
    assert any(facet.partial for facet in found.facets) == (delivery == "app")


def test_several_models_share_one_app(tmp_path: Path) -> None:
    """Two models of 8 MB are over a limit of 15 MB together, though neither is alone."""
    found = []
    for number in range(2):
        path = tmp_path / f"{number}.tflite"
        path.write_bytes(tflite(8000, number))
        found.append(one(path))
    together = {(f.scope, f.counts): f for f in in_one_app(found, Options(rest_size=1000))}
    app = together["app", "uncompressed"]
    assert app.size.value == 17_000
    assert not app.partial
    download = together["app", "download"].size
    assert download.high - download.low == 1000
    assert all(facet.partial for facet in in_one_app(found, Options()))


def test_any_folder_can_be_measured(tmp_path: Path) -> None:
    """Tokenizers and vocabularies ship beside models."""
    folder = write_folder(tmp_path / "assets", {"a/vocab.txt": b"word\n" * 1000, "m.tflite": tflite(3000)})
    assert one(folder).size_bytes == 8000


def test_the_artifact_of_a_run_is_judged_by_its_targets_download_budget(tmp_path: Path) -> None:
    """`run` asks for this where a target has a download budget."""
    path = tmp_path / "m.tflite"
    path.write_bytes(tflite(5000))
    found = one(path).model_copy(update={"target": "pixel-8", "limits": {"download": 4000}})
    assert found.download is not None
    verdicts = artifact_verdicts(found)
    assert [(one.subject, one.metric, one.status.value) for one in verdicts] == [("pixel-8", "download", "failed")]
    assert not list(artifact_verdicts(one(path)))


def test_a_run_outside_its_folder_is_refused(tmp_path: Path) -> None:
    """A run.json from elsewhere must not make this program read any file."""
    from tests.exporter.sizes.records import run_json

    run = run_json(tmp_path, {"pixel": ("../../etc/hosts", {})})
    with pytest.raises(UsageProblem, match="outside the run's folder"):
        measure(run, Options())


def test_a_run_gives_each_artifact_with_its_targets_budgets(tmp_path: Path) -> None:
    """`run` records the budgets; judging later must use the same."""
    from tests.exporter.sizes.records import run_json

    (tmp_path / "pixel").mkdir()
    (tmp_path / "pixel" / "model.tflite").write_bytes(tflite(5000))
    run = run_json(tmp_path, {"pixel": ("pixel/model.tflite", {"budgets": {"size": 4000, "download": None}})})
    found = measure(run, Options())
    assert [one.subject for one in found] == [f"{run.as_posix()}:pixel"]
    assert found[0].limits == {"size": 4000}
