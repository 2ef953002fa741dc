"""Reports of Xcode and bundletool: read as written, rounded as rounded."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.data.errors import UsageProblem
from exporter.sizes.measure import measure
from exporter.sizes.packaging import Options
from exporter.sizes.tool_reports import measure_bundletool_csv, measure_thinning_report

# Written after the layout of Xcode 14's report; the device lists have both forms of separators.
THINNING = """
App Thinning Size Report for All Variants of Demo

Variant: Demo-1B0FCA3B-1A2B-4C5D-8E9F-000000000001.ipa
Supported variant descriptors: [device: iPhone12,1, os-version: 13.0] and [device: iPhone11,8, os-version: 13.0]
App + On Demand Resources size: 25.4 MB compressed, 63.7 MB uncompressed
App size: 5.4 MB compressed, 13.7 MB uncompressed
On Demand Resources size: 20 MB compressed, 50 MB uncompressed


Variant: Demo-1B0FCA3B-1A2B-4C5D-8E9F-000000000002.ipa
Supported variant descriptors: [device: iPad8,1, os-version: 13.0], [device: iPad8,2], and [device: iPad8,3]
App + On Demand Resources size: 4.1 MB compressed, 333 KB uncompressed
App size: 4.1 MB compressed, 333 KB uncompressed
On Demand Resources size: Zero KB compressed, Zero KB uncompressed


Variant: Demo.ipa
Supported variant descriptors: Universal
App + On Demand Resources size: 207.8 MB compressed, 300 MB uncompressed
App size: 57.8 MB compressed, 100 MB uncompressed
On Demand Resources size: Zero KB compressed, Zero KB uncompressed
"""


def test_the_largest_thinned_variant_is_the_figure(tmp_path: Path) -> None:
    """The universal build is what no device gets."""
    path = tmp_path / "App Thinning Size Report.txt"
    path.write_text(THINNING)
    found = measure(path, Options())[0]
    assert found.kind == "app thinning report"
    assert found.download is not None
    assert found.install is not None
    assert found.download.value == 5_400_000
    assert found.install.value == 13_700_000
    assert [part.format for part in found.parts] == ["thinned", "thinned", "universal"]
    assert [facet.scope for facet in found.facets].count("on-demand-resource") == 1


def test_rounded_figures_have_bounds_for_both_meanings_of_a_megabyte() -> None:
    """Apple does not say whether 15.0 MB is 15 or 15.7 million bytes: a limit between is not judged."""
    found = measure_thinning_report(THINNING, "r", Options()).download
    assert found is not None
    assert found.low == 5_350_000
    assert found.high == int(5.45 * 2**20)
    assert found.rounded


@pytest.mark.parametrize("line", ["App size: 5.4 MB compressed, 13.7 MB uncompressed", "Variant: "])
def test_a_report_without_its_lines_is_refused(line: str) -> None:
    """A report that is cut off must not pass."""
    text = THINNING.replace(line, "x")
    with pytest.raises(UsageProblem, match="no line"):
        measure_thinning_report(text, "r", Options())


def test_variants_are_taken_as_what_the_store_is_for() -> None:
    """The report of an App Clip looks like that of an app."""
    scopes = {facet.scope for facet in measure_thinning_report(THINNING, "r", Options(stores=("app-clip",))).facets}
    assert scopes == {"app", "app-clip", "on-demand-resource"}


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    """CI machines convert text."""
    path = tmp_path / "r.txt"
    path.write_bytes(b"\xef\xbb\xbf" + THINNING.replace("\n", "\r\n").encode())
    assert measure(path, Options())[0].download == measure_thinning_report(THINNING, "r", Options()).download


@given(st.lists(st.tuples(st.integers(0, 10**10), st.integers(0, 10**10)), min_size=1, max_size=8))
def test_bundletool_totals_are_exact(rows: list[tuple[int, int]]) -> None:
    """`get-size total` writes bytes, CRLF, and a row for each kind of device."""
    rows = [(min(row), max(row)) for row in rows]
    lines = ["SDK,ABI,MIN,MAX", *(f"{number}-,x86,{low},{high}" for number, (low, high) in enumerate(rows))]
    found = measure_bundletool_csv("\r\n".join(lines) + "\r\n", "s")
    assert found.download is not None
    assert found.download.value == max(high for _, high in rows)
    assert not found.download.estimated
    assert found.install is None
    assert found.unavailable


def test_bundletool_without_dimensions_and_with_quoted_values(tmp_path: Path) -> None:
    """Both forms of its output."""
    assert measure_bundletool_csv("MIN,MAX\r\n5,10\r\n", "s").parts[0].name == "every device"
    path = tmp_path / "sizes.csv"
    path.write_bytes(b'SDK,TEXTURE_COMPRESSION_FORMAT,MIN,MAX\r\n21-,"astc,etc2",5,10\r\n')
    assert measure(path, Options())[0].parts[0].name == "SDK 21-, TEXTURE_COMPRESSION_FORMAT astc,etc2"


@given(
    st.lists(st.tuples(st.sampled_from(["", "\n", "\r\n", "  \r\n", ",,\r\n"]), st.integers(1, 10**10)), min_size=1),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\r\n", "\r\n\r\n", "   ", "\0"]),
    st.sampled_from(["", "\ufeff"]),
    st.booleans(),
)
def test_blank_lines_marks_and_quotes_change_no_total(
    rows: list[tuple[str, int]], end: str, tail: str, mark: str, quoted: bool
) -> None:
    """Shells, editors and spreadsheets add blank lines, byte order marks, quotes and blanks to a CSV."""
    cell = '"{}"' if quoted else " {} "
    text = mark + f"SDK,MIN,MAX{end}" + "".join(f"{gap}21-,1,{cell.format(high)}{end}" for gap, high in rows) + tail
    found = measure_bundletool_csv(text, "s")
    assert found.download is not None
    assert found.download.value == max(high for _, high in rows)
    assert len(found.parts) == len(rows)


def test_a_field_without_end_is_refused_with_its_line() -> None:
    """An open quote takes in the rest of the file."""
    with pytest.raises(UsageProblem, match="line 3"):
        measure_bundletool_csv('SDK,MIN,MAX\n21-,1,2\n22-,1,"' + "3" * 200_000, "s")


def test_human_readable_sizes_have_bounds() -> None:
    """--human-readable-sizes rounds; its units are decimal."""
    found = measure_bundletool_csv("MIN,MAX\r\n123.2 KB,2.32 MB\r\n", "s").download
    assert found is not None
    assert (found.low, found.value, found.high) == (2_315_000, 2_320_000, 2_325_000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MIN,MAX\r\n",
        "a,b\r\n1,2\r\n",
        "MIN,MAX\r\n1\r\n",
        "MIN,MAX\r\n1,x\r\n",
        "MIN,MAX\r\n2,1\r\n",
        "MIN,MAX\r\n1,-2\r\n",
    ],
)
def test_what_is_no_bundletool_output_is_refused(text: str) -> None:
    """Some other CSV must not be a size of nothing."""
    with pytest.raises(UsageProblem):
        measure_bundletool_csv(text, "s")
