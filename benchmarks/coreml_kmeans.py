"""Palettization of ResNet50 by this project and by coremltools, in one run: seconds, bytes and squared error.

    python benchmarks/coreml_kmeans.py            # 8 bits, one table a tensor
    python benchmarks/coreml_kmeans.py 8 6 4 4g   # several; g: grouped by 16 channels

The weights are PyTorch's random initialization; the program is float16, as in an export.
"""

import sys
import time
from typing import Any

from exporter.execution.heavy import load_torchvision, quiet
from exporter.formats.coreml.coremltools import load_coremltools


def _weights(model: Any) -> dict[str, Any]:
    """Values of the weights of convolutions and linears, by operation name; constants decompressed."""
    import tempfile
    from pathlib import Path

    from exporter.formats.coreml.reference import ReferenceModel

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.mlpackage"
        model.save(str(path))
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        return {"": size, **ReferenceModel(path).weights()}


def main() -> int:
    """Print a markdown table; 1 when ours is not ten times faster at 8 bits, or has a greater error anywhere."""
    import torch

    from exporter.formats.coreml.conversion import kmeans as coreml_kmeans

    coremltools, vision = load_coremltools(), load_torchvision().models
    optimize = coremltools.optimize.coreml
    torch.manual_seed(0)
    module = vision.resnet50(weights=None).eval()
    example = torch.rand(1, 3, 224, 224)
    with quiet():
        model = coremltools.convert(
            torch.jit.trace(module, example),
            inputs=[coremltools.TensorType("x", shape=example.shape)],
            minimum_deployment_target=coremltools.target.iOS18,
            skip_model_load=True,
        )
    coreml_kmeans.table(example.numpy(), 8)  # compile once
    original = _weights(model)
    good = True
    print("| setting | | seconds | bytes | squared error |\n|---|---|---|---|---|")
    for setting in sys.argv[1:] or ["8"]:
        grouped = {"granularity": "per_grouped_channel", "group_size": 16} if setting.endswith("g") else {}
        config = optimize.OptimizationConfig(
            global_config=optimize.OpPalettizerConfig(mode="kmeans", nbits=int(setting.rstrip("g")), **grouped)
        )
        found = {}
        for who, palettize in (
            ("this project", coreml_kmeans.palettize_weights),
            ("coremltools", optimize.palettize_weights),
        ):
            begin = time.perf_counter()
            with quiet():
                palettized = palettize(model, config)
            seconds = time.perf_counter() - begin
            weights = _weights(palettized)
            error = sum(float(((weights[name] - original[name]) ** 2).sum()) for name in original if name)
            found[who] = seconds, error
            print(f"| {setting} | {who} | {seconds:.1f} | {weights['']:,} | {error:.6g} |", flush=True)
        good &= found["this project"][1] <= found["coremltools"][1] * (1 + 1e-9)
        if setting == "8":
            good &= found["this project"][0] * 10 <= found["coremltools"][0]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
