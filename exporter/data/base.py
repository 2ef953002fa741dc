"""The base of all data of this package."""

from device_harness.frozen import Frozen

__all__ = ["Frozen"]
