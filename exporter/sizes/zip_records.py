"""Records of zip archives that zipfile does not show: how many entries it announces, where the bytes of one begin."""

import os
import struct
from pathlib import Path

from exporter.data.errors import UsageProblem

_LOCAL = struct.Struct("<4s5H3L2H")
_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")


def behind_header(path: Path, place: int) -> int:
    """Where the bytes of an entry begin whose own header lies at `place` (APPNOTE 4.3.7).

    Raises:
        struct.error: the archive ends before.
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        stream.seek(place)
        header = _LOCAL.unpack(stream.read(_LOCAL.size))
    return place + _LOCAL.size + int(header[-2]) + int(header[-1])


def entry_count(path: Path) -> int:
    """Entries that the archive's end record announces, read without loading the directory (APPNOTE 4.3.14, 4.3.16).

    Raises:
        UsageProblem: there is no end record: the file is cut off or no zip archive.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        start = max(0, size - 0xFFFF - _END.size - _END64_LOCATOR.size)
        stream.seek(start)
        tail = stream.read()
        place = tail.rfind(b"PK\x05\x06")
        if place < 0 or len(tail) - place < _END.size:
            raise UsageProblem(f"{path} is not a whole zip archive: its end record is missing. Copy or build it again.")
        count = int(_END.unpack_from(tail, place)[4])
        if count < 0xFFFF or place < _END64_LOCATOR.size:
            return count
        signature, _, offset, _ = _END64_LOCATOR.unpack_from(tail, place - _END64_LOCATOR.size)
        if signature != b"PK\x06\x07":
            return count
        stream.seek(min(offset, size))
        record = stream.read(_END64.size)
    if len(record) < _END64.size or not record.startswith(b"PK\x06\x06"):
        raise UsageProblem(
            f"{path} is not a whole zip archive: its zip64 end record is missing. Copy or build it again."
        )
    return int(_END64.unpack(record)[7])
