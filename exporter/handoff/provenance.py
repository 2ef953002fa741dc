"""Checksums of every file, and where they came from: an in-toto statement with SLSA's provenance."""

import json
from pathlib import Path
from typing import Any

from device_harness.digests import file_digest
from exporter import __version__
from exporter.data.facts.handoff import Handoff
from exporter.data.results.record import RunRecord, TargetRecord
from exporter.store.digests import files_of
from exporter.store.tools import versions_of

SUMS, PROVENANCE = "SHA256SUMS", "provenance.json"
STATEMENT, PREDICATE = "https://in-toto.io/Statement/v1", "https://slsa.dev/provenance/v1"
BUILDER = "pkg:pypi/mobile-export"


def checksums(folder: Path) -> str:
    """What ``sha256sum -c`` reads, of every file in `folder`."""
    return "".join(f"{file_digest(path)}  {path.relative_to(folder).as_posix()}\n" for path in files_of(folder))


def statement(folder: Path, handoff: Handoff, record: RunRecord | None, target: TargetRecord | None) -> str:
    """The statement about the model and the list of checksums, which names all other files.

    Sources: in-toto attestation framework, statement v1; SLSA provenance v1.
    """
    subjects = [*files_of(folder / "model"), folder / SUMS]
    document = {
        "_type": STATEMENT,
        "subject": [
            {"name": path.relative_to(folder).as_posix(), "digest": {"sha256": file_digest(path)}} for path in subjects
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": f"{BUILDER}#handoff-v{handoff.schema_version}",
                "externalParameters": _asked(handoff, record, target),
                "resolvedDependencies": _dependencies(record, target),
            },
            "runDetails": {
                "builder": {"id": BUILDER, "version": {"mobile-export": __version__}},
                **({} if record is None else {"metadata": {"startedOn": record.created_at.isoformat()}}),
            },
        },
    }
    return json.dumps(document, indent=1) + "\n"


def _asked(handoff: Handoff, record: RunRecord | None, target: TargetRecord | None) -> dict[str, Any]:
    asked: dict[str, Any] = {"artifact": handoff.artifact, "data": handoff.data}
    if record is not None and target is not None:
        asked |= {"model": record.source.spec, "target": target.settings, "command": list(record.command_line)}
    return asked


def _dependencies(record: RunRecord | None, target: TargetRecord | None) -> list[dict[str, Any]]:
    made_by = versions_of(()) if target is None or target.artifact is None else target.artifact.tools
    tools = [{"uri": f"pkg:pypi/{name}@{version}"} for name, version in sorted(made_by.items())]
    if record is None:
        return tools
    return [{"name": record.source.spec, "digest": {"sha256": record.source.digest}}, *tools]
