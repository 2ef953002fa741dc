r"""Writes data on which `task_networks.py` is calibrated and judged: scenes as COCO, clips as WAV files.

    python benchmarks/tasks/data.py scenes --objects cifar10.zip --backgrounds imagenet_sample_500.zip FOLDER
    python benchmarks/tasks/data.py clips FOLDER

Then, with weights of `train.py`, the first of which is a detector's:

    mobile-export run benchmarks/tasks/task_networks.py:detector --weights detector.pt \
        --targets benchmarks/tasks/detector.toml --target naive --target tflite --target coreml --target w8a8 \
        --calibration FOLDER/calibration/scenes.json --evaluation FOLDER/test/scenes.json

The segmenter takes ``FOLDER/test`` (images and masks), the keyword spotter the folder of clips.
"""

import argparse
from pathlib import Path

import scenes
import speech

TEST_SEED, CALIBRATION_SEED = 10**7, 2 * 10**7
"""Training begins at 0 and never gets that far."""


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["scenes", "clips"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--test", type=int, default=500)
    parser.add_argument("--calibration", type=int, default=100)
    parser.add_argument("--objects", type=Path)
    parser.add_argument("--backgrounds", type=Path)
    given = parser.parse_args()
    if given.kind == "clips":
        speech.write(given.folder / "test", given.test, TEST_SEED)
        speech.write(given.folder / "calibration", given.calibration, CALIBRATION_SEED)
        return
    # Objects of training calibrate, so that nothing of the test is seen before it.
    for part, name, count, seed in (
        ("test", "test", given.test, TEST_SEED),
        ("train", "calibration", given.calibration, CALIBRATION_SEED),
    ):
        scenes.write(scenes.read_pictures(given.objects, given.backgrounds, part), given.folder / name, count, seed)


if __name__ == "__main__":
    main()
