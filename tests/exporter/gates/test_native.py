"""What a store asks of native libraries, by the rules that ship."""

import pytest

from exporter.data.facts.sizes import ByteCount, Facet, Measurement
from exporter.data.verdict import Status, Verdict
from exporter.sizes.stores import select, shipped_rules
from tests.exporter.gates.figures import judge, measurement


def library(name: str, alignment: int, scope: str = "library-64") -> Facet:
    return Facet(scope=scope, name=name, counts="alignment", size=ByteCount.exact(alignment, "read"))


def verdicts(*facets: Facet, store: str = "google-play") -> list[Verdict]:
    found = measurement("a.apk", None, None, facets=facets)
    rules = select(shipped_rules(), [store], minimum_os=None, invocation=None)
    return judge([found], rules={"a.apk": rules})


@pytest.mark.parametrize("scope", ["library-64", "library-in-apk"])
def test_every_library_below_16_kib_fails_by_its_name(scope: str) -> None:
    """Whoever reads the failure must know which to replace, and how."""
    small, smaller = library("lib/a.so", 0x2000, scope), library("lib/b.so", 0x1000, scope)
    found = verdicts(small, library("lib/c.so", 0x4000, scope), smaller)
    assert [(one.subject, one.status) for one in found] == [
        ("a.apk/lib/a.so", Status.FAILED),
        ("a.apk/lib/b.so", Status.FAILED),
    ]
    assert "8 KiB at most" in found[0].reason
    assert "page-sizes" in found[0].reason
    assert (found[1].value, found[1].limit, found[1].margin, found[1].bound) == (4096, 16384, -12288, "at least")


def test_libraries_that_hold_are_one_verdict() -> None:
    """Apps have dozens; the least aligned is the figure."""
    (found,) = verdicts(library("lib/a.so", 0x4000), library("lib/b.so", 0x10000))
    assert (found.subject, found.status, found.value) == ("a.apk", Status.PASSED, 0x4000)
    assert "all 2 64-bit native libraries" in found.reason


@pytest.mark.parametrize(("size", "status"), [(0, Status.PASSED), (1, Status.FAILED)])
def test_32_bit_code_without_its_counterpart_fails(size: int, status: Status) -> None:
    """A single byte of it."""
    lonely = ByteCount.exact(size, "sum")
    (found,) = verdicts(Facet(scope="only-32-bit", name="lib/x86", counts="uncompressed", size=lonely))
    assert (found.metric, found.status) == ("store.google-play.64-bit", status)


def test_other_stores_do_not_ask() -> None:
    """Pages of 16 KiB are Google Play's rule; a package that no rule is about is not checked."""
    assert [one.status for one in verdicts(library("lib/a.so", 0x1000), store="app-store")] == [Status.NOT_CHECKED]


def model(size: int) -> Measurement:
    count = ByteCount.exact(size, "counted")
    scopes = ("app", "base-module", "install-time", "apk")
    facets = [Facet(scope=s, counts=c, size=count, partial=True) for s in scopes for c in ("uncompressed", "download")]
    return measurement("a.apk", count, count, facets=tuple(facets))


def test_a_model_that_is_too_large_is_told_where_it_could_live() -> None:
    """With the limits that hold there, and only where it holds them."""
    rules = {"a.apk": select(shipped_rules(), ["google-play"], minimum_os=None, invocation=None)}
    told = {one.metric: one.reason for one in judge([model(600_000_000)], rules=rules)}
    reason = told["store.google-play.base-module"]
    assert "--delivery asset-pack (1.50 GB), --delivery ai-pack (1.50 GB)" in reason
    assert "feature-module" not in reason
    assert "--delivery" not in told["store.google-play.wifi"]
    huge = judge([model(2_000_000_000)], rules=rules)
    assert not [one for one in huge if "could live" in one.reason]
