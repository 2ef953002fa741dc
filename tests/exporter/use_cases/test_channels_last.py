"""A source with the channels of its images and maps last: every format's artifact is compared in the source's order."""

from pathlib import Path

import pytest

from exporter.data.progress import Silent
from exporter.data.settings.model import ModelSettings
from exporter.data.verdict import Status
from exporter.use_cases.job.request import RunRequest
from exporter.use_cases.run import run
from tests.warm import warmly

SOURCE = """
import torch
from torch import nn

class Maps(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        return self.conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
"""
TARGETS = "".join(
    f'[targets.{form}]\nformat = "{form}"\nminimum_os = "{system}"\ntolerances.snr_db = 40\n'
    for form, system in {"coreml": "iOS 17", "tflite": "Android 14", "onnx": "Android 14"}.items()
)


@pytest.mark.slow
def test_maps_with_channels_last_pass_in_every_format(tmp_path: Path) -> None:
    """Height, width and channels are unlike, so that no order is taken for another one."""
    (tmp_path / "nets.py").write_text(SOURCE)
    (tmp_path / "targets.toml").write_text(TARGETS)
    record = warmly(
        run,
        RunRequest(
            spec=f"{tmp_path / 'nets.py'}:Maps",
            settings=ModelSettings.model_validate(
                {"layout": "NHWC", "inputs": ({"name": "x", "shape": (1, 6, 10, 3)},)}
            ),
            target_names=("coreml", "tflite", "onnx"),
            targets_file=tmp_path / "targets.toml",
            output=tmp_path / "out",
            cache_root=tmp_path / "cache",
            measure=False,
        ),
        Silent(),
    )
    statuses = {
        (target.name, verdict.metric): verdict.status
        for target in record.targets
        for verdict in target.verdicts
        if verdict.metric.startswith("parity.")
    }
    assert {name for name, _ in statuses} == {"coreml", "tflite", "onnx"}
    assert set(statuses.values()) == {Status.PASSED}
