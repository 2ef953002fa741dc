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
