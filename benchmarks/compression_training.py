"""Applies the recipes of `compression_recipes` and keeps the results, so that a killed run goes on where it was."""

import importlib.util
import io
import re
import sys
import time
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from compression_lines import Lines
from compression_recipes import CIFAR_ROWS, Row
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from exporter.compression.apply import apply_recipe
from exporter.compression.model import CompressedModel, CompressionData
from exporter.compression.recipe import parse_recipe

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CALIBRATION = 256


class Cifar:
    """The shared CIFAR-10 images and models."""

    def __init__(self, shared: Path, work: Path) -> None:
        self.shared, self.work = shared, work
        self.models = _module(shared / "models" / "cifar_resnet.py")
        self.training = self._images("train")
        self.test = self._images("test")
        order = torch.randperm(len(self.training[0]), generator=torch.Generator().manual_seed(0))
        self.calibration = self.training[0][order[:CALIBRATION]]

    def data(self) -> CompressionData:
        """For `apply_recipe`."""
        batches = tuple((images,) for images in self.calibration.split(64))
        return CompressionData(batches, TensorDataset(*self.training), labelled=True)

    def model(self, name: str, start: str) -> nn.Module:
        """A network with fine-tuned weights (by the row of its own name), those as shared, or random ones."""
        if start == "fine-tuned":
            return self.compressed(name).module
        torch.manual_seed(0)
        network: nn.Module = getattr(self.models, name)()
        if start == "random":
            return network.eval()
        state = torch.load(self.shared / "models" / f"{name}_cifar10.pt", weights_only=True)
        network.load_state_dict(state)
        return network.eval()

    def path(self, name: str) -> Path:
        """Where the result of a row is kept."""
        return self.work / "results" / f"{name.replace(' ', '_').replace(':', '')}.pt"

    def compressed(self, name: str) -> CompressedModel:
        """The result of a row's recipe; from the work folder when it is there."""
        row = CIFAR_ROWS[name]
        path = self.path(name)
        if path.exists():
            kept: CompressedModel = torch.load(path, weights_only=False)  # its own file
            return kept
        result = self._train(name, row)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".part")
        torch.save(result, temporary)
        temporary.replace(path)
        return result

    def _train(self, name: str, row: Row) -> CompressedModel:
        started = time.monotonic()
        recipe = parse_recipe("row", {"steps": row.steps})
        folder = self.work / "checkpoints" / (row.checkpoints or name).replace(" ", "_")
        result = apply_recipe(
            self.model(row.model, row.start),
            (self.test[0][:1].clone(),),
            recipe,
            self.data(),
            checkpoint_dir=folder,
            progress=Lines(name),
            load_model=lambda spec: self.model(spec.split()[0], "as shared" if "as shared" in spec else "fine-tuned"),
        )
        print(
            f"{name}: trained in {time.monotonic() - started:.0f} s, {self.top1(result.module):.2f} % in torch",
            flush=True,
        )
        return result

    def top1(self, module: nn.Module) -> float:
        """Percent of the test images."""
        with torch.no_grad():
            pairs = zip(self.test[0].split(500), self.test[1].split(500), strict=True)
            hits = [int((module(x).argmax(1) == y).sum()) for x, y in pairs]
        return 100 * sum(hits) / len(self.test[1])

    def _images(self, split: str) -> tuple[Tensor, Tensor]:
        with zipfile.ZipFile(self.shared / "data" / "cifar10.zip") as archive:
            names = sorted(name for name in archive.namelist() if re.fullmatch(rf"{split}/.*\.jpg", name))
            classes = sorted({name.split("/")[1] for name in names})
            pixels = np.stack([np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB")) for name in names])
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
        images = (images - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
        return images, torch.tensor([classes.index(name.split("/")[1]) for name in names])


def _module(path: Path) -> ModuleType:
    spec: Any = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # a kept result names its classes by this module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Train the rows named on the command line, or all of them."""
    shared, work, *names = sys.argv[1:]
    cifar = Cifar(Path(shared), Path(work))
    for name in names or CIFAR_ROWS:
        print(f"{name}: {cifar.top1(cifar.compressed(name).module):.2f} %", flush=True)


if __name__ == "__main__":
    main()
