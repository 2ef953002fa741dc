"""Results as people have them: a run of ten targets on three phones, and what other commands leave."""

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

from device_harness.facts import DeviceInfo
from exporter.data.facts.diff import Change, FigureChange, SizeDiff
from exporter.data.facts.inspection import Inspection, WeightFact
from exporter.data.facts.layers import LayerComparison, LayerFindings, Layers, NotMatched, Statistics
from exporter.data.facts.parity import OutputParity, Parity
from exporter.data.facts.points import Loss, Plan, Point
from exporter.data.facts.profile import DeviceProfile, measured, profile_of
from exporter.data.facts.sizes import ByteCount, Measurement
from exporter.data.facts.storage import Storage
from exporter.data.results.commands import ProfileResults, RunResult, VerifyResult
from exporter.data.results.search import SearchResult
from exporter.data.results.sizes import BudgetResult, CompareResult, SizeRow
from exporter.data.verdict import Status, Verdict
from exporter.report.renderer import Result
from profilers.curve import Look, curve_of
from profilers.plan import ProfilePlan
from profilers.readings import CoreGroup, Obtained, OpTime, Reading
from profilers.result import OutputCheck, ProfileResult
from tests.exporter import typical
from tests.exporter.report import trends

NOW = typical.NOW
FLOAT_BYTES = 14_160_000
TARGETS = (
    "float",
    "float16",
    "int8",
    "int8-gpu",
    "int16x8",
    "iphone",
    "iphone-8bit",
    "iphone-4bit",
    "onnx",
    "onnx-int8",
)
LAYERS = tuple(f"features_{block}_conv_{number}" for block in range(17) for number in range(3))
PIXEL = DeviceInfo(serial="R5CT", kind="adb", model="Pixel 8", os="Android 14", soc="Tensor G3", connection="usb")
OLD = DeviceInfo(serial="ZY22", kind="adb", model="moto g(9)", os="Android 11", soc="SM6115", connection="usb")
EMULATOR = DeviceInfo(serial="emulator-5554", kind="adb", model="sdk_gphone64", os="Android 15", environment="emulator")
PHONES = ((PIXEL, 1.0), (OLD, 3.4), (EMULATOR, 1.6))
LIMIT_S = 0.012


def latency(device: str, median_s: float, seed: int, **changes: Any) -> Reading:
    """Five processes of forty inferences, with a tail and a sample far off."""
    chance = random.Random(seed)
    samples = [median_s * (1 + abs(chance.gauss(0, 0.03)) + 0.02 * chance.random()) for _ in range(199)]
    facts = {"device": device, "samples": (*samples, 9 * median_s), "groups": (40,) * 5, "taken_at": NOW}
    return typical.reading(**{**facts, "conditions": {"accelerator": "cpu", "ran_on": "cpu"}, **changes})


def _others(device: str, number: int) -> list[Reading]:
    why = (
        "power rails by iio: no readable energy_value; RAPL: no readable counter; fuel gauge: no readable power_supply"
    )
    energy = {"metric": "energy.inference", "unit": "J", "obtained": Obtained.UNAVAILABLE, "reason": why}
    facts = {"device": device, "taken_at": NOW}
    return [
        typical.reading(metric="load_time", samples=(0.003 * (1 + number),), **facts),
        typical.reading(metric="memory.model", unit="B", samples=(4.9e6 + 1e5 * number,), **facts),
        typical.reading(**energy, **facts),
    ]


def verdict(subject: str, metric: str, value: float, unit: str, limit: float, **changes: Any) -> Verdict:
    """Passed where the value is at most the limit."""
    status = Status.PASSED if value <= limit else Status.FAILED
    facts = {"subject": subject, "metric": metric, "value": value, "unit": unit, "limit": limit, "status": status}
    return Verdict.model_validate({**facts, "reason": f"its {metric} is {value:.4g} {unit}.", **changes})


def profile(info: DeviceInfo, median_s: float, number: int, *, quick: bool = False) -> DeviceProfile:
    """A model on a phone, judged by `LIMIT_S` where it can be."""
    judged = verdict(f"target on {info.serial}", "latency.p50", median_s, "s", LIMIT_S)
    if quick or info.environment != "device":
        judged = judged.model_copy(update={"status": Status.NOT_CHECKED, "value": None, "reason": "Not a device's."})
    result = ProfileResult(
        artifact="model.tflite",
        sha256="0" * 64,
        device=info,
        plan=ProfilePlan.desk_check() if quick else ProfilePlan(),
        readings=(
            latency(info.serial, median_s, number, environment=info.environment),
            *_others(info.serial, number),
        ),
        outputs=OutputCheck(snr_db=52.0, identical=False, reason="compared with LiteRT here"),
        ops=tuple(
            OpTime(type="CONV_2D", name=name, mean_s=median_s / 60, first_s=1e-3, share=1 / 60, calls=1)
            for name in LAYERS[:12]
        ),
        sustained=curve_of(
            [median_s * (1 + max(0.0, at / 300 - 1) / 3) for at in range(600)],
            [Look(at * median_s * 10, 303.0 + at / 6, {"cpu0": 2e9 - 1e7 * at}) for at in range(60)],
            (CoreGroup(name="big", cpus=(0,)),),
            [at / 2 for at in range(600)],
        ),
        cores=(CoreGroup(name="little", cpus=(0, 1, 2, 3)), CoreGroup(name="big", cpus=(4, 5), max_hz=2.85e9)),
        warnings=("it is charging (USB)",),
        rejected=("process 2: the thermal status rose from 0 to 2",),
    )
    return DeviceProfile(device=info.serial, result=result, verdicts=(judged,), info=info)


def _weight(name: str, bits: int, parameters: int) -> WeightFact:
    size = parameters * bits // 8
    facts = {
        "kind": "weight",
        "op_type": "CONV_2D",
        "dtype": f"int{bits}",
        "shape": (parameters,),
        "nonzeros": parameters,
    }
    return WeightFact(
        name=f"{name}/weight",
        layer=name,
        parameters=parameters,
        size_bytes=size,
        distinct=255,
        quantization="linear per_channel",
        bits_per_weight=bits,
        **facts,
    )


def _inspection(bits: int, size: int) -> Inspection:
    weights = tuple(_weight(name, bits, 1000 * (place + 1)) for place, name in enumerate(LAYERS))
    return Inspection(path="m", format="tflite", size_bytes=size, inputs=(), outputs=(), ops=(), weights=weights)


def _target(place: int, name: str) -> dict[str, Any]:
    kind = "coreml" if name.startswith("iphone") else "onnx" if name.startswith("onnx") else "tflite"
    bits = 4 if "4bit" in name else 8 if "8" in name else 16 if "16" in name or name == "iphone" else 32
    size, top1 = FLOAT_BYTES * bits // 32 + 40_000 * place, 0.874 - 0.004 * (place % 4) - (0.05 if bits == 4 else 0)
    median_s = 0.004 * (1 + bits / 16)
    phones = () if kind != "tflite" else PHONES
    profiles = [profile(info, median_s * slower, place, quick=name == "int16x8") for info, slower in phones]
    if name == "int8-gpu":
        profiles[1] = DeviceProfile(device="ZY22", result=None, info=OLD, skipped="ZY22 is unauthorized: unlock it.")
    return {
        "name": name,
        "format": kind,
        "minimum_os": "iOS 17" if kind == "coreml" else "Android 12",
        "settings": {"description": f"{name} for phones", "budgets": {"size": 4_000_000 if bits <= 8 else 30_000_000}},
        "artifact": typical.artifact(path=f"{name}/model", format=kind, size_bytes=size, twin_size_bytes=FLOAT_BYTES),
        "parities": [_parity(top1, 60.0 - 40 / bits)],
        "inspection": _inspection(bits, size),
        "host": None if kind == "coreml" else _host(median_s, place),
        "profiles": [profile_of(one, NOW) for one in profiles],
        "verdicts": [
            verdict(name, "size", size, "B", 4_000_000 if bits <= 8 else 30_000_000),
            verdict(name, "accuracy.top1_drop", 87.4 - 100 * top1, "points", 2.0),
            verdict(name, "parity.snr", 20, "dB", 60, reason="signal-to-noise ratio on 500 examples of images.csv."),
            *(one for each in profiles for one in each.verdicts),
        ],
        "warnings": ["10 weights were left uncompressed, 23.68 kB or 0.6% of the file"] if place % 4 == 1 else [],
    }


def _host(median_s: float, place: int) -> Any:
    taken = NOW - timedelta(hours=3) if place == 2 else NOW
    readings = [latency("this machine", 1.7 * median_s, place, taken_at=taken), *_others("this machine", place)]
    if place == 3:
        waited = latency("this machine", 0.5 * median_s, place, metric="cpu_time", taken_at=taken)
        readings.append(waited)
    return measured(readings, NOW)


def _parity(top1: float, snr_db: float) -> Parity:
    return Parity(
        data="images/labels.csv",
        samples=500,
        evaluator="LiteRT 2.1.2",
        snr_db=snr_db,
        cosine=0.9995,
        max_abs_error=0.21,
        top1=top1,
        source_top1=0.874,
        classes=1000,
        outputs=(OutputParity(name="logits", shape=(1, 1000), values=500_000, snr_db=snr_db, max_abs_error=0.21),),
    )


def run() -> RunResult:
    """Ten targets of three formats, five of them on three phones."""
    inputs, facts = {"image": (1, 3, 224, 224)}, {"top1": 0.874, "samples": 500, "license": "BSD-3-Clause"}
    source = {"spec": "torchvision:mobilenet_v2", "digest": "0", "inputs": inputs, "parameters": 3_504_872, **facts}
    targets = [_target(place, name) for place, name in enumerate(TARGETS)]
    record = typical.run(
        source={**source, "size_bytes": FLOAT_BYTES},
        targets=targets,
        exit_code=1,
        duration_s=76.0,
        machine={"processor": "AMD EPYC", "cores": "2"},
        tools={"mobile-export": "0.2.0", "torch": "2.14.1"},
        command_line=("mobile-export", "run", "torchvision:mobilenet_v2", *(f"--target={name}" for name in TARGETS)),
    )
    return RunResult(record, Path("build"), growth=(_diff(),))


def _diff() -> SizeDiff:
    changes = tuple(
        Change(name=name, before=4000 * place, after=4000 * place + (-1) ** place * 50 * place)
        for place, name in enumerate(LAYERS)
    )
    by_size = tuple(sorted(changes, key=lambda one: -abs(one.bytes)))
    size = Change(name="size", before=sum(one.before for one in changes), after=sum(one.after for one in changes))
    return SizeDiff(
        before="old/run.json:int8",
        after="new/run.json:int8",
        size=size,
        download=None,
        groups={"layer": by_size},
        figures=(_figure("top-1", "%", 86.4, 84.8, -1.6), _figure("latency", "s", 0.008, 0.0092, 0.15)),
    )


def _figure(metric: str, unit: str, before: float, after: float, change: float) -> FigureChange:
    facts = {"metric": metric, "unit": unit, "where": "Pixel 8", "before": before, "after": after, "change": change}
    interval = {"low": change - abs(change) / 2, "high": change + abs(change) / 2, "confidence": 0.95}
    return FigureChange.model_validate(
        {**facts, **interval, "differs": True, "reason": "it differs", "relative": unit == "s"}
    )


def profiles() -> ProfileResults:
    """One file on three phones, and one that could not be asked."""
    found = [profile(info, 0.006 * slower, place) for place, (info, slower) in enumerate(PHONES)]
    locked = DeviceProfile(device="ZY99", result=None, skipped="ZY99 is unauthorized: unlock it.")
    return ProfileResults(Path("model.tflite"), (*found, locked), NOW, 1)


def budget() -> BudgetResult:
    """An app with a model in it, and one more file."""
    size = ByteCount.exact(48_000_000, "sum of files")
    one = Measurement(
        subject="app.apk", kind="apk", size_bytes=48_000_000, install=size, download=size, notes=("no symbols",)
    )
    rows = (
        SizeRow("app.apk", 48_000_000, 90_000_000, 46_000_000, 90_000_000, estimated=True),
        SizeRow("assets/model.tflite", 3_400_000, 4_000_000, inside=True),
        SizeRow("model.tflite", 3_400_000, 4_000_000),
    )
    verdicts = (
        verdict("app.apk", "download.max", 48e6, "B", 40e6),
        verdict("app.apk", "install.max", 90e6, "B", 200e6),
        verdict("model.tflite", "download.max", 3.4e6, "B", 5e6),
        verdict("model.tflite", "download.growth", 0.0, "B", 1e5).model_copy(
            update={"status": Status.NOT_CHECKED, "value": None}
        ),
    )
    return BudgetResult((one,), None, rows, verdicts, 1)


def verification() -> VerifyResult:
    """An int8 file that leaves its source in its second third."""
    values = Statistics(shape=(1, 32, 56, 56), minimum=-3.0, maximum=6.0, mean=0.2, std=1.1, not_finite=0)
    snr = [60.0 - 0.4 * place - (25 if place > 36 else 0) - 8 * (place % 3) for place in range(len(LAYERS))]
    compared = tuple(_layer(name, db, values) for name, db in zip(LAYERS, snr, strict=True))
    layers = Layers(compared, (NotMatched("classifier.dropout", "Dropout", 1, "it computes nothing"),))
    judged = (verdict("model.tflite", "parity.snr", 12, "dB", 10), verdict("model.tflite", "size", 1, "B", 2))
    findings = LayerFindings(layers, 10.0, '{ op_name = "^features_13", weights = "none" }')
    return VerifyResult(Path("model.tflite"), (_parity(0.86, 12.0),), judged, 1, findings)


def _layer(name: str, snr_db: float, values: Statistics) -> LayerComparison:
    return LayerComparison(
        module=name.replace("_", "."),
        kind="Conv2d, BatchNorm2d, ReLU6",
        call=1,
        output=name,
        operation="CONV_2D",
        location=f"operator {name}",
        matched_by="values",
        axes="channels last",
        rule_name=name,
        snr_db=snr_db,
        max_abs_error=0.3,
        cosine=0.999,
        source=values,
        artifact=values,
    )


def search() -> SearchResult:
    """Twelve points of one target."""
    points = tuple(_point(place) for place in range(12))
    return SearchResult("torchvision:mobilenet_v2", Path("study"), ("phone",), points)


def _point(place: int) -> Point:
    size, lost = 1_500_000 + 200_000 * place, 3.0 / (1 + place)
    storages = {name: Storage(form="table", bits=4 + (place + at) % 5) for at, name in enumerate(LAYERS)}
    plan = {"target": "phone", "variant": "weights", "role": "front", "why": f"point {place}", "settings": ""}
    loss = {
        "title": "top-1",
        "unit": "points",
        "source": 87.4,
        "artifact": 87.4 - lost,
        "examples": 500,
        "against": "labels",
    }
    return Point(
        plan=Plan.model_validate({**plan, "key": str(place), "storages": storages}),
        size_bytes=size,
        twin_bytes=FLOAT_BYTES,
        loss=Loss.model_validate({**loss, "value": lost, "low": lost - 0.4, "high": lost + 0.4}),
        verdicts=(
            verdict("phone", "size", size, "B", 3e6),
            verdict("phone", "accuracy.top1_drop", lost, "points", 1.0),
        ),
    )


def pages() -> dict[str, Result]:
    """A result of every kind that has a page."""
    return {
        "run": run(),
        "budget": budget(),
        "compare": CompareResult((_diff(), _diff())),
        "profile": profiles(),
        "verify": verification(),
        "search": search(),
        "history": trends.history(),
        "gate": trends.gate(),
    }
