"""The schema version that every document carries: written by a runner, by a run, or by a person."""


class SchemaVersionError(ValueError):
    """The document has no version, or one that this program does not know; its text is what it has, as a clause."""


class NewerVersionError(SchemaVersionError):
    """A later release wrote it."""


def schema_version(document: object, known: int) -> int:
    """The version of `document`, from 1 to `known`.

    Raises:
        SchemaVersionError: it has none, or one that no release ever wrote.
        NewerVersionError: it is above `known`.
    """
    version = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise SchemaVersionError("has no schema_version")
    if version > known:
        raise NewerVersionError(f"has schema version {version}; this program knows versions up to {known}")
    if version < 1:
        raise SchemaVersionError(f"has schema version {version}, which no release ever wrote")
    return version
