"""Checkpoints that survive `kill -9`, each taken up only by the training that it belongs to."""

import hashlib
import os
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from exporter.compression.model import Context
from exporter.compression.training.batches import length
from exporter.data.settings.recipe import Training


class Checkpoint(NamedTuple):
    """Where a training leaves its state.

    Attributes:
        path: of the file.
        key: digest of everything that decides what the training gives.
    """

    path: Path
    key: str

    def save(self, state: dict[str, Any]) -> None:
        """Write `state`, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
        with temporary.open("wb") as file:
            torch.save({"key": self.key, **state}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)

    def load(self, device: torch.device) -> dict[str, Any] | None:
        """What was saved; None where nothing was, or by a training of another model, other data or settings."""
        if not self.path.exists():
            return None
        state: dict[str, Any] = torch.load(self.path, map_location=device, weights_only=True)
        return state if state.pop("key") == self.key else None


def checkpoint_of(model: nn.Module, settings: Training, context: Context, stage: str) -> Checkpoint | None:
    """The checkpoint of one training; None where none are kept.

    Args:
        model: before it is trained.
        stage: names the file.
    """
    if context.checkpoint_dir is None:
        return None
    name = stage.replace(" ", "_").replace("/", "_")
    return Checkpoint(context.checkpoint_dir / f"{name}.pt", _key(model, settings, context))


def _key(model: nn.Module, settings: Training, context: Context) -> str:
    digest = hashlib.sha256(f"{settings.model_dump_json()} {context.seed}".encode())
    assert context.data.training is not None
    digest.update(f"{length(context.data.training)} {context.data.labelled}".encode())
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
