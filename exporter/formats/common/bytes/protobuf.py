"""Walks a protocol buffer message without its schema (https://protobuf.dev/programming-guides/encoding)."""

from collections.abc import Iterator
from typing import NamedTuple

from exporter.formats.common.bytes.damage import Damage

_FIXED = {1: 8, 5: 4}


class ProtoField(NamedTuple):
    """A field of a message: a number, or the bytes of a string, message or packed list."""

    number: int
    value: int | memoryview


def proto_fields(message: memoryview) -> Iterator[ProtoField]:
    """Fields of a message in order.

    Raises:
        Damage: the message is cut off, or is none.
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise Damage("it is no protocol buffer")
        if wire == 0:
            value, place = _varint(message, place)
            yield ProtoField(number, value)
            continue
        if wire == 2:
            size, place = _varint(message, place)
        elif wire in _FIXED:
            size = _FIXED[wire]
        else:
            raise Damage("it is no protocol buffer")
        if place + size > len(message):
            raise Damage(f"it reaches to byte {place + size:,} of {len(message):,}")
        yield ProtoField(number, message[place : place + size])
        place += size


def sub_messages(message: memoryview, *path: int) -> Iterator[memoryview]:
    """Every message that lies at `path`, a field number a level."""
    if not path:
        yield message
        return
    for field in proto_fields(message):
        if field.number == path[0] and isinstance(field.value, memoryview):
            yield from sub_messages(field.value, *path[1:])


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(message) and shift < 70:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if not byte & 0x80:
            return value, place
    raise Damage("it ends in the middle of a number")
