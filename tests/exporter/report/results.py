"""A result of every kind, with one text wherever a user's text can stand."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from device_harness.facts import DeviceInfo
from device_harness.lease import Lease
from exporter.config.targets import load_targets
from exporter.data.facts.checks import Judgement, OperatorCheck, OperatorFinding, Support, TargetCheck
from exporter.data.facts.compression import LayerStats, LeftAlone, ModelStats, StepResult
from exporter.data.facts.diff import Change, FigureChange, SizeDiff
from exporter.data.facts.handoff import Dependency, GoldenCase, Handoff, HandoffTensor
from exporter.data.facts.hints import CompressionHints
from exporter.data.facts.inspection import Inspection, OpFact, TensorFact, WeightFact
from exporter.data.facts.layers import LayerComparison, LayerFindings, Layers, NotMatched, Statistics
from exporter.data.facts.parity import Parity
from exporter.data.facts.points import Loss, Plan, Point
from exporter.data.facts.profile import DeviceProfile, measured, profile_of
from exporter.data.facts.sizes import ByteCount, Measurement
from exporter.data.facts.storage import Storage
from exporter.data.facts.sweep import Sweep, SweepRow
from exporter.data.lab import LabDevice
from exporter.data.results.commands import (
    CheckResult,
    CompressResult,
    InspectResult,
    ProfileResults,
    RunResult,
    VerifyResult,
)
from exporter.data.results.doctor import Checkup, DoctorResult
from exporter.data.results.handoff import HandoffResult
from exporter.data.results.lab import DriftResult, LabStatusResult
from exporter.data.results.listings import (
    DevicesResult,
    LeasesResult,
    TargetResult,
    TargetsCheckResult,
    TargetsResult,
    TargetSummary,
)
from exporter.data.results.search import SearchResult
from exporter.data.results.sizes import BudgetResult, CompareResult, SizeRow
from exporter.data.settings.recipe import Recipe
from exporter.data.verdict import Status, Verdict
from exporter.report.renderer import Result
from profilers.curve import Knee, SustainedCurve, Window
from profilers.plan import ProfilePlan
from profilers.readings import CoreGroup, Reading
from profilers.result import ProfileResult
from tests.exporter import typical
from tests.exporter.report import trends
from tests.exporter.report.samples import verdict

TAKEN = datetime(2026, 11, 26, 21, 0, tzinfo=UTC)
SERIAL = "R5CT123"
TAKEN_WORDS = "2026-11-26"
LATENCY_S, LATENCY_WORDS = 0.25, "250 ms"


def result_of(kind: str, text: str, verdicts: list[Verdict] | None = None) -> Result:
    """A result of `kind` with `text` as every name and sentence in it.

    Args:
        kind: of `exporter.data.results.commands`.
        text: any characters.
        verdicts: None takes a failed one and one of each other status.
    """
    return _MAKERS[kind](text, verdicts if verdicts is not None else _verdicts(text))


def _verdicts(text: str) -> list[Verdict]:
    facts = {"subject": text, "reason": text}
    return [
        verdict(**facts),
        verdict(**facts, status=Status.NOT_CHECKED, value=None, metric="download.growth"),
        verdict(**facts, status=Status.PASSED, metric="size"),
        verdict(**facts, severity="warning", waiver=text, metric="install.max"),
    ]


def _reading(device: str) -> Reading:
    return typical.reading(samples=(LATENCY_S,) * 40, groups=(20, 20), device=device, taken_at=TAKEN)


WINDOWS = tuple(
    Window(start_s=second, inferences=3, p50_s=0.25 + second / 100, temperature_k=300, frequency_hz={"big": 2e9})
    for second in range(9)
)


def _knee(text: str) -> Knee:
    return Knee(at_s=4, before_s=0.25, after_s=0.3, throttled=True, words=text)


def _sweep(text: str) -> Sweep:
    rows = tuple(SweepRow(setting=text, p50_s=1, p50_low_s=1, p50_high_s=2, ran_on=text, caveat=text) for _ in "ab")
    return Sweep(device=text, rows=rows, best=text, answer=text)


def _profile(text: str, verdicts: list[Verdict]) -> DeviceProfile:
    info = DeviceInfo(serial=SERIAL, kind="adb", model=text, os=text)
    result = ProfileResult(
        artifact=text,
        sha256="0" * 64,
        device=info,
        plan=ProfilePlan(),
        readings=(_reading(SERIAL),),
        warnings=(text,),
        rejected=(text,),
        sustained=SustainedCurve(length_s=9, window_s=1, windows=WINDOWS, knee=_knee(text), method=text),
        cores=(CoreGroup(name=text, cpus=(0, 1)), CoreGroup(name=text, cpus=(2,), max_hz=2e9)),
    )
    return DeviceProfile(device=SERIAL, result=result, verdicts=tuple(verdicts), info=info)


def _run(text: str, verdicts: list[Verdict]) -> RunResult:
    untouched = LeftAlone(name=text, reason=text)
    artifact = typical.artifact(path=text, format=text, target=text, size_bytes=10, left_alone=(untouched,))
    target = {
        "name": text,
        "format": text,
        "minimum_os": text,
        "settings": {"description": text},
        "artifact": artifact,
        "host": measured([_reading("this machine")], TAKEN),
        "verdicts": verdicts,
        "profiles": [profile_of(_profile(text, []), TAKEN)],
        "parities": [_parity(text)],
        "warnings": [text],
        "inspection": _inspection(text),
        "error": text,
    }
    source = {"spec": text, "digest": "0", "inputs": {text: (1, 3)}, "parameters": 1, "size_bytes": 4}
    words = {"command_line": [text], "warnings": [text], "error": text}
    facts = {"machine": {"processor": text, "cores": "2"}, "tools": {"mobile-export": "1", text: text}}
    record = typical.run(created_at=TAKEN, source=source, targets=[target], exit_code=1, **words, **facts)
    return RunResult(record, Path("out"), growth=(_diff(text),))


def _parity(text: str) -> Parity:
    return Parity(data=text, samples=2, evaluator=text, snr_db=float("-inf"), cosine=float("nan"), max_abs_error=0.1)


def _inspection(text: str) -> Inspection:
    tensor = TensorFact(name=text, dtype="float32", shape=(1, 3))
    weight = WeightFact(
        name=text,
        layer=text,
        kind="weight",
        op_type=text,
        dtype="int8",
        shape=(2, 2),
        parameters=4,
        size_bytes=4,
        nonzeros=4,
        distinct=3,
        quantization="none",
        bits_per_weight=8,
    )
    return Inspection(
        path=text,
        format=text,
        size_bytes=10,
        inputs=(tensor,),
        outputs=(tensor,),
        metadata={text: text},
        ops=(OpFact(name=text, type=text, dtype="int8"),),
        weights=(weight,),
    )


def _budget(text: str, verdicts: list[Verdict]) -> BudgetResult:
    size = ByteCount.exact(1000, text)
    one = Measurement(subject=text, kind=text, size_bytes=1000, install=size, download=size, notes=(text,))
    rows = (SizeRow(text, 1000, None, 900), SizeRow(text, 500, 400, inside=True, estimated=True))
    return BudgetResult((one,), None, rows, tuple(verdicts), 1)


def _diff(text: str) -> SizeDiff:
    changes = (Change(name=text, before=1, after=2), Change(name=text, before=3, after=3))
    return SizeDiff(
        before=text,
        after=text,
        size=Change(name="size", before=4, after=5),
        download=None,
        groups={"layer": changes, "file": changes},
        notes=(text,),
        figures=(_figure(text, True), _figure(text, None)),
    )


def _figure(text: str, differs: bool | None) -> FigureChange:
    ends = {"low": 0.5, "high": 1.5} if differs else {"low": -math.inf, "high": math.inf}
    facts = {"metric": text, "where": text, "unit": text, "reason": text, "differs": differs, **ends}
    return FigureChange.model_validate({**facts, "before": 1, "after": 2, "change": 1, "confidence": 0.95})


def _check(text: str, verdicts: list[Verdict]) -> CheckResult:
    said = Judgement(support=Support.REFUSED, why=text, remedy=text, source=text, seen=TAKEN.date())
    one = OperatorFinding(operator=text, becomes=(text,), places=(text,) * 3, conversion=said, accelerator=said)
    found = OperatorCheck(asks=text, accelerator=text, route=text, findings=(one,))
    checks = (
        TargetCheck(target=text, format=text, found=found, notes=(text,)),
        TargetCheck(target=text, format=text, why_not=text, failed=True),
    )
    return CheckResult(text, checks, tuple(verdicts), 1)


def _verify(text: str, verdicts: list[Verdict]) -> VerifyResult:
    values = Statistics(shape=(1, 2), minimum=0.0, maximum=float("inf"), mean=float("nan"), std=1.0, not_finite=1)
    layers = Layers(
        tuple(_layer(text, snr_db, values) for snr_db in (float("inf"), 30.0, 3.0, float("-inf"))),
        (NotMatched(text, text, 1, text),),
    )
    return VerifyResult(Path("artifact"), (_parity(text),), tuple(verdicts), 1, LayerFindings(layers, 20.0, text))


def _layer(text: str, snr_db: float, values: Statistics) -> LayerComparison:
    return LayerComparison(
        module=text,
        kind=text,
        call=2,
        output=text,
        operation=text,
        location=text,
        matched_by=text,
        axes=text,
        rule_name=text,
        snr_db=snr_db,
        max_abs_error=float("inf"),
        cosine=float("nan"),
        source=values,
        artifact=values,
    )


def _compress(text: str, verdicts: list[Verdict]) -> CompressResult:
    layer = LayerStats(name=text, parameters=4, nonzeros=3, distinct=2, bits_per_weight=8)
    stats = ModelStats(parameters=4, macs=8, layers=(layer,))
    step = StepResult(
        method=text,
        options={text: text},
        before=stats,
        after=stats,
        warnings=(text,),
        left_alone=(LeftAlone(name=text, reason=text),) * 9,
    )
    return CompressResult(Recipe.model_construct(name=text, steps=()), (step,), CompressionHints())


def _search(text: str, verdicts: list[Verdict]) -> SearchResult:
    plan = {"target": text, "variant": text, "role": "front", "why": text, "settings": text}
    loss = {"title": text, "unit": "points", "value": 1, "low": 0, "high": 2, "examples": 9, "against": "labels"}
    points = tuple(
        Point(
            plan=Plan.model_validate({**plan, "key": str(size), "storages": {text: Storage(form="grid", bits=8)}}),
            size_bytes=size,
            latency_s=LATENCY_S,
            latency_where=SERIAL,
            latency_taken_at=TAKEN,
            loss=Loss.model_validate(loss),
            verdicts=tuple(judged),
        )
        for size, judged in ((1, ()), (2, verdicts))
    )
    return SearchResult(text, Path(text), (text,), points, notes=(text,), unfinished=True)


def _handoff(text: str, verdicts: list[Verdict]) -> HandoffResult:
    words = ("name", "target", "format", "minimum_os", "artifact", "sha256", "license", "runtime", "data")
    tensor = HandoffTensor(name=text, dtype="float32", shape=(1, 3))
    made = Handoff(
        **dict.fromkeys(words, text),
        size_bytes=1,
        inputs=(tensor,),
        outputs=(tensor,),
        reads="outputs",
        drawn=True,
        cases=(GoldenCase(name=text, about=text, inputs=(text,), outputs=(text,)),),
        dependencies=(Dependency(language="kotlin", title=text, place=text, version=text, license=text),),
        not_generated=(text,),
    )
    return HandoffResult(text, ((Path("out"), made),))


def _lease(text: str) -> Lease:
    return Lease(serial=SERIAL, token="0f", owner=text, pid=7, command=text, since=TAKEN, until=TAKEN)


def _lab_device(text: str) -> LabDevice:
    info = DeviceInfo(serial=text, kind="adb", model=text, os=text)
    return LabDevice(
        name=text, host=text, info=info, labels=(text,), job=text, state="in use", lease=_lease(text), since=TAKEN
    )


_MAKERS: dict[str, Callable[[str, list[Verdict]], Result]] = {
    "run": _run,
    "budget": _budget,
    "compare": lambda text, verdicts: CompareResult((_diff(text), _diff(text)), tuple(verdicts), 1),
    "profile": lambda text, verdicts: ProfileResults(
        Path("model"), (_profile(text, verdicts),), TAKEN, 1, sweeps=(_sweep(text),)
    ),
    "verify": _verify,
    "check": _check,
    "compress": _compress,
    "inspect": lambda text, verdicts: InspectResult(_inspection(text)),
    "targets": lambda text, verdicts: TargetsResult((TargetSummary(text, text, text, text),)),
    "target": lambda text, verdicts: TargetResult(load_targets()[0].model_copy(update={"description": text})),
    "targets-check": lambda text, verdicts: TargetsCheckResult({text: (text,)}),
    "search": _search,
    "doctor": lambda text, verdicts: DoctorResult((Checkup("disk", text, "broken", text, text, text),)),
    "handoff": _handoff,
    "history": lambda text, verdicts: trends.history_of(text),
    "gate": trends.gate_of,
    "kept": lambda text, verdicts: trends.kept_of(text),
    "leases": lambda text, verdicts: LeasesResult((_lease(text),), (text,), TAKEN),
    "lab-drift": lambda text, verdicts: DriftResult(text, tuple(verdicts), 1, TAKEN),
    "lab-status": lambda text, verdicts: LabStatusResult(text, (text,), (_lab_device(text),), (text,), TAKEN),
    "devices": lambda text, verdicts: DevicesResult((DeviceInfo(serial=SERIAL, kind="adb", model=text),), (text,)),
}
