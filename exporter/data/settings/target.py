"""Target and its parts: frozen data that says what an operating system and a team ask of an artifact, in any format."""

import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from exporter.data.base import Frozen
from exporter.data.quantities import Duration, Energy, Size


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return value


Pattern = Annotated[str, BeforeValidator(_pattern)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class TaskTolerances(Frozen):
    """How much worse than its source an artifact may do its task: on labels, else on the source's own results.

    Attributes:
        map_drop_points: most percentage points of average precision over IoU from 0.5 to 0.95 lost, as COCO computes
            it, of boxes.
        map50_drop_points: the same at an IoU of 0.5.
        miou_drop_points: of mean IoU over classes.
        boundary_iou_drop_points: of mean IoU near borders.
        pixel_accuracy_drop_points: of the share of pixels with the right class.
        calibration_rise_points: most percentage points by which the expected calibration error may rise; needs labels.
        mask_map_drop_points: of average precision of masks over IoU from 0.5 to 0.95.
        mask_map50_drop_points: the same at an IoU of 0.5.
        oks_map_drop_points: of average precision of poses over object keypoint similarity from 0.5 to 0.95.
        oks_map50_drop_points: the same at a similarity of 0.5.
        pck_drop_points: of the share of keypoints that are near enough.
        abs_rel_rise_points: by which the relative error of depth may rise.
        delta1_drop_points: of the share of pixels whose depth is right within a factor of 1.25.
        psnr_drop_db: most decibels of peak signal-to-noise ratio lost, mean of the images; needs labels.
        ssim_drop_points: of structural similarity.
        pixel_error_rise_points: by which the mean absolute error of pixels may rise, of the range from black to white.
        recall_drop_points: of the share of queries that find their like among the nearest; needs labels.
        verification_drop_points: of the share of pairs that are accepted at a rate of false accepts; needs labels.
        neighbours_drop_points: of the share of nearest neighbours that are the source's own; without labels.
        embedding_cosine_drop: most that the mean cosine to the source's embeddings may be below 1.
        wer_rise_points: by which the word error rate may rise.
        cer_rise_points: by which the character error rate may rise.
        clip_top1_drop_points: of the share of clips whose class is right.
        eer_rise_points: by which the equal error rate may rise.
        token_accuracy_drop_points: of the share of texts, tokens or next tokens that are right.
        f1_drop_points: of F1, mean of the classes.
        f1_micro_drop_points: of F1 of all classes together.
        entity_f1_drop_points: of F1 of names that are right as a whole.
        perplexity_rise: by which perplexity may rise; needs labels.
        mae_rise: by which the mean absolute error may rise, in the unit of the outputs.
        rmse_rise: by which the root mean square error may rise, in the unit of the outputs.
        r2_drop: of the share of explained variance, from 0 to 1.
        custom_loss: of each number that a function of your own gives, by its name, how much worse it may be.
    """

    map_drop_points: float | None = None
    map50_drop_points: float | None = None
    miou_drop_points: float | None = None
    boundary_iou_drop_points: float | None = None
    pixel_accuracy_drop_points: float | None = None
    calibration_rise_points: float | None = None
    mask_map_drop_points: float | None = None
    mask_map50_drop_points: float | None = None
    oks_map_drop_points: float | None = None
    oks_map50_drop_points: float | None = None
    pck_drop_points: float | None = None
    abs_rel_rise_points: float | None = None
    delta1_drop_points: float | None = None
    psnr_drop_db: float | None = None
    ssim_drop_points: float | None = None
    pixel_error_rise_points: float | None = None
    recall_drop_points: float | None = None
    verification_drop_points: float | None = None
    neighbours_drop_points: float | None = None
    embedding_cosine_drop: float | None = None
    wer_rise_points: float | None = None
    cer_rise_points: float | None = None
    clip_top1_drop_points: float | None = None
    eer_rise_points: float | None = None
    token_accuracy_drop_points: float | None = None
    f1_drop_points: float | None = None
    f1_micro_drop_points: float | None = None
    entity_f1_drop_points: float | None = None
    perplexity_rise: float | None = None
    mae_rise: float | None = None
    rmse_rise: float | None = None
    r2_drop: float | None = None
    custom_loss: dict[str, float] = {}


class Tolerances(TaskTolerances):
    """How far an artifact may be from its source.

    Attributes:
        snr_db: least signal-to-noise ratio of the outputs, in dB.
        cosine: least cosine similarity of the outputs, averaged over examples.
        max_abs_error: largest absolute difference of any output element.
        top1_agreement: least share of examples on which artifact and source name the same class.
        top1_drop_points: most percentage points of top-1 accuracy lost against the source; where there are no labels
            and the task is classification, of examples whose class is not the source's.
        top5_drop_points: the same for top-5.
    """

    snr_db: float | None = None
    cosine: Annotated[float, Field(ge=-1, le=1)] | None = None
    max_abs_error: Annotated[float, Field(ge=0)] | None = None
    top1_agreement: Fraction | None = None
    top1_drop_points: float | None = None
    top5_drop_points: float | None = None


class Budgets(Frozen):
    """What an artifact may cost. Latency, memory and energy are judged on devices of the target's kind.

    Attributes:
        size: bytes of the file or package as written.
        download: bytes that the artifact adds to a compressed store download.
        latency_p50: median time of one inference.
        latency_p90: 90th percentile of the time of one inference.
        load_time: mean time from the file to a model that is ready, compilation included, in a process of its own.
        load_cold: mean time of a load that no earlier one could speed up: with the file out of the page cache; on Apple
            systems the first load of a model that was compiled just now, without its compilation.
        load_warm: mean time of a load right after another, in a process of its own (on Apple systems in the same one).
        first_inference: mean time of the first inference after a load.
        peak_memory: most memory that the model adds: growth of the process's peak over what it had before it loaded
            the model (resident memory; on Apple systems the footprint).
        energy: energy of one inference.
        neural_engine: least share, in [0, 1], of the estimated cost that the Neural Engine must take.
    """

    size: Size | None = None
    download: Size | None = None
    latency_p50: Duration | None = None
    latency_p90: Duration | None = None
    load_time: Duration | None = None
    load_cold: Duration | None = None
    load_warm: Duration | None = None
    first_inference: Duration | None = None
    peak_memory: Size | None = None
    energy: Energy | None = None
    neural_engine: Fraction | None = None


class Selector(Frozen):
    """Which layers a rule is for: exactly one of an operator type and a name pattern.

    Attributes:
        op_type: operator type, as the format calls it.
        op_name: regular expression searched in the layer's name, which is the PyTorch module's dotted name.
    """

    op_type: str | None = None
    op_name: Pattern | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.op_type is None) == (self.op_name is None):
            raise ValueError("give exactly one of op_type and op_name")
        return self


MINIMUM_OS = re.compile(r"(iOS|iPadOS|tvOS|watchOS|macOS|visionOS|Android) ([0-9]{1,2})(?:\.[0-9]+)?")


class Quantization(Frozen):
    """What every format's compression settings answer."""

    @property
    def calibrated(self) -> bool:
        """Whether a representative dataset is needed."""
        return False


Asked = Literal["none", "decoding", "nms"]
"""What a file does with the outputs of a detector."""


Preprocessing = Literal["none", "normalization"]
"""What a file does with pixels before its model."""


class Target(Frozen):
    """What every format's target says; the rest is in the settings of its format.

    Attributes:
        name: of the table in ``targets.toml``.
        description: shown in lists and reports.
        format: name of the format, which decides the type of the target.
        minimum_os: least system that the artifact must run on, such as ``iOS 17``.
        recipe: what is done to the model before it is converted.
        device: serial, name or model of the one device that the target is for, or ``local`` for this machine; None for
            every device of its kind.
        compute_units: where the app asks that the model runs, in the format's words.
        route: the only way from the source that may be taken; empty for the first that is right.
        quantization: how the format stores and computes.
        preprocessing: what the file does with the pixels of its image before the model: nothing, so that the app
            normalizes as the metadata says; or ``normalization``, with which it takes bytes, RGB from 0 to 255, and
            does the rest itself, as image inputs of Core ML always do (`docs/preprocessing.md`).
        postprocessing: what the file does with the outputs of a detector, which the model's task describes: nothing;
            ``decoding`` to boxes of corners in pixels of the input and a score for each class; or ``nms``, which leaves
            the task's best detections as well (`docs/detection.md`).
    """

    name: str
    description: str = ""
    format: str
    minimum_os: str
    recipe: str | None = None
    device: str | None = None
    tolerances: Tolerances = Tolerances()
    budgets: Budgets = Budgets()
    compute_units: str = ""
    route: str = ""
    quantization: Quantization = Quantization()
    preprocessing: Preprocessing = "none"
    postprocessing: Asked = "none"

    @model_validator(mode="after")
    def _known_system(self) -> Self:
        if not MINIMUM_OS.fullmatch(self.minimum_os):
            raise ValueError(
                f"minimum_os {self.minimum_os!r} is not a system with a version, such as 'iOS 17' or 'Android 12'"
            )
        return self

    def takes_host(self, serial: str, system: str | None) -> bool:
        """Whether readings of the machine that this program runs on may be those of the target's device.

        A target stands for devices of its operating system: that machine is one only where it runs the same, or where
        the target's own `device` says so.

        Args:
            serial: of that machine as a device.
            system: such as ``macOS 15``; None where it is not known.
        """
        return self.device in ("local", serial) or (system or "").split()[:1] == self.minimum_os.split()[:1]
