"""Five small networks of different kinds, for `verifier_mutations.py`."""

import torch
from torch import nn


def pictures(count: int, seed: int) -> torch.Tensor:
    """Smooth pictures of unlike colours, (count, 3, 32, 32) float32 in [0, 1]."""
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return nn.functional.interpolate(coarse, scale_factor=8)


def _settled(module: nn.Module, heads: list[nn.Conv2d | nn.Linear]) -> nn.Module:
    """Batch norms and heads as training leaves them: values about zero, of a spread of two, that follow the input."""
    images = (pictures(256, 9) - 0.5) / 0.25
    module.train()
    with torch.no_grad():
        for part in images.split(32):
            module(part)
        module.eval()
        for head in heads:
            seen: list[torch.Tensor] = []
            hook = head.register_forward_hook(lambda _, inputs, output, seen=seen: seen.append(output))
            module(images)
            hook.remove()
            values = seen[0].transpose(0, 1).flatten(1)
            scale = 2 / values.std(1)
            head.weight *= scale.reshape(-1, *[1] * (head.weight.ndim - 1))
            bias = head.get_parameter("bias")
            bias.copy_((bias - values.mean(1)) * scale)
    return module


def _stem() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, 2, 1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU6(),
        nn.Conv2d(32, 32, 3, 1, 1, groups=32),
        nn.ReLU(),
        nn.Conv2d(32, 48, 3, 2, 1),
        nn.ReLU(),
    )


def classifier() -> nn.Module:
    """Images (N, 3, 32, 32) -> scores of 10 classes."""
    torch.manual_seed(0)
    head = nn.Linear(64, 10)
    body = nn.Sequential(_stem(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(48, 64), nn.ReLU())
    return _settled(body.append(head), [head])


def segmenter() -> nn.Module:
    """Images (N, 3, 32, 32) -> maps (N, 5, 8, 8)."""
    torch.manual_seed(1)
    head = nn.Conv2d(48, 5, 1)
    return _settled(nn.Sequential(_stem(), head), [head])


class Tagger(nn.Module):
    """Tokens (N, 12) of 200 words -> tags (N, 12, 7)."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.hidden, self.out = nn.Embedding(200, 64), nn.Linear(64, 64), nn.Linear(64, 7)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Scores of each token."""
        scores: torch.Tensor = self.out(torch.relu(self.hidden(self.embedding(tokens))))
        return scores


def tagger() -> nn.Module:
    """A `Tagger` with fixed weights."""
    torch.manual_seed(2)
    return Tagger().eval()


class Detector(nn.Module):
    """Images (N, 3, 32, 32) -> boxes (N, 4, 64) in pixels and scores (N, 3, 64)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.boxes, self.scores = _stem(), nn.Conv2d(48, 4, 1), nn.Conv2d(48, 3, 1)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Boxes and scores."""
        found = self.stem(image)
        return self.boxes(found).sigmoid().flatten(2) * 32, self.scores(found).sigmoid().flatten(2)


def detector() -> nn.Module:
    """A `Detector` with fixed weights."""
    torch.manual_seed(3)
    module = Detector()
    return _settled(module, [module.boxes, module.scores])


class Sound(nn.Module):
    """Spectra (N, 20, 40) -> embeddings (N, 32) without a spatial axis."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.out = nn.Conv1d(20, 64, 5, padding=2), nn.Conv1d(64, 64, 3), nn.Linear(64, 32)

    def forward(self, spectrum: torch.Tensor) -> torch.Tensor:
        """One embedding a spectrum."""
        embedding: torch.Tensor = self.out(torch.relu(self.second(torch.relu(self.first(spectrum)))).mean(2))
        return embedding


def sound() -> nn.Module:
    """A `Sound` with fixed weights."""
    torch.manual_seed(4)
    return Sound().eval()
