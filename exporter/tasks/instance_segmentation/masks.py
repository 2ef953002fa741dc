"""Masks over the input, in the pixels of the file that it was made of."""

import numpy as np
from numpy.typing import NDArray

from exporter.datasets.truths import Fit
from exporter.execution.heavy import load_torch
from exporter.tasks.detection.heads import Floats, Size


def masks_in_file(values: Floats, level: float, fit: Fit | None, size: Size) -> NDArray[np.bool_]:
    """Which pixels of the file are above `level`, bilinearly between the values.

    Args:
        values: (masks, H, W) that cover the input.
        fit: None where the file is the input.
        size: width and height of the input.
    """
    whole = fit or Fit(*size)
    if not len(values):
        return np.zeros((0, whole.height, whole.width), bool)
    torch = load_torch()
    across = ((np.arange(whole.width) + 0.5) * whole.scale_x + whole.left) / size[0]
    down = ((np.arange(whole.height) + 0.5) * whole.scale_y + whole.top) / size[1]
    grid = np.stack(np.meshgrid(2 * across - 1, 2 * down - 1), -1)[None].astype(np.float32)
    given = (torch.from_numpy(np.ascontiguousarray(array)) for array in (values[None], grid))
    sampled = torch.nn.functional.grid_sample(*given, padding_mode="border", align_corners=False)
    inside = (np.abs(grid[0]) <= 1).all(-1)
    return np.asarray((sampled[0] > level).numpy() & inside, bool)


def inside_boxes(masks: NDArray[np.bool_], corners: Floats) -> NDArray[np.bool_]:
    """Masks without what is outside their boxes.

    Args:
        masks: (N, height, width).
        corners: (N, 4) in pixels.
    """
    across, down = np.arange(masks.shape[2]) + 0.5, np.arange(masks.shape[1]) + 0.5
    left, top, right, bottom = (column[:, None] for column in corners.T)
    columns, rows = (across > left) & (across < right), (down > top) & (down < bottom)
    return np.asarray(masks & columns[:, None, :] & rows[:, :, None], bool)
