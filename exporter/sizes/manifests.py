"""What the binary AndroidManifest.xml of an APK says of its installation."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from exporter.data.errors import UsageProblem

# AOSP, frameworks/base/libs/androidfw/include/androidfw/ResourceTypes.h
_XML, _STRINGS, _RESOURCES, _ELEMENT = 0x0003, 0x0001, 0x0180, 0x0102
_UTF8 = 1 << 8
_NUMBERS = (0x10, 0x11)
_BOOLEAN = 0x12
_CHUNK = struct.Struct("<HHI")
_POOL = struct.Struct("<5I")
_ATTRIBUTE = struct.Struct("<3IHBBI")

# Of frameworks/base/core/res/res/values/public-final.xml; names may be shortened away, these numbers not.
_MINIMUM_SDK, _TARGET_SDK, _EXTRACT = 0x0101020C, 0x01010270, 0x010104EA
_BY_NAME = {"minSdkVersion": _MINIMUM_SDK, "targetSdkVersion": _TARGET_SDK, "extractNativeLibs": _EXTRACT}


class ApkManifest(NamedTuple):
    """What decides how an APK is installed.

    Attributes:
        minimum_sdk: ``android:minSdkVersion``; None when it says none in figures.
        target_sdk: ``android:targetSdkVersion``, likewise.
        extract_native_libs: of ``<application>``; None when it says nothing, which the installer takes for true.
    """

    minimum_sdk: int | None = None
    target_sdk: int | None = None
    extract_native_libs: bool | None = None

    @property
    def extracts(self) -> bool:
        """Whether the installer copies native libraries out of the APK."""
        return self.extract_native_libs is not False


class _Value(NamedTuple):
    kind: int
    data: int


def read_apk_manifest(data: bytes) -> ApkManifest:
    """The facts of a binary AndroidManifest.xml.

    Raises:
        UsageProblem: `data` is no binary XML.
    """
    found: dict[int, _Value] = {}
    try:
        for element, attributes in _elements(data):
            if element in ("uses-sdk", "application"):
                found = {**attributes, **found}
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise UsageProblem(f"AndroidManifest.xml is not in the binary form that APKs have: {error}.") from error
    extract = found.get(_EXTRACT)
    return ApkManifest(
        _number(found.get(_MINIMUM_SDK)),
        _number(found.get(_TARGET_SDK)),
        bool(extract.data) if extract is not None and extract.kind == _BOOLEAN else None,
    )


def _number(value: _Value | None) -> int | None:
    return value.data if value is not None and value.kind in _NUMBERS else None


def _elements(data: bytes) -> Iterator[tuple[str, dict[int, _Value]]]:
    """Every element's name, with its attributes by the number of their resource."""
    kind, start, size = _CHUNK.unpack_from(data)
    if kind != _XML:
        raise IndexError("it does not begin with a chunk of XML")
    strings: list[str] = []
    resources: tuple[int, ...] = ()
    for kind, header, chunk in _chunks(data, start, min(size, len(data))):
        if kind == _STRINGS and not strings:
            strings = _strings(chunk, header)
        elif kind == _RESOURCES:
            count = (len(chunk) - header) // 4
            resources = struct.unpack_from(f"<{count}I", chunk, header)
        elif kind == _ELEMENT:
            yield _element(chunk, header, strings, resources)


def _chunks(data: bytes, place: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    while place + _CHUNK.size <= end:
        kind, header, size = _CHUNK.unpack_from(data, place)
        if size < max(header, _CHUNK.size) or place + size > end:
            raise IndexError(f"a chunk at {place} claims {size} bytes")
        yield kind, header, data[place : place + size]
        place += size


def _strings(chunk: bytes, header: int) -> list[str]:
    count, _, flags, start, _ = _POOL.unpack_from(chunk, _CHUNK.size)
    if count > len(chunk) // 4:
        raise IndexError(f"a pool claims {count} strings")
    places = struct.unpack_from(f"<{count}I", chunk, header)
    read = _utf8 if flags & _UTF8 else _utf16
    return [read(chunk, start + place) for place in places]


def _utf8(chunk: bytes, place: int) -> str:
    for _ in range(2):  # its length in characters, then in bytes, each in one or two bytes
        length, place = chunk[place], place + 1
        if length & 0x80:
            length, place = (length & 0x7F) << 8 | chunk[place], place + 1
    return chunk[place : place + length].decode("utf-8", "replace")


def _utf16(chunk: bytes, place: int) -> str:
    (length,), place = struct.unpack_from("<H", chunk, place), place + 2
    if length & 0x8000:
        length, place = (length & 0x7FFF) << 16 | struct.unpack_from("<H", chunk, place)[0], place + 2
    return chunk[place : place + 2 * length].decode("utf-16-le", "replace")


def _element(
    chunk: bytes, header: int, strings: list[str], resources: tuple[int, ...]
) -> tuple[str, dict[int, _Value]]:
    _, name, start, size, count = struct.unpack_from("<2I3H", chunk, header)
    if size < _ATTRIBUTE.size:
        raise IndexError(f"an attribute has {size} bytes")
    attributes = {}
    for number in range(count):
        fields = _ATTRIBUTE.unpack_from(chunk, header + start + number * size)
        known = resources[fields[1]] if fields[1] < len(resources) else 0
        resource = known or _BY_NAME.get(_at(strings, fields[1]), 0)
        if resource:
            attributes[resource] = _Value(fields[5], fields[6])
    return _at(strings, name), attributes


def _at(strings: list[str], place: int) -> str:
    return strings[place] if place < len(strings) else ""
