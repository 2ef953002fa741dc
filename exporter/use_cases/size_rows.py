"""Sizes as the rows of a table, each beside its size in a baseline."""

from collections.abc import Iterator, Sequence

from exporter.data.facts.sizes import ByteCount, Measurement, Part
from exporter.data.results.sizes import SizeRow
from exporter.gates.baseline import Baseline, Sizes, SubjectSizes


def size_rows(
    measurements: Sequence[Measurement], total: Measurement | None, baseline: Baseline | None
) -> Iterator[SizeRow]:
    """A row for each subject, under it one for each of several parts, and one for the total."""
    alone = len(measurements) == 1
    for one in measurements:
        before = baseline.find(one.subject, alone=alone) if baseline else None
        yield _row(one, before)
        if len(one.parts) > 1:
            yield from (_part_row(one, part, before) for part in one.parts)
    if total is not None:
        yield _row(total, None)


def _row(one: Measurement, before: SubjectSizes | None) -> SizeRow:
    return SizeRow(
        subject=one.subject,
        download=_value(one.download),
        install=_value(one.install),
        download_before=_value(before.download) if before else None,
        install_before=_value(before.install) if before else None,
        estimated=bool((one.download and one.download.estimated) or (one.install and one.install.estimated)),
    )


def _part_row(one: Measurement, part: Part, before: SubjectSizes | None) -> SizeRow:
    old: Sizes | None = before.models.get(part.name) if before and part.role == "model" else None
    return SizeRow(
        subject="everything else" if part.role == "rest" and part.name == "rest" else part.name,
        download=part.download_bytes,
        install=None if one.install is None else part.install_bytes,
        download_before=_value(old.download) if old else None,
        install_before=_value(old.install) if old else None,
        inside=True,
    )


def _value(size: ByteCount | None) -> int | None:
    return None if size is None else size.value
