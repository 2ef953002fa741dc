"""Errors of devices and of the programs that run on them."""


class DeviceError(Exception):
    """A device, or a program on it, failed: what, where, and what to do, in one message. Exit code 3."""

    exit_code = 3
