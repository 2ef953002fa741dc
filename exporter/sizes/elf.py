"""What the header of a native library tells: its word size, and the pages that its segments can be mapped on."""

import struct
from typing import BinaryIO, NamedTuple

MAGIC = b"\x7fELF"
MAX_SEGMENTS = 4096
_LOAD = 1
_BITS = {1: 32, 2: 64}
_ORDERS = {1: "<", 2: ">"}
_HEADER_REST = {32: "HHIIIIIHHHHHH", 64: "HHIQQQIHHHHHH"}


class DamagedElfError(Exception):
    """What is wrong with an ELF file, as the end of a sentence."""


class ElfFacts(NamedTuple):
    """One ELF file.

    Attributes:
        bits: 32 or 64.
        alignment: bytes of the largest pages that every LOAD segment can be mapped on; None without such a segment.
    """

    bits: int
    alignment: int | None


class Segment(NamedTuple):
    """What of a program header decides on which pages it can be mapped."""

    kind: int
    offset: int
    address: int
    alignment: int

    @property
    def largest_page(self) -> int:
        """Its alignment; less where its place in the file and its address differ within a page of that size."""
        asked = max(self.alignment, 1)
        return _power_of_two(asked | (self.address - self.offset))


def read_elf(stream: BinaryIO) -> ElfFacts | None:
    """The facts of an ELF file; None when it is none.

    Source: System V ABI, "Object Files" and "Program Loading": `p_vaddr` and `p_offset` are congruent modulo `p_align`.

    Raises:
        DamagedElfError: cut off, or of a kind that no system has.
    """
    start = stream.read(16)
    if not start.startswith(MAGIC):
        return None
    bits, order = _BITS.get(start[4] if len(start) > 4 else 0), _ORDERS.get(start[5] if len(start) > 5 else 0)
    if bits is None or order is None:
        raise DamagedElfError("its ELF header is damaged: it is of neither 32 nor 64 bits")
    header = struct.Struct(order + _HEADER_REST[bits])
    found = header.unpack(_whole(stream, header.size))
    offset, entry_size, count = found[4], found[8], found[9]
    if count > MAX_SEGMENTS:
        raise DamagedElfError(f"its ELF header claims {count:,} segments")
    if not count:
        return ElfFacts(bits, None)
    _skip(stream, offset - 16 - header.size)
    segments = [_segment(_whole(stream, entry_size), bits, order) for _ in range(count)]
    pages = [segment.largest_page for segment in segments if segment.kind == _LOAD]
    return ElfFacts(bits, min(pages, default=None))


def _segment(data: bytes, bits: int, order: str) -> Segment:
    layout = struct.Struct(order + ("IIQQQQQQ" if bits == 64 else "IIIIIIII"))
    if len(data) < layout.size:
        raise DamagedElfError(f"its ELF header says that a program header has {len(data)} bytes")
    fields = layout.unpack_from(data)
    place = 2 if bits == 64 else 1
    return Segment(kind=fields[0], offset=fields[place], address=fields[place + 1], alignment=fields[7])


def _power_of_two(value: int) -> int:
    """The largest power of two that divides `value`."""
    return value & -value


def _whole(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise DamagedElfError("it is cut off inside its ELF header")
    return data


def _skip(stream: BinaryIO, size: int) -> None:
    if size < 0:
        raise DamagedElfError("its ELF header says that its program headers begin inside it")
    while size > 0:
        block = stream.read(min(size, 1 << 20))
        if not block:
            raise DamagedElfError("it is cut off before its program headers")
        size -= len(block)
