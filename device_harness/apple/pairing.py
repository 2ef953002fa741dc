"""Whether an iPhone trusts this computer: by the record of it that usbmuxd, or pymobiledevice3 itself, keeps."""

import os
import plistlib
import socket
import struct
from pathlib import Path
from typing import Any

VARIABLE = "USBMUXD_SOCKET_ADDRESS"
SOCKET = "/var/run/usbmuxd"
OWN_RECORDS = Path(".pymobiledevice3")
ANSWER_S = 5.0
# Length with this header, protocol, message, tag; each of four bytes.
_HEADER = struct.Struct("<IIII")
_PLIST, _PROPERTIES = 1, 8
_MOST_BYTES = 1 << 20


def is_paired(udid: str) -> bool | None:
    """Whether there is a record; None where usbmuxd cannot be asked."""
    if (Path.home() / OWN_RECORDS / f"{udid}.plist").is_file():
        return True
    try:
        answer = _ask({"MessageType": "ReadPairRecord", "PairRecordID": udid})
    except (OSError, ValueError, struct.error, plistlib.InvalidFileException):
        return None
    if isinstance(answer, dict) and answer.get("PairRecordData"):
        return True
    return False if isinstance(answer, dict) and answer.get("Number") else None


def _ask(request: dict[str, str]) -> Any:
    with _connected() as stream:
        content = plistlib.dumps({"ClientVersionString": "mobile-export", "ProgName": "mobile-export", **request})
        stream.sendall(_HEADER.pack(_HEADER.size + len(content), _PLIST, _PROPERTIES, 1) + content)
        length = _HEADER.unpack(_received(stream, _HEADER.size))[0]
        if not _HEADER.size <= length <= _MOST_BYTES:
            raise ValueError("usbmuxd answers with a length that is none")
        return plistlib.loads(_received(stream, length - _HEADER.size))


def _connected() -> socket.socket:
    address = os.environ.get(VARIABLE, "").removeprefix("UNIX:") or SOCKET
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal():
        return socket.create_connection((host, int(port)), ANSWER_S)
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(ANSWER_S)
    try:
        stream.connect(address)
    except OSError:
        stream.close()
        raise
    return stream


def _received(stream: socket.socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        part = stream.recv(count - len(content))
        if not part:
            raise OSError("usbmuxd closed the connection")
        content += part
    return content
