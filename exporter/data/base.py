"""The base of all data of this package, and the one type for settings that only their own format knows."""

from pydantic import JsonValue

from device_harness.frozen import Frozen

JsonMapping = dict[str, JsonValue]
"""An object of JSON: kept and shown, and read by whoever wrote it."""

__all__ = ["Frozen", "JsonMapping"]
