"""The artifact: converted from the source as it is or as a recipe left it, unless the cache has it; and published."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from exporter.data.facts.artifact import Artifact
from exporter.data.settings.target import Target
from exporter.execution.isolation import Trouble, attempt
from exporter.execution.stage import Stage
from exporter.formats.session import Conversion
from exporter.store.digests import tree_digest
from exporter.store.output import publish
from exporter.tasks.keys import task_key
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.postprocess import detection_of, tail_of
from exporter.use_cases.job.tools import tool_versions
from exporter.use_cases.job.work import ConversionFacts, Converted, TargetWork

_FACTS = "facts.json"


def convert(model: ModelAtHand, work: TargetWork) -> TargetWork:
    """`work` with its artifact, which is in its place in the output folder.

    Raises:
        UsageProblem: the target cannot be had from this source.
        ToolError: a converter failed.
    """
    if isinstance(work.beforehand, Trouble):
        return work.struck(work.beforehand)
    converted, form = work.beforehand or converted_in_cache(model, work), work.format
    publish(converted.path, model.request.output / work.file)
    if work.compressed is not None:
        packed = work.compressed.path
        publish(packed, model.request.output / work.target.name / packed.name)
    artifact = _artifact(converted, form.name, work.target.name, work.file, model.description.digest)
    return replace(work, converted=converted, artifact=artifact)


def converted_in_cache(model: ModelAtHand, work: TargetWork) -> Converted:
    """The artifact in the cache, converted unless it was there.

    Raises:
        UsageProblem: the target cannot be had from this source.
        ToolError: a converter failed.
    """
    done = model.stages.folder(_stage(model, work), partial(_convert_into, model, work))
    folder, form = done.value, work.format
    facts = ConversionFacts.model_validate_json((folder / _FACTS).read_bytes())
    return Converted(folder / form.file_name, folder / form.twin_name, facts, done.key, done.from_cache)


def is_to_be_made(model: ModelAtHand, work: TargetWork) -> bool:
    """Whether the conversion is work, and not in the cache."""
    return model.request.force or model.cache.find(model.stages.key(_stage(model, work))) is None


def _stage(model: ModelAtHand, work: TargetWork) -> Stage:
    """The conversion, decided by source, settings and representative data."""
    target = work.target
    calibrated = target.quantization.calibrated
    about_the_author = {"author", "license", "version", "description"}
    decided_by = (
        model.description.digest,
        model.description.model_dump(mode="json"),
        model.settings.model_dump(mode="json", include=about_the_author),
        model.settings.known_fitting,
        dict(work.format.decides(target)),
        work.compressed.key if work.compressed else None,
        model.calibration.digest if calibrated and model.calibration else None,
        model.request.calibration_samples if calibrated else None,
        _decoding(model, target),
    )
    return Stage("conversion", target.name, f"Converting for {target.name}", decided_by)


def _decoding(model: ModelAtHand, target: Target) -> object:
    """What decides the decoding in the artifact beside the target and the model."""
    return task_key(detection_of(target.postprocessing, model.settings, target.name))


def _convert_into(model: ModelAtHand, work: TargetWork, folder: Path) -> None:
    conversion = _conversion(model, work, folder)
    shown = attempt(lambda: work.format.file_facts(conversion.path))
    facts = ConversionFacts(
        sha256=tree_digest(conversion.path),
        twin_sha256=tree_digest(conversion.twin_path),
        inspection=conversion.inspection.model_copy(update={"path": conversion.path.name}),
        twin=conversion.twin.model_copy(update={"path": conversion.twin_path.name}),
        left_alone=conversion.left_alone,
        notes=conversion.notes,
        route=conversion.route,
        conversion_s=conversion.seconds,
        shown=None if isinstance(shown, Trouble) else shown,
    )
    (folder / _FACTS).write_text(facts.model_dump_json(), encoding="utf-8")


def _conversion(model: ModelAtHand, work: TargetWork, folder: Path) -> Conversion:
    """The artifact and its twin in `folder`, with what the target wants behind the model."""
    settings = model.settings
    task = detection_of(work.target.postprocessing, settings, work.target.name)
    if task is None:
        return model.conversions(work.compressed).convert(work.target, folder)
    found, session = model.detector(task, work.compressed)
    return session.convert_before(tail_of(found, work.target.postprocessing, settings), work.target, folder)


def _artifact(converted: Converted, form: str, target: str, path: Path, source_digest: str) -> Artifact:
    """What the record says of the artifact, by the names of its format and target."""
    facts = converted.facts
    return Artifact(
        path=path.as_posix(),
        format=form,
        target=target,
        sha256=facts.sha256,
        size_bytes=facts.inspection.size_bytes,
        source_digest=source_digest,
        settings_digest=converted.key,
        tools=tool_versions(),
        left_alone=facts.left_alone,
        twin_size_bytes=facts.twin.size_bytes,
        route=facts.route,
        conversion_s=facts.conversion_s,
    )
