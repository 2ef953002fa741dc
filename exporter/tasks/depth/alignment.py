"""Outputs of models that know depth up to a factor, or a factor and a shift, brought to the labels' scale."""

import numpy as np
from numpy.typing import NDArray

from exporter.tasks.depth.settings import Depth

Values = NDArray[np.float64]


def aligned(settings: Depth, given: Values, wanted: Values) -> Values:
    """Distances.

    Disparities are aligned to the inverse of the distances and then inverted (Ranftl et al., "Towards Robust Monocular
    Depth Estimation", 2020).

    Args:
        given: what the model gives, pixel by pixel.
        wanted: distances above 0.
    """
    if settings.gives == "depth":
        return np.clip(_scaled(settings.alignment, given, wanted), settings.least, settings.most)
    near = _scaled(settings.alignment, given, 1 / wanted)
    return np.asarray(1 / np.clip(near, 1 / settings.most, 1 / settings.least), np.float64)


def _scaled(alignment: str, given: Values, wanted: Values) -> Values:
    if alignment == "none":
        return given
    if alignment == "median":
        middle = np.median(given)
        return given * (np.median(wanted) / middle if middle else np.nan)
    terms = np.stack([given, np.ones_like(given)], 1)
    if not np.isfinite(terms).all():
        return np.full_like(given, np.nan)
    return np.asarray(terms @ np.linalg.lstsq(terms, wanted, rcond=None)[0], np.float64)
