"""What pymobiledevice3 prints when it refuses leads to the next step: sentences now, names of classes before."""

import pytest

from device_harness.apple.advice import failure
from device_harness.errors import (
    DeviceDisconnectedError,
    DeviceError,
    DeviceNotFoundError,
    DeviceUnauthorizedError,
    StorageFullError,
    ToolMissingError,
)

# The descriptions of its exceptions (11.45), and AFC's own word for a full phone.
SAID = {
    "The device does not trust this computer.": DeviceUnauthorizedError,
    "Device is not paired.": DeviceUnauthorizedError,
    "The user refused to trust this computer.": DeviceUnauthorizedError,
    "Waiting for the user to answer the Trust dialog on the device.": DeviceUnauthorizedError,
    "The device does not recognize this computer's pairing record. Pair it again.": DeviceUnauthorizedError,
    "The device no longer accepts this computer's pairing record. Pair it again.": DeviceUnauthorizedError,
    "Device is password protected. Please unlock and retry.": DeviceUnauthorizedError,
    "The device is protected with a passcode. Unlock it and try again.": DeviceUnauthorizedError,
    "Unlock the device with its passcode and retry.": DeviceUnauthorizedError,
    "Developer Mode is disabled. You can try to enable it using: amfi": DeviceUnauthorizedError,
    "Could not find a DeveloperDiskImage for this device's iOS version.": DeviceUnauthorizedError,
    "The device does not offer the requested service.": DeviceUnauthorizedError,
    "The image is not mounted.": DeviceUnauthorizedError,
    "Unable to connect to tunneld. Start one with `remote tunneld`.": DeviceUnauthorizedError,
    "This command needs an RSD (iOS 17+ tunnel) connection to the device.": DeviceUnauthorizedError,
    "Device is not connected.": DeviceNotFoundError,
    "No device with the requested UDID was found.": DeviceNotFoundError,
    "Failed to write to the file (AFC status NO_SPACE_LEFT).": StorageFullError,
    "Connection was terminated abruptly.": DeviceDisconnectedError,
    "The device closed the stream.": DeviceDisconnectedError,
    "Failed to connect to usbmuxd socket. Make sure it's running.": ToolMissingError,
}


@pytest.mark.parametrize(("said", "kind"), SAID.items())
def test_each_sentence_is_the_error_that_it_is(said: str, kind: type[DeviceError]) -> None:
    log = f"2026-11-28 11:39:18 host pymobiledevice3.__main__[1] ERROR {said}\n"
    assert type(failure("Copying failed", log, serial="phone")) is kind
