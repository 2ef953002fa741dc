"""Sampling at computed places. Semantics: coremltools ``image_resizing.py``: crop_resize, affine, resample."""

import torch
import torch.nn.functional as F  # noqa: N812

from exporter.formats.coreml.reference.family import Family, Tensor
from exporter.formats.coreml.reference.ops.resizing import grid

FAMILY = Family("sampling")


@FAMILY.op("crop_resize")
def crop_resize(
    x: Tensor,
    roi: Tensor | None = None,
    boxes: Tensor | None = None,
    box_indices: Tensor | None = None,
    target_height: int = 1,
    target_width: int = 1,
    normalized_coordinates: bool = False,
    spatial_scale: float = 1.0,
    box_coordinate_mode: str = "CORNERS_HEIGHT_FIRST",
    sampling_mode: str = "DEFAULT",
    pad_value: float | None = None,
) -> Tensor:
    """Patches of images, resized with bilinear interpolation; what lies outside the image is `pad_value`, else zero.

    Before iOS 17 the boxes come as `roi` ``[N, 1, 4 or 5, 1, 1]``, a fifth value being the index of the image;
    without it every box is cut from every image. From iOS 17 on: `boxes` ``[N, 4]`` and `box_indices` ``[N]``.
    """
    shape, pad = (target_height, target_width), pad_value or 0.0
    if boxes is not None:
        images = torch.arange(len(boxes)) if box_indices is None else box_indices.long()
        corners = _corners(boxes, x, box_coordinate_mode, normalized_coordinates, spatial_scale)
        return _patches(x[images], corners, shape, sampling_mode, pad)
    assert roi is not None
    flat = roi.reshape(roi.shape[0], -1)
    places = flat[:, -4:]
    if pad_value is None and normalized_coordinates and box_coordinate_mode.startswith("CORNERS"):
        places = _inside(places)
    corners = _corners(places, x, box_coordinate_mode, normalized_coordinates, spatial_scale)
    if flat.shape[1] == 5:
        return _patches(x[flat[:, 0].long()], corners, shape, sampling_mode, pad).unsqueeze(1)
    parts = [_patches(x, corner.expand(x.shape[0], 4), shape, sampling_mode, pad) for corner in corners.unsqueeze(1)]
    return torch.stack(parts)


def _inside(boxes: Tensor) -> Tensor:
    """Boxes that run backwards from outside of the image become the whole image, where there is no padding (iOS 15).

    MIL's documentation rules them out; this is what Apple's runtime gives in coremltools' own test of them.
    """
    starts, ends = boxes[:, :2], boxes[:, 2:]
    outside = (starts > 1) & (ends < starts)
    return torch.cat([starts.masked_fill(outside, 0.0), ends.masked_fill(outside, 1.0)], 1)


def _corners(boxes: Tensor, x: Tensor, mode: str, normalized: bool, spatial_scale: float) -> Tensor:
    """Boxes as [h_start, w_start, h_end, w_end] in pixels."""
    wide = boxes.to(torch.float32) * spatial_scale
    if mode.endswith("WIDTH_FIRST"):
        wide = wide[:, [1, 0, 3, 2]]
    if mode.startswith("CENTER_SIZE"):
        wide = torch.cat([wide[:, :2] - wide[:, 2:] / 2, wide[:, :2] + wide[:, 2:] / 2], 1)
    if normalized:
        wide = wide * torch.tensor([x.shape[-2] - 1.0, x.shape[-1] - 1.0] * 2)
    return wide


def _patches(images: Tensor, corners: Tensor, shape: tuple[int, int], mode: str, pad_value: float) -> Tensor:
    """One patch of each image ``[N, C, H, W]``."""
    rows = grid(mode, corners[:, 0], corners[:, 2], shape[0])
    columns = grid(mode, corners[:, 1], corners[:, 3], shape[1])
    height, width = images.shape[-2:]
    inside_rows = (rows >= 0) & (rows <= height - 1)
    inside_columns = (columns >= 0) & (columns <= width - 1)
    points = torch.stack(
        [
            columns.unsqueeze(1).expand(-1, shape[0], -1) / max(width - 1, 1) * 2 - 1,
            rows.unsqueeze(2).expand(-1, -1, shape[1]) / max(height - 1, 1) * 2 - 1,
        ],
        -1,
    )
    patches = F.grid_sample(images, points, "bilinear", "border", align_corners=True)
    inside = (inside_rows.unsqueeze(2) & inside_columns.unsqueeze(1)).unsqueeze(1)
    return torch.where(inside, patches, torch.tensor(pad_value))


@FAMILY.op("affine")
def affine(
    x: Tensor,
    transform_matrix: Tensor,
    output_height: int,
    output_width: int,
    sampling_mode: str = "bilinear",
    padding_mode: str = "constant",
    padding_value: float = 0.0,
    coordinates_mode: str = "normalized_minus_one_to_one",
    align_corners: bool = True,
) -> Tensor:
    """An affine warp; the matrix maps output coordinates to input coordinates."""
    matrices = transform_matrix.reshape(-1, 2, 3).expand(x.shape[0], 2, 3)
    places = F.affine_grid(matrices, [x.shape[0], 1, output_height, output_width], align_corners)
    return resample(x, places, sampling_mode, padding_mode, padding_value, coordinates_mode, align_corners)


@FAMILY.op("resample")
def resample(
    x: Tensor,
    coordinates: Tensor,
    sampling_mode: str,
    padding_mode: str,
    padding_value: float,
    coordinates_mode: str,
    align_corners: bool,
) -> Tensor:
    """`x` ``[B, C, H, W]`` at places ``[B, h, w, 2]``, each (x, y), with every padding mode.

    torch pads by reflection about pixel centres when corners are aligned (MIL's reflection) and about edges when they
    are not (MIL's symmetric); so places go to pixels first, then to the normalization that reflects as asked.
    """
    sizes = torch.tensor([x.shape[-1], x.shape[-2]], dtype=torch.float32)
    places = coordinates.to(torch.float32)
    if coordinates_mode == "normalized_zero_to_one":
        places = places * 2 - 1
    if coordinates_mode != "unnormalized":
        places = (places + 1) / 2 * (sizes - 1) if align_corners else ((places + 1) * sizes - 1) / 2
    aligned = padding_mode == "reflection"
    normal = places / (sizes - 1).clamp(min=1) * 2 - 1 if aligned else (places * 2 + 1) / sizes - 1
    padding = {"constant": "zeros", "border": "border", "reflection": "reflection", "symmetric": "reflection"}
    if padding_mode not in padding:
        raise ValueError(f"padding mode {padding_mode!r} is not known")
    shift = padding_value if padding_mode == "constant" else 0.0
    sampled = F.grid_sample(x - shift if shift else x, normal, sampling_mode, padding[padding_mode], aligned)
    return sampled + shift if shift else sampled
