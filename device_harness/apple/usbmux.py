"""What the program pymobiledevice3, which is installed apart (GPL), sees and says of attached devices."""

from dataclasses import dataclass

from device_harness import process
from device_harness.apple.advice import check
from device_harness.apple.documents import Document, read_json, text
from device_harness.errors import UnreadableOutputError

TOOL = "pymobiledevice3"
INSTALL = "Install it beside this program: pipx install pymobiledevice3 (version 11 or newer)."
LIST_S = 30.0


@dataclass(frozen=True)
class AttachedDevice:
    """One entry of `pymobiledevice3 usbmux list`."""

    udid: str
    name: str | None
    kind: str | None
    product_type: str | None
    os_version: str | None
    os_build: str | None
    connection: str | None


def parse_attached(content: bytes | str) -> tuple[AttachedDevice, ...]:
    """The devices in the JSON list that `usbmux list` prints; entries without an identifier are passed over.

    Raises:
        UnreadableOutputError: not such a list.
    """
    entries = read_json(content, TOOL)
    if not isinstance(entries, list):
        raise UnreadableOutputError(f"{TOOL} usbmux list printed a JSON {type(entries).__name__}, not a list.")
    found = (_attached(entry) for entry in entries if isinstance(entry, dict))
    return tuple(device for device in found if device is not None)


def _attached(entry: Document) -> AttachedDevice | None:
    udid = text(entry, "UniqueDeviceID", "Identifier")
    if udid is None:
        return None
    return AttachedDevice(
        udid=udid,
        name=text(entry, "DeviceName"),
        kind=text(entry, "DeviceClass"),
        product_type=text(entry, "ProductType"),
        os_version=text(entry, "ProductVersion"),
        os_build=text(entry, "BuildVersion"),
        connection=text(entry, "ConnectionType"),
    )


def list_attached() -> tuple[AttachedDevice, ...]:
    """Devices that usbmuxd sees, by cable or network.

    Raises:
        ToolMissingError: pymobiledevice3 or usbmuxd is not there.
        UnreadableOutputError: an answer in no known layout.
    """
    process.find_program(TOOL, INSTALL)
    result = process.run([TOOL, "usbmux", "list"], timeout_s=LIST_S)
    check(result, "Listing devices with pymobiledevice3 failed", serial=None)
    return parse_attached(result.stdout)


def battery_command(udid: str) -> list[str]:
    """Prints the battery's state once a second until it is ended."""
    return [TOOL, "diagnostics", "battery", "monitor", "--udid", udid]
