"""A peer that speaks what usbmuxd and an iPhone behind it speak: run as a program, for the real pymobiledevice3.

    python usbmuxd.py SOCKET FOLDER

usbmuxd's property lists on SOCKET (list, connect, pair records); behind it lockdownd (values, pairing with its dialog,
sessions and services by TLS with the certificate of the pairing) and house_arrest with AFC (files of an app's
container). FOLDER/devices.json says which devices there are; FOLDER/UDID/BUNDLE is a container; FOLDER/full makes
every write fail as on a full phone. The layouts are those of libimobiledevice and of pymobiledevice3.
"""

import asyncio
import json
import plistlib
import socket
import ssl
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

Plist = dict[str, Any]
LOCKDOWN_PORT, ARREST_PORT = 62078, 49152
NOT_PAIRED = 2
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1)
OK, OBJECT_NOT_FOUND, OBJECT_IS_DIR, NO_SPACE, UNSUPPORTED = 0, 8, 9, 18, 15


class Phone:
    """One device of FOLDER/devices.json.

    Attributes:
        number: usbmuxd's.
        facts: ``udid``, ``connection``, ``trust`` (what the owner does: accept, deny, wait, locked), ``values``.
    """

    def __init__(self, number: int, facts: Plist, folder: Path) -> None:
        self.number, self.facts, self.folder = number, facts, folder
        self.hosts: dict[str, bytes] = {}

    @property
    def entry(self) -> Plist:
        properties = {"SerialNumber": self.facts["udid"], "ConnectionType": self.facts["connection"]}
        return {"MessageType": "Attached", "DeviceID": self.number, "Properties": properties}

    @property
    def values(self) -> Plist:
        public = {"DevicePublicKey": PUBLIC, "UniqueDeviceID": self.facts["udid"], "WiFiAddress": "00:00:00:00:00:01"}
        return {**self.facts["values"], **public}


class Peer:
    """The daemon."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        entries = json.loads((folder / "devices.json").read_text())
        self.phones = {number: Phone(number, facts, folder) for number, facts in enumerate(entries, 1)}
        self.records: dict[str, bytes] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: requests, until one asks to be connected to a device's port."""
        try:
            while True:
                length, version, _kind, tag = struct.unpack("<IIII", await reader.readexactly(16))
                request = plistlib.loads(await reader.readexactly(length - 16))
                phone = self.phones.get(request.get("DeviceID", 0))
                answer = self._answer(request, phone)
                content = plistlib.dumps(answer)
                writer.write(struct.pack("<IIII", 16 + len(content), version, 8, tag) + content)
                await writer.drain()
                if request["MessageType"] == "Connect" and answer.get("Number") == 0 and phone is not None:
                    await self._connected(phone, socket.ntohs(request["PortNumber"]), reader, writer)
                    return
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            return
        finally:
            writer.close()

    def _answer(self, request: Plist, phone: Phone | None) -> Plist:
        kind = request["MessageType"]
        if kind == "ReadBUID":
            return {"BUID": "30142955-444094379208051516"}
        if kind == "ListDevices":
            return {"DeviceList": [one.entry for one in self.phones.values()]}
        if kind == "ReadPairRecord":
            record = self.records.get(request["PairRecordID"])
            return {"PairRecordData": record} if record else {"MessageType": "Result", "Number": NOT_PAIRED}
        if kind == "SavePairRecord":
            self.records[request["PairRecordID"]] = request["PairRecordData"]
            return {"MessageType": "Result", "Number": 0}
        if kind == "Connect":
            return {"MessageType": "Result", "Number": 0 if phone is not None else 2}
        return {"MessageType": "Result", "Number": 1}

    async def _connected(
        self, phone: Phone, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if port == LOCKDOWN_PORT:
            await Lockdown(phone, reader, writer).serve()
        elif port == ARREST_PORT:
            await writer.start_tls(context(next(iter(phone.hosts.values()))))
            await Arrest(phone, reader, writer).serve()


def context(certificate: bytes) -> ssl.SSLContext:
    """The device's side of TLS: its key with the certificate that the host made for it in pairing."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    key = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(key + certificate)
        file.flush()
        made.load_cert_chain(file.name)
    return made


class Stream:
    """Property lists with a length before each, as lockdownd and its services send them."""

    def __init__(self, phone: Phone, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.phone, self.reader, self.writer = phone, reader, writer

    async def receive(self) -> Plist:
        (length,) = struct.unpack(">I", await self.reader.readexactly(4))
        received: Plist = plistlib.loads(await self.reader.readexactly(length))
        return received

    async def send(self, answer: Plist) -> None:
        content = plistlib.dumps(answer)
        self.writer.write(struct.pack(">I", len(content)) + content)
        await self.writer.drain()


class Lockdown(Stream):
    """lockdownd."""

    paired = False

    async def serve(self) -> None:
        while True:
            request = await self.receive()
            answer = self._answer(request)
            await self.send({"Request": request["Request"], **answer})
            if answer.get("EnableSessionSSL"):
                await self.writer.start_tls(context(self.phone.hosts[request["HostID"]]))
                self.paired = True

    def _answer(self, request: Plist) -> Plist:
        kind = request["Request"]
        if kind == "QueryType":
            return {"Type": "com.apple.mobile.lockdown"}
        if kind == "GetValue":
            key = request.get("Key")
            return {"Value": self.phone.values if key is None else self.phone.values.get(key, "")}
        if kind == "Pair":
            return self._pair(request["PairRecord"])
        if kind == "StartSession":
            known = request.get("HostID") in self.phone.hosts
            return {"SessionID": "1", "EnableSessionSSL": True} if known else {"Error": "InvalidHostID"}
        if kind == "StartService":
            served = self.paired and request["Service"] == "com.apple.mobile.house_arrest"
            return {"Port": ARREST_PORT, "EnableServiceSSL": True} if served else {"Error": "InvalidService"}
        return {"Result": "Success"}

    def _pair(self, record: Plist) -> Plist:
        refusals = {"deny": "UserDeniedPairing", "wait": "PairingDialogResponsePending", "locked": "PasswordProtected"}
        if self.phone.facts["trust"] in refusals:
            return {"Error": refusals[self.phone.facts["trust"]]}
        self.phone.hosts[record["HostID"]] = record["DeviceCertificate"]
        return {"EscrowBag": b"bag"}


class Arrest(Stream):
    """house_arrest: one property list, then AFC in the app's container."""

    async def serve(self) -> None:
        request = await self.receive()
        container = self.phone.folder / self.phone.facts["udid"] / request["Identifier"]
        if not container.is_dir():
            await self.send({"Error": "ApplicationLookupFailed"})
            return
        await self.send({"Status": "Complete"})
        await Afc(container, self.phone.folder / "full", self.reader, self.writer).serve()


class Afc:
    """AFC's packets: a header of magic, both lengths, number and operation; then what the operation takes."""

    def __init__(self, root: Path, full: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.root, self.full, self.reader, self.writer = root, full, reader, writer
        self.files: dict[int, Any] = {}

    async def serve(self) -> None:
        while True:
            magic, whole, _this, number, operation = struct.unpack("<8sQQQQ", await self.reader.readexactly(40))
            assert magic == b"CFA6LPAA"
            status, content = self._done(operation, await self.reader.readexactly(whole - 40))
            kind = 1 if content is None else 2
            content = struct.pack("<Q", status) if content is None else content
            length = 40 + len(content)
            self.writer.write(struct.pack("<8sQQQQ", magic, length, length, number, kind) + content)
            await self.writer.drain()

    def _done(self, operation: int, data: bytes) -> tuple[int, bytes | None]:
        try:
            return OK, self._do(operation, data)
        except FileNotFoundError:
            return OBJECT_NOT_FOUND, None
        except IsADirectoryError:
            return OBJECT_IS_DIR, None
        except OSError:
            return NO_SPACE, None
        except NotImplementedError:
            return UNSUPPORTED, None

    def _do(self, operation: int, data: bytes) -> bytes | None:
        if operation == 0x0A:
            return self._facts(self._path(data))
        if operation == 0x03:
            return b"".join(name.encode() + b"\0" for name in [".", "..", *sorted(_names(self._path(data)))])
        if operation == 0x09:
            self._path(data).mkdir(parents=True, exist_ok=True)
            return None
        if operation == 0x08:
            self._path(data).unlink()
            return None
        if operation == 0x0D:
            return self._open(_number(data), self._path(data[8:]))
        return self._on_file(operation, _number(data), data[8:])

    def _on_file(self, operation: int, handle: int, data: bytes) -> bytes | None:
        if operation == 0x0F:
            read: bytes = self.files[handle].read(_number(data))
            return read
        if operation == 0x10:
            if self.full.exists():
                raise OSError("full")
            self.files[handle].write(data)
            return None
        if operation == 0x14:
            self.files.pop(handle).close()
            return None
        raise NotImplementedError

    def _open(self, mode: int, path: Path) -> bytes:
        handle = len(self.files) + 1
        self.files[handle] = path.open({1: "rb", 2: "r+b", 3: "wb", 4: "w+b", 5: "ab", 6: "a+b"}[mode])
        return struct.pack("<Q", handle)

    def _path(self, data: bytes) -> Path:
        return self.root / data.partition(b"\0")[0].decode().lstrip("/")

    def _facts(self, path: Path) -> bytes:
        found = path.stat()
        kind = "S_IFDIR" if path.is_dir() else "S_IFREG"
        times = dict.fromkeys(("st_mtime", "st_birthtime"), found.st_mtime_ns)
        facts = {"st_size": found.st_size, "st_blocks": 1, "st_nlink": 1, "st_ifmt": kind, **times}
        return "".join(f"{name}\0{value}\0" for name, value in facts.items()).encode()


def _number(data: bytes) -> int:
    found: int = struct.unpack("<Q", data[:8])[0]
    return found


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def main(address: str, folder: Path) -> None:
    """Serve until ended."""
    server = await asyncio.start_unix_server(Peer(folder).serve, address)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
