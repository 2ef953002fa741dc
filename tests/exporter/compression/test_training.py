"""The training loop: killed runs go on, divergence is told, settings do what they say."""

import copy
import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from exporter.compression.apply import apply_recipe
from exporter.compression.model import CompressionData, Context, Outcome, unwatched
from exporter.compression.recipe import parse_recipe
from exporter.compression.registry import method_named
from exporter.compression.training.augment import augmented
from exporter.compression.training.loop import TrainingDivergedError, train
from exporter.compression.training.placement import pick_precision
from exporter.compression.training.report import TrainingReport
from exporter.compression.training.teaching import labels_loss
from exporter.data.errors import UsageProblem
from exporter.data.progress import Advance
from exporter.data.settings.recipe import Training
from tests.exporter.compression.networks import SIZE, Small, learnable, seeded

SCRIPT = """
import sys, torch
from pathlib import Path
from tests.exporter.compression.test_training import context, settings
from tests.exporter.compression.networks import Small, seeded
from exporter.compression.training.loop import train
from exporter.compression.training.teaching import labels_loss
torch.set_num_threads(1)
def tell(done, total):
    if done * 30 % total == 0:
        print(done * 30 // total, flush=True)
model = seeded(Small)
own = context(Path(sys.argv[1]), tell)
train(model, labels_loss(own), settings(30), own, "killed")
"""


def context(folder: Path | None = None, advance: Advance = unwatched, labelled: bool = True) -> Context:
    images, labels = learnable(100)
    data = CompressionData(((images,),), TensorDataset(images, labels), labelled)
    return Context(seeded(Small), (torch.zeros(1, 3, SIZE, SIZE),), data, 7, folder, advance)


def fine_tune(model: nn.Module, training: Training, own: Context) -> Outcome:
    step = {"method": "fine_tuning", "training": training.model_dump()}
    (parsed,) = parse_recipe("test", {"steps": [step]}).steps
    return method_named("fine_tuning").apply(model, parsed, own)


def settings(epochs: int, **more: object) -> Training:
    return Training.model_validate({"epochs": epochs, "batch_size": 20, "learning_rate": 0.01, **more})


def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    """Protects long recoveries: after `kill -9` the same command ends where an uninterrupted one does."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 3:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not list(tmp_path.glob("*.part")) or list(tmp_path.glob("*.pt"))
    resumed, whole = seeded(Small), seeded(Small)
    report = train(resumed, labels_loss(context()), settings(30), context(tmp_path), "killed")
    train(whole, labels_loss(context()), settings(30), context(), "killed")
    assert report.resumed_at is not None
    assert report.resumed_at >= 2
    assert report.epochs == 30
    assert all(torch.equal(one, whole.state_dict()[name]) for name, one in resumed.state_dict().items())


def test_a_checkpoint_of_other_settings_is_not_taken_up(tmp_path: Path) -> None:
    """Protects from resuming the wrong training."""
    train(seeded(Small), labels_loss(context()), settings(1), context(tmp_path), "stage")
    report = train(seeded(Small), labels_loss(context()), settings(2), context(tmp_path), "stage")
    assert report.resumed_at is None


@pytest.mark.parametrize("bad", [{"learning_rate": 1e20}, {"learning_rate": 1e20, "optimizer": "Adam"}])
def test_divergence_is_an_error_with_advice(bad: dict[str, object]) -> None:
    """Protects from hours of NaN."""
    with pytest.raises(TrainingDivergedError, match=r"epoch \d+, batch \d+ .*Lower training.learning_rate"):
        train(seeded(Small), labels_loss(context()), settings(5, **bad), context(), "stage")


def test_a_training_that_ends_worse_than_it_began_is_warned_about() -> None:
    """Protects from a network that died without a NaN, and from a warning about one that learned."""
    own = context()
    died = fine_tune(seeded(Small), settings(3, learning_rate=30.0, clip_gradient=1.0), own)
    assert "Lower training.learning_rate" in died.warnings[0]
    assert fine_tune(seeded(Small), settings(3), own).warnings == ()


WORSE = [(1.0, 2.1), (-1.0, 0.5), (0.0, 5.0)]
NOT_WORSE = [(1.0, 0.5), (1.0, 1.9), (-1.0, -1.5), (-1.0, -0.5), (-1.5, -1.6), (0.0, 0.001), (-2.0, -2.0), (0.0, 0.0)]


@pytest.mark.parametrize(("first", "last"), WORSE + NOT_WORSE)
def test_losses_at_and_below_zero_are_judged_by_how_much_they_rose(first: float, last: float) -> None:
    """Protects losses such as a negative cosine, which a factor called worse when they fell."""
    assert bool(TrainingReport(1, first, (last,)).warnings()) is ((first, last) in WORSE)


def test_early_stopping_keeps_the_best_weights() -> None:
    """Protects accuracy: a loss that rises again does not decide."""
    own = context()
    model = seeded(Small)
    report = train(model, labels_loss(own), settings(40, validation=0.2, patience=2, learning_rate=0.05), own, "stage")
    assert report.stopped_early
    assert report.epochs < 40
    assert len(report.validation_losses) == report.epochs
    assert report.validation_losses.index(min(report.validation_losses)) == report.epochs - 3


def test_automatic_precision_is_bfloat16_only_where_there_are_instructions_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Protects speed: emulated bfloat16 takes many times as long as float32."""
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    assert pick_precision("auto", cpu) is None
    assert pick_precision("bfloat16", cpu) is torch.bfloat16  # as told
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert pick_precision("auto", cpu) is torch.bfloat16
    assert pick_precision("auto", torch.device("mps")) is None


def test_unknown_optimizers_and_missing_labels_are_usage_errors() -> None:
    """Protects from tracebacks for what a recipe got wrong."""
    with pytest.raises(UsageProblem, match="did you mean 'AdamW'"):
        train(seeded(Small), labels_loss(context()), settings(1, optimizer="AdamWW"), context(), "stage")
    bad = settings(1, optimizer_options={"no_such_thing": 1})
    with pytest.raises(UsageProblem, match="optimizer_options"):
        train(seeded(Small), labels_loss(context()), bad, context(), "stage")
    with pytest.raises(UsageProblem, match="needs labels"):
        fine_tune(seeded(Small), settings(1), context(labelled=False))
    empty = dataclasses.replace(context(), data=CompressionData())
    with pytest.raises(UsageProblem, match="needs training data"):
        train(seeded(Small), labels_loss(context()), settings(1), empty, "stage")


def test_progress_counts_every_step_to_the_end() -> None:
    """Protects what a person sees."""
    seen: list[tuple[int, int]] = []
    own = context(None, lambda done, total: seen.append((done, total)))
    train(seeded(Small), labels_loss(own), settings(2), own, "stage")
    assert seen == [(step, 10) for step in range(1, 11)]


def test_training_learns_and_leaves_the_global_generator_alone() -> None:
    """Protects the point of it: the loss falls; and callers' random numbers."""
    model, own = seeded(Small), context()
    before = torch.get_rng_state()
    report = train(model, labels_loss(own), settings(12, learning_rate=0.05), own, "stage")
    assert report.losses[-1] < report.losses[0] / 2
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", ["crop", "flip", "shift", "mixup"])
def test_augmentation_changes_each_image_on_its_own(kind: str) -> None:
    """Protects against one change for a whole batch, changed shapes, and values that no image had."""
    torch.manual_seed(0)
    images = torch.arange(64.0).reshape(1, 1, 8, 8).repeat(16, 2, 1, 1) + torch.arange(1.0, 17).view(-1, 1, 1, 1)
    changed = augmented(images, (kind,))
    assert changed.shape == images.shape
    own = changed - torch.arange(16).view(-1, 1, 1, 1)
    assert len({tuple(image.flatten().tolist()) for image in own}) > 1
    assert changed.min() >= (0 if kind == "shift" else 1)  # a shift brings zeros in from outside
    assert changed.max() <= images.max()


def test_a_shifted_image_is_a_window_of_the_padded_one() -> None:
    """Protects the indices of the shift: every image is found, whole, in its own zero-padded original."""
    torch.manual_seed(0)
    images = torch.rand(12, 3, 16, 16) + 1
    changed = augmented(images, ("shift",))
    padded = torch.nn.functional.pad(images, (2,) * 4)
    windows = padded.unfold(2, 16, 1).unfold(3, 16, 1)  # (N, C, 5, 5, 16, 16)
    equal = (windows == changed[:, :, None, None]).all(dim=(1, 4, 5))
    assert torch.equal(equal.sum(dim=(1, 2)), torch.ones(12, dtype=torch.int64))


def test_mixtures_of_labelled_images_are_refused() -> None:
    """Protects against training on a label that belongs to a part of the image only."""
    with pytest.raises(UsageProblem, match="mixup"):
        train(seeded(Small), labels_loss(context()), settings(1, augment=("mixup",)), context(), "stage")


def test_a_named_teacher_and_student_are_used_and_left_alone() -> None:
    """Protects models that a recipe names: they are loaded before any step, and are everybody's."""
    loaded = {"teacher": seeded(Small, 1), "student": seeded(Small, 2)}
    before = copy.deepcopy(loaded["student"].state_dict())
    step = {"method": "distillation", **{name: name for name in loaded}, "training": settings(1).model_dump()}
    recipe = parse_recipe("test", {"steps": [step]})
    own = context()
    made = apply_recipe(own.original, own.example_inputs, recipe, own.data, load_model=loaded.__getitem__).module
    assert not torch.equal(made.get_parameter("linear.weight"), own.original.get_parameter("linear.weight"))
    assert all(torch.equal(value, before[name]) for name, value in loaded["student"].state_dict().items())
    with pytest.raises(UsageProblem, match="no loader of model sources"):
        apply_recipe(own.original, own.example_inputs, recipe, own.data)


def test_changes_of_images_are_refused_for_a_model_of_other_inputs() -> None:
    """Protects from a crash in the middle of an epoch, and from changing what is no image."""
    own = dataclasses.replace(context(), example_inputs=(torch.zeros(1, 8), torch.zeros(1, 3, SIZE, SIZE)))
    with pytest.raises(UsageProblem, match=r"augment changes one input of images, and this model takes \(1, 8\), "):
        train(seeded(Small), labels_loss(own), settings(1, augment=("flip",)), own, "stage")
