"""One small ONNX classifier of pictures, written by hand: no torch, no conversion."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporter.data.facts.pictures import Picture
from exporter.data.results.samples import Samples
from exporter.formats.common.pictures import told
from exporter.formats.onnx.keys import IMAGES, LABELS
from exporter.store.digests import tree_digest
from exporter.store.runs import write_run
from tests.exporter import typical

CLASSES = ("night sky", "meadow", "sea", 'a "rose"')
PICTURE = Picture(
    color="RGB",
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    resize="crop",
    crop=0.875,
    interpolation="bilinear",
)


def classifier(path: Path, labels: tuple[str, ...] = CLASSES, picture: Picture | None = PICTURE) -> Path:
    """Pictures (1, 3, 20, 16) -> logits (1, 4)."""
    from onnx import TensorProto, helper, numpy_helper, save

    random = np.random.default_rng(3)
    weights, scores = random.standard_normal((4, 3, 3, 3)), 3 * random.standard_normal((4, 4))
    constants = {"w": weights, "m": scores, "b": np.arange(4) / 9}
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "m", "b"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 20, 16])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    known = {LABELS: json.dumps(labels) if labels else "", IMAGES: told({"image": picture} if picture else {})}
    helper.set_model_props(model, {key: value for key, value in known.items() if value})
    path.parent.mkdir(parents=True, exist_ok=True)
    save(model, str(path))
    return path


def recorded(folder: Path, **target: Any) -> Path:
    """A run's folder with the classifier as the artifact of target ``phone``."""
    path = classifier(folder / "phone" / "model.onnx")
    artifact = typical.artifact(
        path="phone/model.onnx", format="onnx", target="phone", sha256=tree_digest(path), size_bytes=path.stat().st_size
    )
    settings = {"name": "phone", "format": "onnx", "minimum_os": "Android 12"}
    known = {**settings, "settings": settings, "artifact": artifact, **target}
    write_run(folder, typical.run(targets=[known]), Samples(targets={}))
    return folder


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of several sizes in a folder."""
    from PIL import Image

    folder, random = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for place, (width, height) in enumerate([(61, 40), (33, 90), (16, 20)]):
        Image.fromarray(random.integers(0, 256, (height, width, 3), np.uint8)).save(folder / f"{place}.png")
    return folder
