"""From a path to measurements: finds out what it is, and measures that."""

from collections.abc import Sequence
from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.data.facts.sizes import Measurement
from exporter.data.results.record import TargetRecord
from exporter.formats.files import check_whole
from exporter.formats.packing import Compilation
from exporter.formats.registry import all_formats, format_of
from exporter.sizes import app_store, tool_reports
from exporter.sizes.android import measure_aab, measure_apk
from exporter.sizes.apple import measure_app
from exporter.sizes.containers import Container, FilesContainer, FolderContainer, ZipContainer
from exporter.sizes.models import measure_model
from exporter.sizes.native import is_library, native_facts
from exporter.sizes.packaging import Options
from exporter.store.runs import load_record

_APPS = {".app": "app", ".xcarchive": "xcarchive"}


def measure(path: Path, options: Options) -> list[Measurement]:
    """Measure the file or folder at `path`; a run.json gives one measurement for each of its artifacts.

    What a store's tools compile before they ship it is compiled where this machine can, and estimated elsewhere.

    Args:
        path: what the user named.
        options: what the user said about it.

    Raises:
        UsageProblem: not there, empty, damaged, unsafe to read, or changed meanwhile.
    """
    subject = path.as_posix()
    try:
        is_folder = path.is_dir()
        exists = path.exists()
    except (OSError, ValueError) as error:
        raise UsageProblem(f"{path}: {error}.") from error
    if not exists:
        raise UsageProblem(f"{path} is not there. Give a model, an app, an app bundle, or a size report.")
    if is_folder:
        return [_folder(path, subject, options)]
    suffix = path.suffix.lower()
    if suffix == ".json" and not app_store.is_file_sizes(path):
        return _run(path, options)
    if suffix == ".json":
        return [app_store.measure_file_sizes(path, subject, options)]
    if suffix == ".plist":
        return [app_store.measure_thinning_plist(path, subject, options)]
    if suffix == ".csv":
        return [tool_reports.measure_bundletool_csv(tool_reports.read_report(path), subject)]
    if suffix == ".txt" and tool_reports.THINNING_HEADING in tool_reports.read_report(path):
        return [tool_reports.measure_thinning_report(tool_reports.read_report(path), subject, options)]
    return [_file(path, subject, suffix, options)]


def _file(path: Path, subject: str, suffix: str, options: Options) -> Measurement:
    if suffix in (".apk", ".aab", ".ipa"):
        with ZipContainer(path) as archive:
            if suffix == ".apk":
                return _unchanged(archive, measure_apk(archive, path, subject, options))
            if suffix == ".aab":
                return _unchanged(archive, measure_aab(archive, subject, options))
            return _unchanged(archive, measure_app(archive, subject, "ipa", options))
    form = format_of(path)
    beside: Sequence[Path] = ()
    if path.stat().st_size:  # an empty file has a sentence of its own
        check_whole(path)
        beside = form.packing.beside(path) if form is not None else ()
    container = FilesContainer([path, *beside])
    kind = "so" if is_library(path.name) else suffix.lstrip(".") or "file"
    return _with_libraries(path, container, _unchanged(container, measure_model(container, subject, kind, options)))


def _with_libraries(path: Path, container: Container, found: Measurement) -> Measurement:
    """With what a native library, or those in an Android archive, ask of the device."""
    if found.kind == "so":
        return found.with_more(native_facts(container, container.entries))
    if found.kind == "aar":
        with ZipContainer(path) as archive:
            return found.with_more(native_facts(archive, archive.entries))
    return found


def _folder(path: Path, subject: str, options: Options) -> Measurement:
    kind, form = _kind(path.suffix.lower()), format_of(path)
    container = FolderContainer(path)
    if kind in ("app", "xcarchive"):
        return _unchanged(container, measure_app(container, subject, kind, options))
    if form is not None and container.packed_size:
        check_whole(path)
    found = _unchanged(container, measure_model(container, subject, kind, options))
    if form is None or form.packing.compilation is None:
        return found
    return _compiled(path, found, options, form.packing.compilation)


def _kind(suffix: str) -> str:
    """What a folder is, by its suffix."""
    models = {folder for form in all_formats() for folder in form.packing.all_folders}
    return suffix.removeprefix(".") if suffix in models else _APPS.get(suffix, "folder")


def _compiled(path: Path, package: Measurement, options: Options, compilation: Compilation) -> Measurement:
    """The measurement of `package` with the figures of what it compiles to, where it can be compiled."""
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        folder = compilation.compile(path, Path(scratch))
        if folder is None:
            return package
        real = measure_model(FolderContainer(folder), package.subject, _kind(folder.suffix.lower()), options)
    figures = {name: getattr(real, name) for name in ("install", "download", "facets", "parts")}
    return package.model_copy(update={**figures, "notes": ("install and download are those of the compiled model",)})


def _unchanged(container: Container, measurement: Measurement) -> Measurement:
    container.check_unchanged()
    return measurement


def _run(path: Path, options: Options) -> list[Measurement]:
    record = load_record(path)
    found = [_artifact(path, target, options) for target in record.targets if target.artifact]
    if not found:
        raise UsageProblem(f"{path} records no artifact: every target failed.")
    return found


def _artifact(path: Path, target: TargetRecord, options: Options) -> Measurement:
    assert target.artifact is not None
    artifact = (path.parent / target.artifact.path).resolve()
    if not artifact.is_relative_to(path.parent.resolve()):
        raise UsageProblem(f"{path}: target {target.name!r} names {target.artifact.path!r}, outside the run's folder.")
    found = measure(artifact, options)[0]
    subject = f"{path.as_posix()}:{target.name}"
    return found.model_copy(update={"subject": subject, "target": target.name, "limits": target.size_limits()})
