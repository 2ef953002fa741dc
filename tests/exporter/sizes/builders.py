"""Small packages as real build tools lay them out: app bundles, APKs, .ipa files, model packages."""

import json
import plistlib
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

DISTRIBUTION = b"http://schemas.android.com/apk/distribution"
Files = Mapping[str, bytes]


def weights(size: int, seed: int = 0) -> bytes:
    """`size` bytes of float32 weights, which hardly compress."""
    return np.random.default_rng(seed).standard_normal(-(-size // 4), dtype=np.float32).tobytes()[:size]


def tflite(size: int, seed: int = 0) -> bytes:
    """A whole TFLite file of `size` bytes (at least some 60); what follows the model is legal."""
    builder = flatbuffers.Builder(64)
    schema.SubGraphStart(builder)
    graph = schema.SubGraphEnd(builder)
    schema.ModelStartSubgraphsVector(builder, 1)
    builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    schema.ModelAddSubgraphs(builder, graphs)
    builder.Finish(schema.ModelEnd(builder), file_identifier=b"TFL3")
    whole = bytes(builder.Output())
    return whole + weights(max(0, size - len(whole)), seed)


def write_zip(path: Path, files: Files, *, stored: tuple[str, ...] = ()) -> Path:
    """A zip archive; entries whose name ends in one of `stored` are stored, the others deflated."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            method = zipfile.ZIP_STORED if stored and name.endswith(stored) else zipfile.ZIP_DEFLATED
            archive.writestr(name, content, method)
    return path


def varint(value: int) -> bytes:
    """A protocol buffer number."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: bytes) -> bytes:
    """A length-delimited protocol buffer field."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def element(name: bytes, attributes: Mapping[tuple[bytes, bytes], bytes] | None = None, *children: bytes) -> bytes:
    """An ``aapt.pb.XmlNode`` of an element."""
    body = field(3, name)
    for (namespace, key), value in (attributes or {}).items():
        body += field(4, field(1, namespace) + field(2, key) + field(3, value))
    for child in children:
        body += field(5, child)
    return field(1, body)


def manifest(kind: bytes = b"", delivery: bytes = b"", minimum_sdk: bytes = b"24") -> bytes:
    """AndroidManifest.xml of a module, as app bundles hold it."""
    android = b"http://schemas.android.com/apk/res/android"
    children = [element(b"uses-sdk", {(android, b"minSdkVersion"): minimum_sdk})]
    if kind or delivery:
        inside = [element(b"delivery", {}, element(delivery))] if delivery else []
        children.append(element(b"module", {(DISTRIBUTION, b"type"): kind} if kind else {}, *inside))
    return element(b"manifest", {(b"", b"package"): b"com.example"}, *children)


def bundle_config(*globs: bytes) -> bytes:
    """BundleConfig.pb with globs of files that stay uncompressed."""
    return field(3, b"".join(field(1, glob) for glob in globs))


def macho(text_size: int) -> bytes:
    """A 64-bit Mach-O file with a ``__PAGEZERO`` and a ``__TEXT`` segment (``<mach-o/loader.h>``)."""
    commands = b"".join(
        struct.pack("<2I16s4Q4I", 0x19, 72, name, 0, size, 0, size, 5, 5, 0, 0)
        for name, size in ((b"__PAGEZERO", 0), (b"__TEXT", text_size))
    )
    return struct.pack("<8I", 0xFEEDFACF, 0x0100000C, 0, 2, 2, len(commands), 0, 0) + commands


def fat_macho(*slices: bytes) -> bytes:
    """A universal binary (``<mach-o/fat.h>``)."""
    header, body, offset = struct.pack(">2I", 0xCAFEBABE, len(slices)), b"", 8 + 20 * len(slices)
    for number, content in enumerate(slices):
        header += struct.pack(">5I", 0x0100000C, number, offset + len(body), len(content), 0)
        body += content
    return header + body


def app_files(name: str = "App", extra: Files | None = None, *, minimum_os: str = "17.0") -> dict[str, bytes]:
    """The files of a .app folder, and those of `extra` by their path in it."""
    info = plistlib.dumps({"MinimumOSVersion": minimum_os, "CFBundleExecutable": name})
    return {"Info.plist": info, name: macho(300_000) + b"code" * 1000, **(extra or {})}


def write_folder(folder: Path, files: Files) -> Path:
    """A folder with `files`."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def mlpackage(folder: Path, weight_bytes: int, *, program_bytes: int = 3000) -> Path:
    """A Core ML model package: a specification that holds some program, and a weight file of one blob."""
    item = {"path": "com.apple.CoreML/model.mlmodel", "name": "model.mlmodel"}
    manifest = {"fileFormatVersion": "1.0.0", "itemInfoEntries": {"A": item}, "rootModelIdentifier": "A"}
    text = b"op " * (program_bytes // 3) + b"@model_path/weights/weight.bin"
    program = varint(1 << 3) + varint(8) + field(502, field(1, text[:-30]) + field(2, text[-30:]))
    blob = weights(weight_bytes - 128)
    record = struct.pack("<IIQQ", 0xDEADBEEF, 2, len(blob), 128)
    return write_folder(
        folder,
        {
            "Manifest.json": json.dumps(manifest).encode(),
            "Data/com.apple.CoreML/model.mlmodel": program,
            "Data/com.apple.CoreML/weights/weight.bin": (
                struct.pack("<II", 1, 2).ljust(64, b"\0") + record.ljust(64, b"\0") + blob
            ),
        },
    )


def elf(*alignments: int, bits: int = 64, shift: int = 0) -> bytes:
    """A shared library with a LOAD segment for each of `alignments`, whose address is `shift` beyond its offset."""
    count, size = len(alignments) + 1, {64: 56, 32: 32}[bits]
    ident = b"\x7fELF" + bytes([{64: 2, 32: 1}[bits], 1, 1]).ljust(12, b"\0")
    start = 16 + (48 if bits == 64 else 36)
    layout = "<HHIQQQIHHHHHH" if bits == 64 else "<HHIIIIIHHHHHH"
    header = struct.pack(layout, 3, 183, 1, 0, start, 0, 0, start, size, count, 0, 0, 0)
    segments = [(1, 0, shift, alignment) for alignment in alignments] + [(2, 0, 0, 8)]  # the last is PT_DYNAMIC
    return ident + header + b"".join(_segment(*segment, bits=bits) for segment in segments) + b"code" * 300


def _segment(kind: int, offset: int, address: int, alignment: int, *, bits: int) -> bytes:
    if bits == 64:
        return struct.pack("<IIQQQQQQ", kind, 5, offset, address, address, 100, 100, alignment)
    return struct.pack("<IIIIIIII", kind, offset, address, address, 100, 100, 5, alignment)


def apk_manifest(
    minimum_sdk: int = 24, target_sdk: int = 35, *, extract: bool | None = None, utf8: bool = True, named: bool = True
) -> bytes:
    """AndroidManifest.xml in the binary form of APKs (AOSP, ``ResourceTypes.h``).

    Args:
        extract: ``extractNativeLibs`` of ``<application>``; None leaves it out.
        utf8: how its strings are kept.
        named: whether attributes have names; tools that shorten resources take them away.
    """
    keys = [(b"minSdkVersion", 0x0101020C), (b"targetSdkVersion", 0x01010270), (b"extractNativeLibs", 0x010104EA)]
    strings = [key if named else b"" for key, _ in keys] + [b"manifest", b"uses-sdk", b"application"]
    application = [] if extract is None else [(2, 0x12, 0xFFFFFFFF if extract else 0)]
    body = (
        _pool(strings, utf8=utf8)
        + _chunk(0x0180, b"", struct.pack("<3I", *(number for _, number in keys)))
        + _element(3, [])
        + _element(4, [(0, 0x10, minimum_sdk), (1, 0x10, target_sdk)])
        + _element(5, application)
    )
    return _chunk(0x0003, b"", body)


def _chunk(kind: int, header: bytes, body: bytes) -> bytes:
    return struct.pack("<HHI", kind, 8 + len(header), 8 + len(header) + len(body)) + header + body


def _pool(strings: list[bytes], *, utf8: bool) -> bytes:
    texts = []
    for text in strings:
        wide = text.decode().encode("utf-16-le")
        texts.append(
            bytes([len(text), len(text)]) + text + b"\0" if utf8 else struct.pack("<H", len(text)) + wide + b"\0\0"
        )
    places = [sum(map(len, texts[:number])) for number in range(len(texts))]
    data = b"".join(texts)
    data += b"\0" * (-len(data) % 4)
    header = struct.pack("<5I", len(texts), 0, 0x100 if utf8 else 0, 28 + 4 * len(texts), 0)
    return _chunk(0x0001, header, struct.pack(f"<{len(places)}I", *places) + data)


def _element(name: int, attributes: list[tuple[int, int, int]]) -> bytes:
    body = struct.pack("<2I6H", 0xFFFFFFFF, name, 20, 20, len(attributes), 0, 0, 0)
    for key, kind, value in attributes:
        body += struct.pack("<3IHBBI", 0xFFFFFFFF, key, 0xFFFFFFFF, 8, 0, kind, value)
    return _chunk(0x0102, struct.pack("<2I", 1, 0xFFFFFFFF), body)
