"""A case or more of every task, for the contract suite."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exporter.datasets.truths import Boxes, Instances, Poses
from tests.contracts.task import Case
from tests.exporter.tasks.made import N, case, one_hot

VOCABULARY = Path(__file__).parent / "vocabulary.txt"


def classification() -> Case:
    labels = np.arange(N) % 7
    right, names = one_hot(labels, 7), [f"class {place}" for place in range(7)]
    best = {"top1": 1, "top5": 1, "calibration": 0}
    wrong = 3 * one_hot((labels + 1) % 7, 7) - 2 * one_hot(labels, 7)
    wrong[0] = right[0]
    return case({"kind": "classification"}, {"scores": right}, [wrong], labels.tolist(), best, [(1, 6)], names=names)


def boxes() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Three objects apart in each of the images; scores and classes."""
    random = np.random.default_rng(1)
    corner = np.array([[2, 3], [30, 4], [8, 30]]) + random.uniform(0, 4, (N, 3, 2))
    corners = np.concatenate([corner, corner + random.uniform(12, 18, (N, 3, 2))], 2).astype(np.float32)
    scores = np.linspace(0.4, 0.9, 3 * N).reshape(N, 3).astype(np.float32)
    return corners, scores, np.tile(np.arange(3), (N, 1)).astype(np.float32)


def detection() -> Case:
    corners, scores, classes = boxes()
    labels = [Boxes.of(*pair) for pair in zip(corners, classes, strict=True)]
    moved = corners + np.array([4, 4, 4, 4], np.float32)
    moved[:, 1] = 0
    right = {"boxes": corners, "scores": scores, "classes": classes}
    unlike = [(1, 3, 5), (1, 3), (1, 3)]
    best = {"map": 1, "map50": 1}
    return case(
        {"kind": "detection"}, right, [moved, scores, classes], labels, best, unlike, (48, 48), Boxes.of([], [])
    )


def segmentation() -> Case:
    random = np.random.default_rng(2)
    labels = random.integers(0, 3, (N, 6, 5)).repeat(4, 1).repeat(4, 2)
    right = np.moveaxis(one_hot(labels, 3), -1, 1)
    wrong = np.moveaxis(one_hot(np.roll(labels, 2, 1), 3), -1, 1)
    best = {"miou": 1, "boundary_iou": 1, "pixel_accuracy": 1}
    nothing, names = np.full((24, 20), 255), ["sky", "road", "car"]
    unlike = [(1, 3, 24)[:2]]
    return case({"kind": "segmentation"}, {"scores": right}, [wrong], labels, best, unlike, (24, 20), nothing, names)


def volume_segmentation() -> Case:
    labels = np.random.default_rng(12).integers(0, 3, (N, 2, 3, 2)).repeat(3, 1).repeat(3, 2).repeat(4, 3)
    right = np.moveaxis(one_hot(labels, 3), -1, 1)
    wrong = np.moveaxis(one_hot((labels + 1) % 3, 3), -1, 1)
    best = {"miou": 1, "boundary_iou": 1, "pixel_accuracy": 1}
    nothing, unlike = np.full(labels.shape[1:], 255), [(1, 3)]
    return case({"kind": "segmentation"}, {"scores": right}, [wrong], labels, best, unlike, nothing=nothing)


def instance_segmentation() -> Case:
    corners, scores, classes = boxes()
    whole = np.rint(corners)
    grid = np.arange(48) + 0.5
    columns = (grid > whole[..., 0, None]) & (grid < whole[..., 2, None])
    rows = (grid > whole[..., 1, None]) & (grid < whole[..., 3, None])
    masks = rows[..., :, None] & columns[..., None, :]
    labels = [Instances(Boxes.of(*one), mask) for *one, mask in zip(whole, classes, masks, strict=True)]
    right = {"boxes": whole, "scores": scores, "classes": classes, "masks": masks.astype(np.float32)}
    wrong = np.roll(masks, 5, 2).astype(np.float32)
    wrong[:, 0] = 0
    return case(
        {"kind": "instance_segmentation"},
        right,
        [whole, scores, classes, wrong],
        labels,
        {"mask_map": 1, "mask_map50": 1},
        [(1, 3, 4), (1, 3), (1, 3), (1, 3, 48)],
        (48, 48),
        Instances(Boxes.of([], []), np.zeros((0, 48, 48), bool)),
    )


def posed(points: NDArray[np.float32]) -> list[Poses]:
    """One pose an image."""
    return [Poses(Boxes.of([[*one.min(0), *one.max(0)]], [0]), one[None], np.full((1, len(one)), 2)) for one in points]


def keypoints() -> Case:
    random = np.random.default_rng(3)
    points = random.uniform(5, 43, (N, 17, 2)).astype(np.float32)
    far = points.copy()
    far[:, ::2] += 12
    best = {"oks_map": 1, "oks_map50": 1, "pck": 1}
    unseen = Poses(Boxes.of([], []), np.zeros((0, 17, 2), np.float32), np.zeros((0, 17), np.int64))
    return case(
        {"kind": "keypoints", "head": "coordinates", "normalized": True},
        {"points": points / 48},
        [far / 48],
        posed(points),
        best,
        [(1, 17, 4)],
        (48, 48),
        unseen,
    )


def heatmaps() -> Case:
    random = np.random.default_rng(4)
    places = random.integers(2, 10, (N, 4, 2))
    maps, others = np.zeros((2, N, 4, 12, 12), np.float32)
    image, point = np.indices((N, 4))
    maps[image, point, places[..., 1], places[..., 0]] = 0.9
    others[image, point, places[..., 0], (places[..., 1] + 6) % 12] = 0.9
    labels = posed(4 * places.astype(np.float32))
    table = {"kind": "keypoints", "sigmas": (0.05, 0.05, 0.1, 0.1)}
    best = {"oks_map": 1, "oks_map50": 1, "pck": 1}
    return case(table, {"maps": maps}, [others], labels, best, [(1, 5, 12, 12)], (48, 48))


def depth() -> Case:
    random = np.random.default_rng(5)
    labels = random.uniform(1, 9, (N, 6, 5)).astype(np.float32)
    wrong = 1.1 * labels + (random.random(labels.shape) < 0.3)
    best = {"abs_rel": 0, "rmse": 0, "delta1": 1}
    wrong[:, 0] *= 2
    nothing = np.full((6, 5), np.nan)
    return case({"kind": "depth"}, {"depth": labels}, [wrong], labels, best, [(1, 2, 6, 5)], None, nothing)


def disparity() -> Case:
    random = np.random.default_rng(6)
    labels = random.uniform(1, 9, (N, 6, 5))
    right = 3 / labels + 0.2
    wrong = right + random.normal(0, 0.3, right.shape)
    table = {"kind": "depth", "gives": "disparity", "alignment": "affine"}
    best = {"abs_rel": 0, "rmse": 0, "delta1": 1}
    return case(table, {"near": right[:, None]}, [wrong[:, None]], labels, best, [(1, 30)])


def super_resolution() -> Case:
    random = np.random.default_rng(7)
    labels = random.random((N, 16, 14, 3)).astype(np.float32)
    right = np.moveaxis(labels, -1, 1)
    wrong = np.clip(right + random.normal(0, 0.1, right.shape), 0, 1).astype(np.float32)
    best = {"psnr": 100, "ssim": 1, "pixel_error": 0}
    return case({"kind": "super_resolution"}, {"image": right}, [wrong], labels, best, [(1, 3, 16)], (8, 7))


def embedding() -> Case:
    random = np.random.default_rng(8)
    labels = np.arange(N) // 2
    right = np.eye(4)[labels] + random.normal(0, 0.02, (N, 4))
    wrong = random.normal(0, 1, (N, 4))
    best = {"recall": 1, "verification": 1, "cosine": 1}
    return case({"kind": "embedding"}, {"vectors": right}, [wrong], labels.tolist(), best, [(1, 2, 2)])


def speech() -> Case:
    ids = np.array([[2, 2, 0, 2, 1, 3], [4, 1, 1, 5, 5, 0], [3, 0, 3, 3, 1, 2], [2, 3, 4, 5, 1, 2]] * 2)
    texts = ["aa b", "c d", "bb a", "abcd a"] * 2
    wrong = one_hot(np.where(ids == 2, 5, ids), 6)
    table = {"kind": "speech", "vocabulary": str(VOCABULARY)}
    best = {"wer": 0, "cer": 0}
    return case(table, {"logits": one_hot(ids, 6)}, [wrong], texts, best, [(1, 6, 7)], nothing="")


def audio() -> Case:
    labels, names = np.arange(N) % 4, ["yes", "no", "up", "down"]
    wrong = one_hot(np.where(labels == 2, 1, labels), 4)
    return case(
        {"kind": "audio"}, {"words": one_hot(labels, 4)}, [wrong], labels.tolist(), {"top1": 1}, [(1, 5)], names=names
    )


def wake_word() -> Case:
    labels = np.arange(N) % 2
    right = (labels - 0.5)[:, None] + np.linspace(-0.2, 0.2, N)[:, None]
    wrong = np.roll(right, 1, 0)
    table = {"kind": "audio", "scores": "binary"}
    return case(table, {"heard": right}, [wrong], labels.tolist(), {"eer": 0, "top1": 1}, [(1, 3)])


def texts() -> Case:
    labels, names = np.arange(N) % 3, ["bad", "so-so", "good"]
    wrong = one_hot(np.where(labels == 2, 1, labels), 3)
    best = {"token_accuracy": 1, "f1": 1}
    table = {"kind": "text"}
    return case(
        table, {"scores": one_hot(labels, 3)}, [wrong], labels.tolist(), best, [(1, 4)], nothing=-100, names=names
    )


def tagged() -> Case:
    random = np.random.default_rng(9)
    labels = random.integers(0, 4, (N, 6))
    given = labels.copy()
    given[:, -1] = -100
    wrong = one_hot((labels + (random.random(labels.shape) < 0.4)) % 4, 4)
    table = {"kind": "text", "scores": "tokens", "not_named": [0]}
    best = {"token_accuracy": 1, "f1": 1, "f1_micro": 1}
    nothing = np.full(6, -100)
    return case(table, {"scores": one_hot(labels, 4)}, [wrong], given, best, [(1, 4)], nothing=nothing)


def entities() -> Case:
    names = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    labels = np.tile(np.array([[0, 1, 2, 2, 0, 3], [1, 1, 2, 0, 3, 4]]), (N // 2, 1))
    wrong = one_hot(np.where(labels == 2, 4, labels), 5)
    table = {"kind": "text", "scores": "tokens", "not_named": [0], "entities": "iob"}
    best = {"entity_f1": 1, "token_accuracy": 1, "f1": 1, "f1_micro": 1}
    nothing = np.full(6, -100)
    return case(table, {"scores": one_hot(labels, 5)}, [wrong], labels, best, [(1, 5)], nothing=nothing, names=names)


def language() -> Case:
    random = np.random.default_rng(10)
    labels = random.integers(0, 9, (N, 7))
    right = one_hot(np.roll(labels, -1, 1), 9)
    wrong = right + random.normal(0, 40, right.shape)
    table = {"kind": "text", "scores": "next"}
    best = {"perplexity": 1, "token_accuracy": 1}
    nothing = np.full(7, -100)
    return case(table, {"logits": right}, [wrong], labels, best, [(1, 7)], nothing=nothing)


def regression() -> Case:
    random = np.random.default_rng(11)
    labels = random.normal(100, 5, (N, 3))
    best = {"mae": 0, "rmse": 0, "r2": 1}
    nothing = np.full(3, np.nan)
    wrong = labels + random.normal(0, 1, labels.shape)
    return case({"kind": "regression"}, {"values": labels}, [wrong], labels, best, [], nothing=nothing)


def custom() -> Case:
    # Of its own: what is drawn after others hangs on which tests run, and a last label below 0 would be right.
    labels = np.abs(np.random.default_rng(3).normal(0, 1, (N, 3)))
    table = {
        "kind": "custom",
        "function": "tests.exporter.tasks.functions:agreement",
        "higher": ["near"],
        "lower": ["off"],
    }
    return case(table, {"values": labels}, [labels + 0.4 * (labels > 0)], labels, {"near": 1, "off": 0}, [])


CASES: dict[str, Callable[[], Case]] = {
    "classification": classification,
    "detection": detection,
    "segmentation": segmentation,
    "segmentation of volumes": volume_segmentation,
    "instance_segmentation": instance_segmentation,
    "keypoints": keypoints,
    "keypoints of heatmaps": heatmaps,
    "depth": depth,
    "depth of disparities": disparity,
    "super_resolution": super_resolution,
    "embedding": embedding,
    "speech": speech,
    "audio": audio,
    "audio of a wake word": wake_word,
    "text": texts,
    "text of tokens": tagged,
    "text of names": entities,
    "text of a language model": language,
    "regression": regression,
    "custom": custom,
}
