"""What Apple's tools say when they refuse, and what a person has to do then."""

import re
from typing import NamedTuple

from device_harness.errors import (
    CommandFailedError,
    DeviceDisconnectedError,
    DeviceError,
    DeviceNotFoundError,
    DeviceUnauthorizedError,
    StorageFullError,
    ToolMissingError,
)
from device_harness.facts import CommandResult

XCODE = (
    "Install Xcode 16 or newer from the App Store, open it once, then run: "
    "sudo xcode-select -s /Applications/Xcode.app/Contents/Developer"
)
TEAM = (
    "Set MOBILE_EXPORT_APPLE_TEAM to the ten characters of your team (Xcode, Settings, Accounts), and sign in there; "
    "a free account will do. Without an account, use a simulator or this Mac."
)


class _Rule(NamedTuple):
    pattern: re.Pattern[str]
    kind: type[DeviceError]
    advice: str


def _rule(pattern: str, kind: type[DeviceError], advice: str) -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE), kind, advice)


# The first that matches wins. Wordings were read in public logs of Xcode 15 to 27 and in pymobiledevice3's source.
RULES = (
    _rule(
        r"unable to find utility|requires Xcode, but active developer directory|invalid active developer path",
        ToolMissingError,
        XCODE,
    ),
    _rule(r"license agreement", ToolMissingError, "Accept Xcode's license: sudo xcodebuild -license accept"),
    _rule(
        r"requires a development team|No Account for Team|No profiles for|no signing certificate",
        CommandFailedError,
        TEAM,
    ),
    _rule(
        r"errSecInternalComponent",
        CommandFailedError,
        "The keychain with the signing key is locked: security unlock-keychain login.keychain",
    ),
    _rule(
        r"not been explicitly trusted|invalid code signature",
        CommandFailedError,
        "On the device, trust the developer: Settings, General, VPN & Device Management.",
    ),
    _rule(
        r"developer mode (is )?(disabled|not enabled|isn.t enabled)|DeveloperModeIsNotEnabled|DeveloperModeDisabled",
        DeviceUnauthorizedError,
        "On the device, turn on Settings, Privacy & Security, Developer Mode, and restart it.",
    ),
    _rule(
        r"device is locked|\bunlocked\b|DeviceLocked|PasswordRequired|PasscodeRequired|PasswordProtected|"
        r"password protected|protected with a passcode|unlock the device with",
        DeviceUnauthorizedError,
        "Unlock the device and keep it unlocked (Settings, Display & Brightness, Auto-Lock: Never).",
    ),
    _rule(
        r"not paired|must be paired|NotPaired|NotTrusted|PairingDialogResponsePending|UserDeniedPairing|"
        r"InvalidHostID|(does not|refused to) trust this computer|answer the Trust dialog|"
        r"pairing record\. Pair it again",
        DeviceUnauthorizedError,
        "Connect the device by cable, unlock it, and answer Trust This Computer with Trust.",
    ),
    _rule(
        r"no[ _]space[ _]left|not enough (disk |storage )?space|insufficient (storage|space)",
        StorageFullError,
        "Free some storage on the device.",
    ),
    _rule(
        r"device was not found|device not found|No device with the requested UDID|"
        r"DeviceNotFound|NoDeviceConnected|Device is not connected|"
        r"Invalid device|no device matching",
        DeviceNotFoundError,
        "See which devices can be reached with: mobile-export devices",
    ),
    _rule(
        r"failed to connect to usbmuxd|ConnectionFailedToUsbmuxd",
        ToolMissingError,
        "On Linux, install and start usbmuxd: apt-get install usbmuxd",
    ),
    _rule(
        r"developer disk image|DeveloperDiskImage|InvalidService|not offer the requested service|NotMounted|"
        r"image is not mounted",
        DeviceUnauthorizedError,
        "Mount the developer disk image: pymobiledevice3 mounter auto-mount",
    ),
    _rule(
        r"tunneld|RSDRequired|needs an RSD",
        DeviceUnauthorizedError,
        "iOS 17.0 to 17.3 needs a tunnel: sudo pymobiledevice3 remote tunneld",
    ),
    _rule(
        r"connection (was |has been )?(interrupted|invalidated|terminated|lost|closed)|disconnected|"
        r"ConnectionTerminated|StreamClosed|closed the stream",
        DeviceDisconnectedError,
        "Check the cable or the network, and try again.",
    ),
    _rule(r"current state: Shutdown", CommandFailedError, "Boot the simulator: xcrun simctl boot UDID"),
)


def failure(
    what: str, told: str, *, serial: str | None, otherwise: type[DeviceError] = CommandFailedError
) -> DeviceError:
    """The error for a tool that refused: what was tried, what the tool said, and the next step.

    Args:
        what: what was tried, as the beginning of a sentence.
        told: everything that the tool said.
        serial: the device.
        otherwise: the kind of error where no rule matches.
    """
    said = " ".join(told.split())[-600:] or "it gave no reason"
    for rule in RULES:
        if rule.pattern.search(told):
            return rule.kind(f"{what}: {said}. {rule.advice}", serial=serial)
    return otherwise(f"{what}: {said}", serial=serial)


def check(
    result: CommandResult, what: str, *, serial: str | None, otherwise: type[DeviceError] = CommandFailedError
) -> None:
    """Raise `failure` when a command did not end with 0."""
    if result.returncode != 0:
        raise failure(what, f"{result.text}\n{result.errors}", serial=serial, otherwise=otherwise)
