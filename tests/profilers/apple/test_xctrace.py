"""Reading of `xctrace export`: ids, references, columns by schema, refusal of what is not whole."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_harness.errors import UnreadableOutputError
from profilers.parse.apple.xctrace import ValueStore, read_rows
from profilers.parse.apple.xctrace_toc import parse_toc, recording_saved, recording_started

HEAD = (
    '<?xml version="1.0"?>\n<trace-query-result>\n<node xpath=\'//table[1]\'><schema name="ane-hw-intervals">'
    "<col><mnemonic>start</mnemonic><name>Start</name><engineering-type>start-time</engineering-type></col>"
    "<col><mnemonic>duration</mnemonic><name>Duration</name><engineering-type>duration</engineering-type></col>"
    "<col><mnemonic>process</mnemonic><name>Process</name><engineering-type>process</engineering-type></col>"
    "<col><mnemonic>label</mnemonic><name>Label</name><engineering-type>string</engineering-type></col></schema>"
)
ROWS = (
    '<row><start-time id="1" fmt="00:01">1000</start-time><duration id="2" fmt="5 ns">5</duration>'
    '<thread id="3" fmt="t"><process id="4" fmt="App (7)"><pid id="5" fmt="7">7</pid></process></thread>'
    '<string id="6" fmt="main">main</string></row>'
    '<row><start-time id="7" fmt="00:02">2000</start-time><duration ref="2"/><process ref="4"/><sentinel/></row>'
)
TAIL = "</node>\n</trace-query-result>\n"
COLUMNS = ("start", "duration", "process", "label")


def rows(text: str, *columns: str, schema: str = "ane-hw-intervals") -> list[tuple[object, ...]]:
    return list(read_rows(io.BytesIO(text.encode()), schema, columns))


def test_references_resolve_across_rows_and_nesting() -> None:
    """A process first seen inside a thread is the same one later; an empty cell stays empty."""
    assert rows(HEAD + ROWS + TAIL, *COLUMNS) == [(1000, 5, "t", "main"), (2000, 5, "App (7)", None)]


def test_columns_are_found_by_name_not_by_place() -> None:
    """Versions of Instruments reorder and add columns."""
    assert rows(HEAD + ROWS + TAIL, "duration", "start") == [(5, 1000), (5, 2000)]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(UnreadableOutputError, match="no column percent-per-hour; it has start, duration"):
        rows(HEAD + ROWS + TAIL, "percent-per-hour")


def test_other_tables_in_the_file_are_passed_over() -> None:
    assert rows(HEAD + ROWS + TAIL, schema="time-profile") == []


def test_a_cut_file_is_refused() -> None:
    """A trace that was exported while it was saved must not pass for a short one."""
    with pytest.raises(UnreadableOutputError, match="not whole"):
        rows(HEAD + ROWS, *COLUMNS)


def test_a_reference_to_nothing_is_refused() -> None:
    with pytest.raises(UnreadableOutputError, match="refers to value 99"):
        rows(HEAD + '<row><start-time ref="99"/></row>' + TAIL, "start")


def test_more_cells_than_columns_are_refused() -> None:
    row = "<row>" + '<duration id="1" fmt="x">1</duration>' * 5 + "</row>"
    with pytest.raises(UnreadableOutputError, match="5 cells for 4 columns"):
        rows(HEAD + row + TAIL, "start")


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><trace-query-result/>',
        " " * 3_000_000 + "<trace-query-result/>",
    ],
)
def test_declarations_are_refused(text: str) -> None:
    """No entity bomb is expanded."""
    with pytest.raises(UnreadableOutputError):
        rows(text, "start")


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    """No crash on any bytes, and no row where there is none."""
    with pytest.raises(UnreadableOutputError):
        list(read_rows(io.BytesIO(data), "x", ("start",)))


@given(st.text(alphabet="<>/=\"'abrowidef0123456789 -", max_size=120))
def test_any_markup_between_rows_is_refused_or_read(markup: str) -> None:
    """Values only ever come out of cells."""
    try:
        found = rows(HEAD + markup + TAIL, "start")
    except UnreadableOutputError:
        return
    assert all(isinstance(value, int | str | None) for row in found for value in row)


@given(st.dictionaries(st.integers(-5, 10**12), st.integers(-(2**70), 2**70) | st.text(max_size=5), max_size=50))
def test_values_are_kept_exactly(values: dict[int, int | str]) -> None:
    """Also for ids far apart, which no real export has, and for numbers over 64 bits."""
    store = ValueStore()
    for number, value in values.items():
        store.put(number, value)
    for number, value in values.items():
        assert store.get(number) == value
    with pytest.raises(KeyError):
        store.get(10**12 + 1)


SCHEMAS = {
    "axiom_cpu-profile.xml": "cpu-profile",
    "sforteln_xcode27_ModelInferenceTable.xml": "ModelInferenceTable",
    "sforteln_xcode27_ModelLoadingTable.xml": "ModelLoadingTable",
    "sforteln_xcode27_time-sample.xml": "time-sample",
    "sforteln_xcode27_OSSignpostIntervals.xml": "OSSignpostIntervals",
    "xcode27_time-profile_trimmed.xml": "time-profile",
    "sforteln_xcode27_PointsOfInterestEvents.xml": "PointsOfInterestEvents",
    "sforteln_xcode27_potential-hangs.xml": "potential-hangs",
}


def test_every_captured_export_reads(shared: Path) -> None:
    """Exports of Xcode 26 and 27: every row has its first column, and as many rows as the file has."""
    for path in sorted((shared / "fixtures/xctrace").glob("*.xml")):
        if path.name.endswith("toc.xml"):
            assert parse_toc(path.read_bytes())[0].number == 1
            continue
        mnemonics = re.findall("<mnemonic>(.*?)</mnemonic>", path.read_text())
        with path.open("rb") as file:
            found = list(read_rows(file, SCHEMAS[path.name], mnemonics))
        assert len(found) == path.read_text().count("<row>")
        assert all(isinstance(row[0], int) for row in found)


def test_captured_values_are_what_a_person_reads(shared: Path) -> None:
    folder = shared / "fixtures/xctrace"
    with (folder / "axiom_cpu-profile.xml").open("rb") as file:
        found = list(read_rows(file, "cpu-profile", ("time", "process", "core", "weight")))
    assert found[1] == (554159791, "yes (37476)", 8, 10165)
    with (folder / "sforteln_xcode27_ModelLoadingTable.xml").open("rb") as file:
        loading = list(read_rows(file, "ModelLoadingTable", ("duration", "from-state", "to-state")))
    assert loading[1] == (327095583, "unloaded", "loaded")
    with (folder / "sforteln_xcode27_time-sample.xml").open("rb") as file:
        samples = list(read_rows(file, "time-sample", ("time", "core-index", "thread-state")))
    assert samples[0] == (5000000, None, "Blocked")


def test_captured_toc_and_recording(shared: Path) -> None:
    folder = shared / "fixtures/xctrace"
    (run,) = parse_toc((folder / "axiom_toc.xml").read_bytes())
    assert (run.pid, run.process, run.duration_s, run.instruments) == (37476, "yes", 3.450364, "16.0 (17F42)")
    assert "thread-info" in run.schemas
    (network,) = parse_toc((folder / "axiom_network-toc.xml").read_bytes())
    assert network.pid is None
    output = (folder / "xctrace_record_stdout_xcode27.txt").read_text()
    assert recording_started(output)
    assert recording_saved(output) == "raw.trace"
    assert recording_saved(output[:120]) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_no_toc(data: bytes) -> None:
    with pytest.raises(UnreadableOutputError):
        parse_toc(data)
