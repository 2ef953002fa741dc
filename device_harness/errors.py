"""Errors of devices and of the programs that run on them: each says what failed, where, and what to do."""


class DeviceError(Exception):
    """A device, or a program on it, failed. Exit code 3.

    Attributes:
        serial: the device, or None where none was involved.
    """

    exit_code = 3

    def __init__(self, message: str, *, serial: str | None = None) -> None:
        super().__init__(message)
        self.serial = serial


class ToolMissingError(DeviceError):
    """A program or library of this machine is not installed."""


class DeviceNotFoundError(DeviceError):
    """No device answers to this serial."""


class DeviceUnauthorizedError(DeviceError):
    """The device is there and has not allowed this machine."""


class DeviceDisconnectedError(DeviceError):
    """The connection was lost: cable, network, or the daemon on the device. What ran may still run there."""


class DeviceRebootedError(DeviceError):
    """The device started anew since the session began: processes and clocks of before are gone."""


class DeviceBusyError(DeviceError):
    """Somebody else uses the device now; the message says who, since when and until when."""


class LeaseLostError(DeviceError):
    """The device is not this session's any more: somebody broke its lease, took it over, or its time is over."""


class StorageFullError(DeviceError):
    """A file did not fit on the device."""


class TransferError(DeviceError):
    """A file could not be copied for another reason: permissions, a missing path, a damaged copy."""


class CommandTimeoutError(DeviceError):
    """A command did not end in the time it was given, and was killed."""


class CommandFailedError(DeviceError):
    """A command ended with a code other than 0, or its output was not what it must be."""


class UnreadableOutputError(DeviceError):
    """A program's output is not in any known layout; nothing was guessed from it."""
