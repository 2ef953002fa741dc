"""A wrong artifact is never passed, and a right one is: outputs of every form, one fault at a time."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from exporter.data.verdict import Status
from exporter.formats.registry import advice_for
from exporter.gates.parity import parity_verdicts, parity_warnings

from .runs import Table, coreml_target, description, indices, judged, measured, passes, tflite_target

EXAMPLES = 4
Array = NDArray[Any]


@st.composite
def tables(draw: st.DrawFn) -> list[list[Array]]:
    """Outputs of four examples: any rank, several types, quantities of unlike scale along one axis, constants."""
    columns: list[NDArray[Any]] = []
    for _ in range(draw(st.integers(1, 3))):
        shape: tuple[int, ...] = draw(hnp.array_shapes(min_dims=0, max_dims=5, max_side=4))
        generator = np.random.default_rng(draw(st.integers(0, 2**32)))
        values = generator.standard_normal((EXAMPLES, *shape)) + draw(st.sampled_from([0.0, 3.0]))
        if len(shape) > 0 and draw(st.booleans()):
            axis = draw(st.integers(0, len(shape) - 1))
            powers = generator.integers(-4, 5, shape[axis])
            values *= (10.0**powers).reshape([-1 if place == axis else 1 for place in range(len(shape))])
        if draw(st.booleans()):
            values[:] = values[:1]
        dtype = draw(st.sampled_from([np.float32, np.float64, np.int64, np.bool_]))
        columns.append((values * 10 if dtype == np.int64 else values).astype(dtype))
    return [list(row) for row in zip(*columns, strict=True)]


@given(tables(), st.sampled_from([10.0, 30.0, 60.0]))
@settings(deadline=None)
def test_the_source_itself_passes(rows: list[list[Array]], limit: float) -> None:
    assert passes(judged(rows, [[value.copy() for value in row] for row in rows], limit))


@given(tables(), st.data())
@settings(deadline=None, max_examples=300)
def test_one_wrong_value_is_never_passed(rows: list[list[Array]], data: st.DataObject) -> None:
    """The tolerance of a channel: six times its noise at the limit or its peak at the limit, of at least a tenth."""
    limit = data.draw(st.sampled_from([10.0, 20.0, 30.0, 60.0]))
    output = data.draw(st.integers(0, len(rows[0]) - 1))
    column = np.stack([row[output] for row in rows]).astype(np.float64)
    integers = rows[0][output].dtype.kind in "ib"
    place = tuple(data.draw(st.integers(0, size - 1)) for size in column.shape)
    error = 1.01 * 10 ** (-limit / 20) * _channel_scale(column, place) + 1e-30
    wrong = column.copy()
    wrong[place] += error if data.draw(st.booleans()) else -error
    found = [[value.copy() for value in row] for row in rows]
    for row, changed in zip(found, wrong, strict=True):
        row[output] = changed if integers else changed.astype(np.float64)
    if integers:
        limit = 60.0  # of indices a share may differ, which four examples do not reach at this limit
    if np.array_equal(wrong, column):
        return  # the error is below the resolution of the numbers
    assert not passes(judged(rows, found, limit))


def _channel_scale(column: Array, place: tuple[int, ...]) -> float:
    """The scale of the tightest slice that a value lies in, worked out from the definition."""
    peak = float(np.abs(column).max())
    scales = []
    for axis in [axis for axis in range(1, column.ndim) if column.shape[axis] > 1]:
        part = np.take(column, place[axis], axis)
        rms = math.sqrt(float((part**2).mean()))
        scales.append(max(6 * max(rms, peak / 10), float(np.abs(part).max())))
    return min(scales, default=6 * peak)


@given(tables(), st.data(), st.sampled_from([math.nan, math.inf, -math.inf]))
@settings(deadline=None)
def test_one_value_that_is_not_finite_is_never_passed(rows: list[list[Array]], data: st.DataObject, bad: float) -> None:
    output = data.draw(st.integers(0, len(rows[0]) - 1))
    found = [[np.array(value, np.float64) for value in row] for row in rows]
    example = data.draw(st.integers(0, EXAMPLES - 1))
    shape = found[example][output].shape
    found[example][output][tuple(data.draw(st.integers(0, size - 1)) for size in shape)] = bad
    verdicts = judged(rows, found, 0.0)
    assert Status.FAILED in {verdict.status for verdict in verdicts}
    (finite,) = [verdict for verdict in verdicts if verdict.metric == "parity.finite"]
    total = EXAMPLES * math.prod(shape)
    assert f"output out_{output}: 1 of {total} values, first in example {example + 1}" in finite.reason


def test_powers_beyond_float64_are_not_lost_among_good_parts() -> None:
    """The square of 1e200 is infinite: its ratio is not a number, which Python's min would pass over."""
    rows = [[np.asarray([[1e200, 1.0, 2.0]])] for _ in range(4)]
    found = [[np.asarray([[-1e200, 1.0, 2.0]])] for _ in range(4)]
    verdicts = {verdict.metric: verdict.status for verdict in judged(rows, found, 10)}
    assert verdicts["parity.channels"] is Status.FAILED
    assert verdicts["parity.snr"] is Status.FAILED


def test_float16_overflow_says_what_to_do() -> None:
    wanted = [[np.asarray([[7e4, 1.0]])], [[[6e4, 1.0]]]]
    found = [[np.asarray([[np.inf, 1.0]])], [[[6e4, 1.0]]]]
    verdicts = parity_verdicts(coreml_target(snr_db=30), measured(wanted, found), advice=advice_for(coreml_target()))  # type: ignore[arg-type]
    assert {verdict.metric: verdict.value for verdict in verdicts} == {"parity.finite": 1.0, "parity.snr": -math.inf}
    assert 'precision = "float32"' in verdicts[0].reason


def test_a_limit_on_accuracy_alone_does_not_hide_nan() -> None:
    verdicts = parity_verdicts(tflite_target(), measured([[np.ones(4)]], [[np.full(4, np.nan)]]))
    assert [(verdict.metric, verdict.status) for verdict in verdicts] == [("parity.finite", Status.FAILED)]


def test_a_source_with_nan_is_not_checked_and_said() -> None:
    rows = [[np.asarray([1.0, np.nan, 2.0])]]
    verdicts = parity_verdicts(tflite_target(snr_db=10, cosine=0.5), measured(rows, rows))
    assert {verdict.status for verdict in verdicts} == {Status.NOT_CHECKED}
    assert "the source itself gives NaN or infinity (output out_0: 1 of 3 values" in verdicts[0].reason


def test_nan_of_the_artifact_fails_beside_nan_of_the_source() -> None:
    wanted, found = [[np.asarray([1.0, np.nan, 2.0])]], [[np.asarray([np.nan, np.nan, 2.0])]]
    verdicts = parity_verdicts(tflite_target(snr_db=10), measured(wanted, found))
    assert verdicts[0].status is Status.FAILED


@pytest.mark.parametrize("axis", [1, 2])
def test_scores_beside_boxes_that_all_become_zero(axis: int) -> None:
    """One 8-bit scale over pixels and probabilities: the boxes hide the loss in one ratio over all."""
    generator = np.random.default_rng(0)
    boxes, scores = generator.uniform(0, 640, (6, 1, 4, 50)), generator.uniform(0.01, 0.04, (6, 1, 5, 50))
    head = np.concatenate([boxes, scores], 2)
    step = 640 / 255
    rows = [[np.moveaxis(value, 1, axis)] for value in head]
    found = [[np.round(row[0] / step) * step] for row in rows]
    verdicts = {verdict.metric: verdict for verdict in judged(rows, found, 10)}
    assert verdicts["parity.snr"].status is Status.PASSED
    assert verdicts["parity.channels"].status is Status.FAILED
    assert f"index 4 to 8 of axis {axis} (9 long)" in verdicts["parity.channels"].reason
    assert "quantization step of 2.51" in verdicts["parity.channels"].reason
    assert "CONCATENATION" in verdicts["parity.channels"].reason


def test_scores_that_keep_a_level_or_two_fail_by_their_own_scale() -> None:
    generator = np.random.default_rng(0)
    head = np.concatenate([generator.uniform(0, 120, (8, 4, 50)), generator.uniform(0.2, 0.9, (8, 1, 50))], 1)
    rows = [[value] for value in head]
    found = [[np.round(value / 0.5) * 0.5] for value in head]
    verdicts = {verdict.metric: verdict for verdict in judged(rows, found, 15)}
    assert verdicts["parity.snr"].status is Status.PASSED
    assert verdicts["parity.channels"].status is Status.FAILED


@pytest.mark.parametrize("levels", [255, 65535])
def test_small_probabilities_beside_large_ones_are_one_quantity(levels: int) -> None:
    """A softmax has classes that 8 bits cannot show; they are worth nothing, and a right artifact passes."""
    logits = np.random.default_rng(0).normal(0, 4, (8, 1, 100))
    scores = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    assert passes(judged([[row] for row in scores], [[np.round(row * levels) / levels] for row in scores], 10))


def test_features_after_relu_in_eight_bits_pass() -> None:
    """Channels that are seldom active differ in scale without being other quantities."""
    generator = np.random.default_rng(0)
    features = np.maximum(generator.normal(0, 1, (8, 1, 256)) * generator.lognormal(0, 1, 256) - 0.5, 0)
    step = features.max() / 255
    assert passes(judged([[row] for row in features], [[np.round(row / step) * step] for row in features], 20))


def test_swapped_and_zeroed_channels_among_many() -> None:
    """One of a thousand weighs 30 dB in a ratio over all."""
    rows = np.random.default_rng(0).normal(0, 1, (8, 1, 1000))
    swapped, zeroed = rows.copy(), rows.copy()
    swapped[..., [3, 4]], zeroed[..., 7] = swapped[..., [4, 3]], 0
    for found in (swapped, zeroed):
        verdicts = {item.metric: item.status for item in judged([[row] for row in rows], [[row] for row in found], 10)}
        assert verdicts == {"parity.snr": Status.PASSED, "parity.channels": Status.FAILED}


def _alike(follows: bool) -> tuple[list[list[Array]], list[list[Array]]]:
    """Outputs that are much the same for all examples, and an artifact that follows their changes or has others."""
    generator = np.random.default_rng(0)
    base, moves = generator.normal(0, 3, (1, 10)), generator.normal(0, 0.05, (2, 12, 1, 10))
    noise = generator.normal(0, 0.02, (12, 1, 10))
    return [[base + move] for move in moves[0]], [[base + move] for move in moves[0 if follows else 1] + noise]


def test_a_network_that_ignores_its_input_does_not_pass() -> None:
    """The ratio over whole outputs is 36 dB, and nothing in the artifact has to do with the examples."""
    verdicts = {item.metric: item for item in judged(*_alike(follows=False), 20)}
    assert verdicts["parity.snr"].status is Status.PASSED
    assert verdicts["parity.variation"].status is Status.FAILED
    assert passes(judged(*_alike(follows=True), 20))


def test_on_made_up_examples_that_is_a_warning() -> None:
    parity = measured(*_alike(follows=False)).model_copy(update={"drawn": True})
    verdicts = parity_verdicts(tflite_target(snr_db=20), parity, advice=advice_for(tflite_target()))
    assert passes(verdicts)
    (warning,) = parity_warnings([parity], verdicts)
    assert "a network that ignores its input would pass: give --evaluation" in warning


def test_outputs_without_a_batch_axis_are_compared_whole() -> None:
    """Boxes [N, 4], states [layers, batch, hidden], sequences [L, 1, E] and scalars: each row counts."""
    generator = np.random.default_rng(0)
    for shape in ((16, 4), (3, 1, 8), (7, 1, 5), (12,)):
        rows = [[generator.normal(size=shape)] for _ in range(4)]
        found = [[row[0].copy()] for row in rows]
        found[2][0][-1] *= -1
        assert passes(judged(rows, rows))
        assert not passes(judged(rows, found))


def test_core_mls_vector_is_torchs_scalar() -> None:
    assert passes(judged([[np.asarray(2.5)]], [[np.asarray([2.5])]]))


def test_one_order_of_axes_serves_all_examples() -> None:
    """With as many channels as pixels in a row, both orders fit; an artifact may not change it from one to the next."""
    rows = [[value] for value in np.random.default_rng(0).normal(size=(2, 1, 4, 4, 4))]
    last = [[np.moveaxis(row[0], 1, -1)] for row in rows]
    assert passes(judged(rows, last))
    assert not passes(judged(rows, [rows[0], last[1]]))


def test_a_share_of_indices_may_differ() -> None:
    """The class of each pixel: a few flips in 8 bits are noise, and no arithmetic on class numbers."""
    generator = np.random.default_rng(0)
    rows = [[generator.integers(0, 20, (1, 32, 32))] for _ in range(4)]
    found = [[row[0].copy()] for row in rows]
    for row in found:
        row[0][0, 0, :10] = (row[0][0, 0, :10] + 7) % 20
    by_metric = {item.metric: item.status for item in judged(rows, found, 12)}
    assert by_metric["parity.channels"] is Status.PASSED
    assert not passes(judged(rows, found, 30))


def test_equal_examples_count_once() -> None:
    from exporter.verification.compare import compare, reference_outputs

    data = indices(6)
    same = data.__class__("data", "0", 6, lambda index: (np.zeros(1, np.float32),))
    table = Table([[np.ones(3)]])
    reference = reference_outputs(table, description(1), same, None, lambda done, total: None)
    assert compare(table, reference, lambda done, total: None).samples == 1
    labelled = data.__class__("data", "0", 6, lambda index: (np.zeros(1, np.float32),), (0,) * 6)
    reference = reference_outputs(table, description(1), labelled, None, lambda done, total: None)
    assert compare(table, reference, lambda done, total: None).samples == 6
