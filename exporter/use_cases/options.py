"""What functions of the Python interface can be told by name, beside what every call says."""

from typing import Literal, TypedDict


class RunOptions(TypedDict, total=False):
    """What else `run` can be told; see `mobile_export.run`."""

    calibration: str
    calibration_samples: int
    evaluation: str
    evaluation_samples: int
    training: str
    verify: bool
    measure: bool
    devices: tuple[str, ...]
    routes: tuple[str, ...]
    strict: bool
    force: bool


class ConvertOptions(TypedDict, total=False):
    """What else `convert` can be told; see `mobile_export.convert`."""

    calibration: str
    calibration_samples: int
    routes: tuple[str, ...]
    force: bool


class CompressOptions(TypedDict, total=False):
    """What else `compress` can be told; see `mobile_export.compress`."""

    training: str
    calibration: str
    calibration_samples: int
    seed: int


class SearchOptions(TypedDict, total=False):
    """What else `search` can be told; see `mobile_export.search`."""

    calibration_samples: int
    evaluation: str
    evaluation_samples: int
    max_size: int
    max_drop: float
    max_latency_s: float
    devices: tuple[str, ...]
    minimize: Literal["size", "latency", "energy"]
    time_s: float
    executor: str
    workers: int
    scheduler: str
