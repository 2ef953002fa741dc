"""The folder of a hand-off: there whole or not at all, and never over anything of the user's."""

from pathlib import Path

from device_harness.digests import file_digest
from exporter.data.errors import UsageProblem
from exporter.handoff.provenance import PROVENANCE, SUMS
from exporter.store.digests import files_of

SIGNATURE = f"{PROVENANCE}.sigstore.json"
_OWN = {SUMS, PROVENANCE, SIGNATURE}


def refuse_others_files(folder: Path) -> None:
    """Refuse a place that holds anything but an earlier hand-off as it was made.

    Raises:
        UsageProblem: a file there is the user's, or was changed.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageProblem(f"output {folder} is a file; give a folder that is not there yet with -o.")
    listed = _listed(folder / SUMS)
    for path in files_of(folder) if folder.is_dir() else ():
        name = path.relative_to(folder).as_posix()
        known = name in _OWN and listed if name not in listed else listed[name] == file_digest(path)
        if not known:
            what = "was changed since" if name in listed else "is none of a hand-off's files"
            raise UsageProblem(
                f"output {folder} is not overwritten: {name} {what}. Move it away, or give another folder with -o."
            )


def _listed(sums: Path) -> dict[str, str]:
    """Digests by name."""
    if not sums.is_file():
        return {}
    pairs = (line.split("  ", 1) for line in sums.read_text("utf-8", "replace").splitlines() if "  " in line)
    return {name: digest for digest, name in pairs}
