"""Non-maximum suppression as files do it, by torchvision: what a file with it is measured by."""

import torch
from torch import Tensor

from exporter.data.settings.suppression import MOST_CANDIDATES, Suppression
from exporter.execution.heavy import load_torchvision


class Suppressed(torch.nn.Module):
    """Detections of one image, as `Suppression` describes them.

    Suppression is ``torchvision.ops.nms`` of each class by itself. ``batched_nms`` computes the same but where it moves
    the classes apart instead (1,000 candidates and fewer on a processor): that rounds coordinates, and classes meet
    where coordinates are below -1.
    """

    def __init__(self, asked: Suppression) -> None:
        super().__init__()
        self.asked = asked

    def forward(self, boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Boxes (1, M, 4), scores (1, M), classes (1, M) and count (1,), padded with zeros.

        Args:
            boxes: (1, N, 4), corners.
            scores: (1, N, classes).
        """
        classes = scores.shape[-1]
        flat, places = torch.sort(scores.reshape(-1), descending=True, stable=True)
        enough = flat[:MOST_CANDIDATES] >= torch.tensor(self.asked.score_threshold, dtype=torch.float32)
        flat, places = flat[:MOST_CANDIDATES][enough], places[:MOST_CANDIDATES][enough]
        corners, kinds = boxes[0, places // classes], (places % classes).to(torch.int32)
        kept = self._kept(corners, flat, kinds)[: self.asked.most_detections]
        count = torch.tensor([len(kept)], dtype=torch.int32)
        found = (self._padded(value[kept]) for value in (corners, flat, kinds))
        return (*found, count)  # type: ignore[return-value]  # three and one

    def _kept(self, corners: Tensor, scores: Tensor, kinds: Tensor) -> Tensor:
        """Places of the candidates that are left, the best first."""
        if not self.asked.suppresses:
            return torch.arange(len(scores))
        groups = torch.zeros_like(kinds) if self.asked.class_agnostic else kinds
        left = torch.zeros(len(scores), dtype=torch.bool)
        for group in groups.unique():
            own = torch.nonzero(groups == group)[:, 0]
            left[own[load_torchvision().ops.nms(corners[own], scores[own], self.asked.iou_threshold)]] = True
        return torch.nonzero(left)[:, 0]

    def _padded(self, value: Tensor) -> Tensor:
        whole = value.new_zeros((1, self.asked.most_detections, *value.shape[1:]))
        whole[0, : len(value)] = value
        return whole


class Detected(torch.nn.Module):
    """A model that gives outputs of a head, its decoder, and suppression."""

    def __init__(self, head: torch.nn.Module, decoder: torch.nn.Module, asked: Suppression) -> None:
        super().__init__()
        self.head, self.decoder, self.suppressed = head, decoder, Suppressed(asked)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """See `Suppressed`."""
        found: tuple[Tensor, Tensor, Tensor, Tensor] = self.suppressed(*self.decoder(*self.head(*inputs)))
        return found
