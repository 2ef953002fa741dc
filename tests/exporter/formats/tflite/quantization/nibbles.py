"""4-bit integers read by hand, as the schema of TFLite says: two in a byte, the low half first."""

import numpy as np
from numpy.typing import NDArray


def unpacked(data: NDArray[np.uint8], count: int) -> NDArray[np.int8]:
    halves = np.stack([data & 15, data >> 4], axis=-1).reshape(-1)[:count].astype(np.int16)
    return np.where(halves > 7, halves - 16, halves).astype(np.int8)
