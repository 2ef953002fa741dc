"""The document that all runners share."""

import contextlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_harness.errors import UnreadableOutputError
from device_harness.runners import bench_document
from device_harness.runners.bench_document import BenchDocument, parse_bench_document, schema_text

SMALL: dict[str, Any] = {
    "schema_version": 1,
    "runner": {"name": "litert_bench", "version": "1", "runtime": "LiteRT 2.1.0"},
    "model": "m.tflite",
    "pid": 42,
    "settings": {"warmup_runs": 1, "runs": 2},
    "clock": {
        "name": "CLOCK_MONOTONIC",
        "load_start_s": 1.0,
        "warmup_start_s": 1.1,
        "measure_start_s": 1.2,
        "measure_end_s": 1.3,
    },
    "load_s": 0.1,
    "warmup_latencies_s": [0.02],
    "latencies_s": [0.01, 0.011],
    "cpu_time": {"process_s": 0.02},
    "memory": {"peak_bytes": 1000, "method": "x"},
    "acceleration": {"used": "cpu"},
}


def test_schema_file_is_fresh() -> None:
    """The Swift runner is written to this file: it must be that of the types."""
    assert Path(bench_document.__file__).with_name("bench_document.schema.json").read_text() == schema_text()


def test_schema_takes_what_the_types_take() -> None:
    """Protects runners in other languages, which test themselves against the schema."""
    jsonschema.validate(SMALL, json.loads(schema_text()))
    assert BenchDocument.model_validate(SMALL).latencies_s == (0.01, 0.011)


def test_finds_the_document_among_log_lines() -> None:
    """LiteRT writes to both streams."""
    data = b"INFO: something\n" + json.dumps(SMALL).encode() + b"\nbye\n"
    assert parse_bench_document(data, "x").pid == 42


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 documents"),
        (json.dumps(SMALL).encode()[:-20], "cut off"),
        (json.dumps({**SMALL, "schema_version": 2}).encode(), "schema version 2"),
        (json.dumps({**SMALL, "latencies_s": []}).encode(), "latencies_s"),
        (json.dumps({**SMALL, "latencies_s": [-1.0]}).encode(), "latencies_s"),
        (json.dumps({**SMALL, "extra": 1}).encode(), "extra"),
        ((json.dumps(SMALL) + "\n").encode() * 2, "2 documents"),
    ],
)
def test_refuses_with_the_reason(data: bytes, words: str) -> None:
    """Nothing is guessed from a damaged document."""
    with pytest.raises(UnreadableOutputError, match=words):
        parse_bench_document(data, "the runner")


@given(st.binary(max_size=200), st.integers(0, 600), st.integers(0, 600))
def test_no_bytes_crash_it(noise: bytes, start: int, end: int) -> None:
    """Any cut or dirt is refused, or leaves the values as they were."""
    whole = json.dumps(SMALL).encode()
    data = whole[:start] + noise + whole[end:]
    with contextlib.suppress(UnreadableOutputError):
        assert len(parse_bench_document(data, "x").latencies_s) >= 1
