"""Whether a document is of a version that this program reads, for every document of this package."""

from device_harness.versions import NewerVersionError, SchemaVersionError, schema_version
from exporter.data.errors import UsageProblem


def checked_version(document: object, where: object, known: int, *, otherwise: str = "") -> int:
    """The schema version of `document`, from 1 to `known`.

    Args:
        document: as parsed.
        where: its file, for the message.
        known: the newest version that this program reads.
        otherwise: what to do where it has none, as a sentence.

    Raises:
        UsageProblem: it has none, a newer one, or one that no release ever wrote.
    """
    try:
        return schema_version(document, known)
    except NewerVersionError as error:
        raise UsageProblem(f"{where} {error}. Upgrade mobile-export to read it.") from error
    except SchemaVersionError as error:
        raise UsageProblem(f"{where} {error}. {otherwise}".rstrip()) from error
