"""Soft rounding: each weight of a grid lies between two steps until training has moved it to one of them.

Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", 2020.
"""

import torch
from torch import Tensor, nn

from exporter.compression.forms.constraints import Constraint

STRETCH = 1.2
"""Of the sigmoid, so that it reaches 0 and 1 (Louizos et al. 2018); as much is cut off at both ends."""

WARM = 0.2
"""Share of the training in which nothing draws weights to their steps."""

SHARP, DULL = 2.0, 20.0
"""Exponents of the penalty at the end and after the warm-up."""


class SoftGrid(Constraint):
    """A weight on a grid whose steps are still soft.

    Args:
        weight: in float, of any shape.
        scale: of the grid, to be broadcast over the weight.
        top: the highest step.
        fixed: weights (bool) that have the steps of `steps` already.
        steps: of the fixed weights, whole numbers; the weight's shape.
    """

    def __init__(self, weight: Tensor, scale: Tensor, top: int, fixed: Tensor, steps: Tensor) -> None:
        super().__init__()
        self.scale, self.top, self.fixed, self.steps = scale, top, fixed, steps
        wanted = (weight / scale).clamp(-top, top - 1e-4)
        self.floor = wanted.floor()
        share = (wanted - self.floor).clamp(0.01, 0.99)
        squeezed = (share + (STRETCH - 1) / 2) / STRETCH
        self.above = nn.Parameter(torch.logit(squeezed))

    def up(self) -> Tensor:
        """How far each weight is from the step below to the one above, 0 to 1."""
        return (torch.sigmoid(self.above) * STRETCH - (STRETCH - 1) / 2).clamp(0, 1)

    def forward(self, weight: Tensor) -> Tensor:
        """The soft weight, whatever the weight was."""
        return torch.where(self.fixed, self.steps, self.floor + self.up()) * self.scale

    def hard(self) -> Tensor:
        """The weight on its steps."""
        return torch.where(self.fixed, self.steps, self.floor + (self.up() >= 0.5)) * self.scale

    def penalty(self, progress: float) -> Tensor:
        """Mean distance of the weights from their steps, 0 to 1, sharper with the progress of a training."""
        exponent = SHARP + (DULL - SHARP) * (1 - (progress - WARM) / (1 - WARM))
        return (1 - (2 * self.up() - 1).abs() ** exponent).mean()
