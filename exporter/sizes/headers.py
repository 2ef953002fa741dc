"""The few facts that a package's own headers tell: Mach-O segments, Info.plist keys, a bundle module's manifest."""

import plistlib
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from exporter.data.errors import UsageProblem

MAX_HEADER_BYTES = 4 << 20

_FAT_MAGICS = {b"\xca\xfe\xba\xbe": ">5I", b"\xca\xfe\xba\xbf": ">2I2Q2I"}
_MACHO_MAGICS = {
    b"\xcf\xfa\xed\xfe": ("<", 32),
    b"\xce\xfa\xed\xfe": ("<", 28),
    b"\xfe\xed\xfa\xcf": (">", 32),
    b"\xfe\xed\xfa\xce": (">", 28),
}
_SEGMENTS = {0x1: ("16s4I", 8), 0x19: ("16s4Q", 8)}
_DISTRIBUTION = "http://schemas.android.com/apk/distribution"


def text_size(stream: BinaryIO) -> int | None:
    """Bytes of the ``__TEXT`` segments of a Mach-O file's largest slice; None when it is no Mach-O file.

    Source: Apple, ``<mach-o/loader.h>`` and ``<mach-o/fat.h>``.
    """
    magic = stream.read(4)
    if magic in _MACHO_MAGICS:
        return _slice_text(magic, stream)
    if magic not in _FAT_MAGICS:
        return None
    count = int.from_bytes(stream.read(4), "big")
    layout = struct.Struct(_FAT_MAGICS[magic])
    if not 0 < count < 32:
        return None  # a Java class file has the same magic; its version is never this small
    slices = [layout.unpack(_whole(stream, layout.size)) for _ in range(count)]
    position, sizes = 8 + count * layout.size, [0]
    for offset in sorted(int(found[2]) for found in slices):
        _skip(stream, offset - position)
        header = stream.read(4)
        position = offset + 4
        if header in _MACHO_MAGICS:
            start = _Counting(stream)
            sizes.append(_slice_text(header, start))
            position += start.count
    return max(sizes)


class _Counting:
    """A stream that knows how many bytes were taken from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.count += len(data)
        return data


def _slice_text(magic: bytes, stream: "BinaryIO | _Counting") -> int:
    order, header_size = _MACHO_MAGICS[magic]
    header = _whole(stream, header_size - 4)
    commands, size = struct.unpack_from(order + "2I", header, 12)
    if size > MAX_HEADER_BYTES:
        raise UsageProblem(f"a Mach-O header claims {size:,} bytes of load commands; the file is damaged.")
    data, place, total = _whole(stream, size), 0, 0
    for _ in range(commands):
        if place + 8 > len(data):
            break
        command, length = struct.unpack_from(order + "2I", data, place)
        if command in _SEGMENTS:
            layout, start = _SEGMENTS[command]
            if place + start + struct.calcsize(order + layout) <= len(data):
                name, _, _, _, file_size = struct.unpack_from(order + layout, data, place + start)
                total += file_size if name.rstrip(b"\0") == b"__TEXT" else 0
        place += max(length, 8)
    return total


def _whole(stream: "BinaryIO | _Counting", size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise UsageProblem("a Mach-O file in it is cut off inside its header.")
    return data


def _skip(stream: BinaryIO, size: int) -> None:
    while size > 0:
        block = stream.read(min(size, 1 << 20))
        if not block:
            return
        size -= len(block)


def read_plist(stream: BinaryIO, where: str) -> dict[str, Any]:
    """An Info.plist, XML or binary; entity declarations are refused by plistlib.

    Raises:
        UsageProblem: too large, or no property list.
    """
    data = stream.read(MAX_HEADER_BYTES + 1)
    try:
        found = plistlib.loads(data) if len(data) <= MAX_HEADER_BYTES else None
    except Exception as error:
        raise UsageProblem(f"{where} is not a property list: {error}.") from error
    if not isinstance(found, dict):
        raise UsageProblem(f"{where} is not a property list of keys and values.")
    return found


class ModuleManifest(NamedTuple):
    """What an app bundle module's manifest says about delivery.

    Attributes:
        kind: ``base-module``, ``feature-module``, ``asset-pack`` or ``ai-pack``.
        install_time: whether it comes with the first install.
        minimum_sdk: ``android:minSdkVersion``, or None.
    """

    kind: str
    install_time: bool
    minimum_sdk: int | None


def read_module_manifest(data: bytes, name: str) -> ModuleManifest:
    """The manifest of module `name`: an ``aapt.pb.XmlNode`` (AOSP, ``tools/aapt2/Resources.proto``).

    Raises:
        UsageProblem: `data` is not such a message.
    """
    try:
        elements = list(_elements(data))
    except (IndexError, UnicodeDecodeError, RecursionError) as error:
        raise UsageProblem(f"the manifest of module {name!r} is not in the form that app bundles have.") from error
    kind = "base-module" if name == "base" else "feature-module"
    minimum_sdk, deliveries = None, set()
    for element, attributes in elements:
        if element == "module":
            kind = {"asset-pack": "asset-pack", "ai-pack": "ai-pack"}.get(
                attributes.get((_DISTRIBUTION, "type"), ""), kind
            )
            if attributes.get((_DISTRIBUTION, "onDemand")) == "true":  # the form before <dist:delivery>
                deliveries.add("on-demand")
        elif element in ("install-time", "on-demand", "fast-follow"):
            deliveries.add(element)
        elif element == "uses-sdk":
            text = next((value for (_, key), value in attributes.items() if key == "minSdkVersion"), "")
            minimum_sdk = int(text) if text.isdecimal() else None
    first = name == "base" or "install-time" in deliveries or not deliveries
    return ModuleManifest(kind, first, minimum_sdk)


def uncompressed_globs(bundle_config: bytes) -> list[str]:
    """``compression.uncompressed_glob`` of a BundleConfig.pb (bundletool, ``config.proto``)."""
    try:
        compression = [value for number, value in _fields(bundle_config) if number == 3 and isinstance(value, bytes)]
        found = [value for message in compression for number, value in _fields(message) if number == 1]
        return [value.decode() for value in found if isinstance(value, bytes)]
    except (IndexError, UnicodeDecodeError) as error:
        raise UsageProblem("BundleConfig.pb is not in the form that app bundles have.") from error


def _elements(node: bytes, depth: int = 0) -> Iterator[tuple[str, dict[tuple[str, str], str]]]:
    """Name and attributes of every element under an XmlNode: element = 1 {name = 3, attribute = 4, child = 5}."""
    if depth > 100:
        raise RecursionError
    for number, element in _fields(node):
        if number != 1 or not isinstance(element, bytes):
            continue
        name, attributes, children = "", {}, []
        for inner, value in _fields(element):
            if not isinstance(value, bytes):
                continue
            if inner == 3:
                name = value.decode()
            elif inner == 4:
                parts = {key: text.decode() for key, text in _fields(value) if key <= 3 and isinstance(text, bytes)}
                attributes[parts.get(1, ""), parts.get(2, "")] = parts.get(3, "")
            elif inner == 5:
                children.append(value)
        yield name, attributes
        for child in children:
            yield from _elements(child, depth + 1)


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Number and value of each field of a protocol buffer message (protobuf.dev, "Encoding")."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        wire = key & 7
        if wire == 0:
            value, place = _varint(message, place)
            yield key >> 3, value
            continue
        size = {1: 8, 5: 4}.get(wire)
        if wire == 2:
            size, place = _varint(message, place)
        if size is None or place + size > len(message):
            raise IndexError("not a protocol buffer message")
        yield key >> 3, message[place : place + size]
        place += size


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if not byte & 0x80:
            return value, place
        if shift > 63:
            raise IndexError("a number of more than 64 bits")
