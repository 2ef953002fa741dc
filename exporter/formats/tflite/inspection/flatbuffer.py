"""Checks that a flatbuffer's tables, vectors and strings lie in the file, before anything reads them.

Python's flatbuffers has no verifier, and its readers take what lies at any offset. Format:
https://flatbuffers.dev/internals. A schema says of each table what its fields point to.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from exporter.formats.common.bytes.damage import Damage

_INT32, _UINT32, _UINT16 = struct.Struct("<i"), struct.Struct("<I"), struct.Struct("<H")
DEEPEST = 64


@dataclass(frozen=True)
class Field:
    """What a field points to.

    Attributes:
        kind: ``vector`` of elements of `size` bytes, ``string``, ``table`` or ``tables`` (a vector of them).
        size: of an element of a vector.
        table: name of the table in the schema; of a union, by the value of its type.
        type_slot: of a union, the field that holds its type.
    """

    kind: str
    size: int = 1
    table: str | tuple[tuple[int, str], ...] = ""
    type_slot: int | None = None


Schema = Mapping[str, Mapping[int, Field]]


class Flatbuffer:
    """A file's bytes, read only inside of their bounds.

    Attributes:
        end: where the checked structure ends.
    """

    def __init__(self, content: memoryview, schema: Schema) -> None:
        self.content = content
        self.schema = schema
        self.end = 0
        self._fields = cache(self._read_vtable)
        self._seen: set[tuple[int, str]] = set()

    def root(self) -> int:
        """Place of the root table."""
        return self._number(_UINT32, 0)

    def check(self, place: int, table: str, depth: int = 0) -> None:
        """Check a table and all that it points to.

        Raises:
            Damage: something lies outside of the file.
        """
        if (place, table) in self._seen:
            return
        self._seen.add((place, table))
        if depth > DEEPEST:
            raise Damage(f"its tables lie more than {DEEPEST} deep")
        self.fields(place)
        for slot, field in self.schema.get(table, {}).items():
            target = self.target(place, slot)
            if target is not None:
                self._check_field(place, field, target, depth)

    def _check_field(self, place: int, field: Field, target: int, depth: int) -> None:
        if field.kind == "table":
            self.check(target, self._table(place, field), depth + 1)
        elif field.kind == "tables":
            for one in self.tables(target):
                self.check(one, self._table(place, field), depth + 1)
        else:
            # A string ends with a zero that its length does not count.
            self.reach(target, 4 + self._number(_UINT32, target) * field.size + (field.kind == "string"))

    def _table(self, place: int, field: Field) -> str:
        if isinstance(field.table, str):
            return field.table
        assert field.type_slot is not None
        return dict(field.table).get(self.scalar(place, field.type_slot, "<B"), "")

    def fields(self, place: int) -> tuple[int, ...]:
        """Where a table's fields lie, relative to it, by slot; 0 for those left out."""
        return self._fields(place - self._number(_INT32, place), place)

    def _read_vtable(self, vtable: int, place: int) -> tuple[int, ...]:
        size, inline = self._number(_UINT16, vtable), self._number(_UINT16, vtable + 2)
        if size < 4 or size % 2 or inline < 4:
            raise Damage(f"the table at byte {place} has no valid description")
        self.reach(vtable, size)
        self.reach(place, inline)
        found = struct.unpack_from(f"<{size // 2 - 2}H", self.content, vtable + 4)
        if any(offset >= inline for offset in found):
            raise Damage(f"the table at byte {place} has a field outside of it")
        return found

    def scalar(self, place: int, slot: int, form: str) -> int:
        """A number that a table holds; 0 where it was left out."""
        fields = self.fields(place)
        if slot >= len(fields) or not fields[slot]:
            return 0
        return self._number(struct.Struct(form), place + fields[slot])

    def target(self, place: int, slot: int) -> int | None:
        """Where a field points to; None where it was left out."""
        fields = self.fields(place)
        if slot >= len(fields) or not fields[slot]:
            return None
        start = place + fields[slot]
        return start + self._number(_UINT32, start)

    def tables(self, vector: int) -> Iterator[int]:
        """Places of the tables of a vector."""
        count = self._number(_UINT32, vector)
        self.reach(vector, 4 + 4 * count)
        for index in range(count):
            start = vector + 4 + 4 * index
            yield start + self._number(_UINT32, start)

    def members(self, place: int, slot: int) -> list[int]:
        """Places of the tables of a field that holds a vector of them; none where it was left out."""
        vector = self.target(place, slot)
        return [] if vector is None else list(self.tables(vector))

    def text(self, place: int, slot: int) -> str:
        """A string; empty where it was left out. What is no UTF-8 is shown as such."""
        return bytes(self.vector(place, slot, 1)).decode("utf-8", "replace")

    def vector(self, place: int, slot: int, size: int) -> memoryview:
        """The bytes of a vector of elements of `size` bytes; none where it was left out."""
        vector = self.target(place, slot)
        if vector is None:
            return memoryview(b"")
        count = self._number(_UINT32, vector)
        self.reach(vector, 4 + count * size)
        return self.content[vector + 4 : vector + 4 + count * size]

    def numbers(self, place: int, slot: int) -> tuple[int, ...]:
        """A vector of int32; empty where it was left out."""
        return tuple(self.vector(place, slot, 4).cast("i"))

    def length(self, place: int, slot: int) -> int:
        """Elements of a vector; 0 where it was left out."""
        vector = self.target(place, slot)
        return 0 if vector is None else self._number(_UINT32, vector)

    def _number(self, form: struct.Struct, place: int) -> int:
        self.reach(place, form.size)
        return int(form.unpack_from(self.content, place)[0])

    def reach(self, place: int, size: int) -> None:
        """Note that the model has `size` bytes at `place`.

        Raises:
            Damage: the file has not.
        """
        if place < 0 or place + size > len(self.content):
            raise Damage(f"it reaches to byte {place + size:,} of {len(self.content):,}")
        self.end = max(self.end, place + size)
