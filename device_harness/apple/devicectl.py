"""Answers of `xcrun devicectl` in its JSON files.

The layout is read field by field: jsonVersion 2 (Xcode 16) puts facts into ``hardwareProperties``,
``deviceProperties`` and ``connectionProperties``; a third-party description of jsonVersion 5 (Xcode 27) has
``properties.hardware`` and so on, and others say that version 5 kept the old names. Both are read; a field found in
neither is None.
"""

from dataclasses import dataclass

from device_harness.apple.documents import Document, integer, objects, read_document, section, text
from device_harness.errors import UnreadableOutputError

TOOL = "devicectl"


@dataclass(frozen=True)
class ListedDevice:
    """One entry of `devicectl list devices`; None where the tool did not say.

    Attributes:
        identifier: CoreDevice's own identifier, which the `--device` option takes.
        udid: the hardware identifier that Xcode and xctrace use.
        platform: ``iOS``, ``iPadOS``, ``watchOS``, ``tvOS``, ``visionOS`` or ``macOS``.
        reality: ``physical`` or ``simulated`` (Xcode 27 lists simulators too).
        transport: ``wired``, ``localNetwork`` or ``sameMachine``.
        tunnel: ``connected``, ``disconnected`` (which is reachable) or ``unavailable``.
        pairing: ``paired`` or ``unpaired``.
        developer_mode: ``enabled`` or ``disabled``.
        boot_state: ``booted`` and others.
    """

    identifier: str
    udid: str | None
    name: str | None
    platform: str | None
    model: str | None
    product_type: str | None
    os_version: str | None
    os_build: str | None
    reality: str | None
    transport: str | None
    tunnel: str | None
    pairing: str | None
    developer_mode: str | None
    boot_state: str | None

    @property
    def physical(self) -> bool:
        """Whether this is hardware; entries of versions that do not say are, because those list nothing else."""
        return self.reality in (None, "physical") and self.transport != "sameMachine"

    @property
    def reachable(self) -> bool:
        """Whether a command can get to it: ``disconnected`` only means that no tunnel is up at this moment."""
        if self.tunnel == "unavailable":
            return False
        return self.transport is not None or self.tunnel in ("connected", "connecting")


@dataclass(frozen=True)
class Failure:
    """An error of devicectl with the chain of reasons below it.

    Attributes:
        messages: localized descriptions, outermost first.
        codes: ``domain:code`` of the same errors.
    """

    messages: tuple[str, ...]
    codes: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.messages) or "no reason given"


def read_answer(content: bytes | str) -> Document:
    """The ``result`` of a command that succeeded.

    Raises:
        UnreadableOutputError: not a devicectl document, or not of a success; the message has the tool's reasons.
    """
    document = read_document(content, TOOL)
    outcome = text(section(document, "info"), "outcome")
    if outcome is None:
        raise UnreadableOutputError(f"{TOOL} wrote a document without info.outcome: it is not a devicectl result.")
    if outcome != "success":
        raise UnreadableOutputError(f"{TOOL} reports {outcome}: {read_failure(document)}")
    result = document.get("result")
    if not isinstance(result, dict):
        raise UnreadableOutputError(f"{TOOL} reports success and gives no result.")
    return result


def read_failure(document: Document) -> Failure:
    """The error of a document, following ``NSUnderlyingError``; empty when there is none."""
    messages: list[str] = []
    codes: list[str] = []
    error = section(document, "error")
    # A chain of errors is a handful deep; the bound keeps a malicious document from being walked forever.
    for _ in range(16):
        if not error:
            break
        details = section(error, "userInfo")
        message = _described(details, "NSLocalizedDescription") or _described(error, "localizedDescription")
        reason = _described(details, "NSLocalizedFailureReason")
        messages += [part for part in (message, reason) if part and part not in messages]
        codes.append(f"{text(error, 'domain') or '?'}:{integer(error, 'code')}")
        error = _underlying(details)
    return Failure(tuple(messages), tuple(codes))


def _described(details: Document, key: str) -> str | None:
    value = details.get(key)
    if isinstance(value, dict):
        return text(value, "string")
    return value if isinstance(value, str) and value else None


def _underlying(details: Document) -> Document:
    wrapped = section(details, "NSUnderlyingError")
    return section(wrapped, "error") or wrapped


def parse_devices(content: bytes | str) -> tuple[ListedDevice, ...]:
    """The devices of `devicectl list devices`, simulated ones included; an entry without an identifier is passed over.

    Raises:
        UnreadableOutputError: see `read_answer`; or no list of devices.
    """
    result = read_answer(content)
    if not isinstance(result.get("devices"), list):
        raise UnreadableOutputError(f"{TOOL} list devices gave no list of devices.")
    found = (_listed(entry) for entry in objects(result, "devices"))
    return tuple(device for device in found if device is not None)


def _listed(entry: Document) -> ListedDevice | None:
    newer = section(entry, "properties")
    hardware = section(entry, "hardwareProperties") or section(newer, "hardware")
    software = section(entry, "deviceProperties") or section(newer, "device", "state")
    connection = section(entry, "connectionProperties") or section(newer, "connection")
    identifier = text(entry, "identifier")
    if identifier is None:
        return None
    return ListedDevice(
        identifier=identifier,
        udid=text(hardware, "udid"),
        name=text(software, "name") or text(entry, "name"),
        platform=text(hardware, "platform"),
        model=text(hardware, "marketingName"),
        product_type=text(hardware, "productType"),
        os_version=text(software, "osVersionNumber"),
        os_build=text(software, "osBuildUpdate"),
        reality=text(hardware, "reality"),
        transport=text(connection, "transportType"),
        tunnel=text(connection, "tunnelState", "state"),
        pairing=text(connection, "pairingState"),
        developer_mode=text(software, "developerModeStatus"),
        boot_state=text(software, "bootState"),
    )


def parse_installed(content: bytes | str) -> str:
    """The bundle identifier that `devicectl device install app` installed.

    Raises:
        UnreadableOutputError: see `read_answer`; or no application was installed.
    """
    for application in objects(read_answer(content), "installedApplications"):
        bundle = text(application, "bundleID")
        if bundle is not None:
            return bundle
    raise UnreadableOutputError(f"{TOOL} reports success, but lists no installed application.")


def parse_launched(content: bytes | str) -> int:
    """The process identifier of `devicectl device process launch`.

    Raises:
        UnreadableOutputError: see `read_answer`; or no process.
    """
    pid = integer(section(read_answer(content), "process"), "processIdentifier")
    if pid is None or pid <= 0:
        raise UnreadableOutputError(f"{TOOL} reports success, but names no process.")
    return pid


def parse_processes(content: bytes | str) -> dict[int, str]:
    """Process identifiers and executables (file URLs) of `devicectl device info processes`."""
    found = {}
    for process in objects(read_answer(content), "runningProcesses"):
        pid, executable = integer(process, "processIdentifier"), text(process, "executable")
        if pid is not None and executable is not None:
            found[pid] = executable
    return found
