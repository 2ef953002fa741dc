"""What every renderer owes: the suite that each format of the table runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.data.verdict import Status
from exporter.report.renderer import ALL, JUDGED, RENDERERS, View, names_for, render
from tests.exporter.report.results import LATENCY_WORDS, SERIAL, TAKEN_WORDS, result_of
from tests.exporter.report.samples import NASTY, verdict

FORBIDDEN = ("exporter.gates", "exporter.use_cases", "exporter.cli", "torch", "tensorflow", "onnx", "coremltools")
MARKUP = "<script>alert(1)</script>[red]x[/red]::error::forged"


class RendererContract:
    """A subclass gives the fixture `name`, of a row of the table."""

    def test_it_is_a_row_of_the_table_with_kinds_that_there_are(self, name: str) -> None:
        """Protects the choices of `-f`, which are made from the table."""
        assert RENDERERS[name].kinds
        assert set(RENDERERS[name].kinds) <= set(ALL)
        assert all(name in names_for(kind) for kind in RENDERERS[name].kinds)

    def test_it_renders_each_of_its_kinds_the_same_way_again(self, name: str) -> None:
        """Protects whoever compares reports: what differs is what was found."""
        for kind in RENDERERS[name].kinds:
            text = render(name, result_of(kind, "a name"))
            assert text == render(name, result_of(kind, "a name"))
            assert text.endswith("\n")
            assert not text.endswith("\n\n")

    @pytest.mark.parametrize("text", NASTY)
    def test_names_move_no_cursor(self, name: str, text: str) -> None:
        """Protects terminals and logs: a file's name holds any character, also those that erase a line."""
        for kind in RENDERERS[name].kinds:
            shown = render(name, result_of(kind, text or "x"))
            assert [c for c in shown if (c < " " and c != "\n") or "\x80" <= c < "\xa0"] == []
            shown.encode("utf-8", "backslashreplace").decode()

    def test_names_are_text_and_no_markup(self, name: str) -> None:
        """Protects reviewers: no name adds an element to a page, a colour to a table, or a command to a log."""
        for kind in RENDERERS[name].kinds:
            shown = render(name, result_of(kind, MARKUP), View(rows=20, columns=400))
            assert not any(line.startswith("::error::") for line in shown.splitlines())
            if name in ("html", "svg", "markdown", "junit"):
                assert "<script>" not in re.sub(r"^(`{3,})$.*?^\1$", "", shown, flags=re.M | re.S)  # code blocks
            else:
                assert "\x1b" not in shown

    def test_what_was_not_checked_is_never_called_passed(self, name: str) -> None:
        """The rule of the whole program."""
        for kind in set(RENDERERS[name].kinds) & set(JUDGED):
            shown = render(name, result_of(kind, "a name", [verdict(status=Status.NOT_CHECKED, value=None)]))
            assert "all gates passed" not in shown.lower()

    def test_every_gate_that_fails_is_named(self, name: str) -> None:
        """Protects builds: somebody has to find out what to mend."""
        for kind in set(RENDERERS[name].kinds) & set(JUDGED):
            assert "download.max" in render(name, result_of(kind, "a name"))

    def test_no_reading_is_shown_without_its_device_and_its_time(self, name: str) -> None:
        """A figure whose device and age nobody knows is worth nothing."""
        for kind in RENDERERS[name].kinds:
            shown = render(name, result_of(kind, "a name"))
            if LATENCY_WORDS in shown:
                assert SERIAL in shown
                assert TAKEN_WORDS in shown

    def test_it_knows_no_gate_no_use_case_and_no_heavy_library(self, name: str) -> None:
        """Protects the light install, and the one way from facts over verdicts to reports."""
        script = (
            "import sys\nfrom exporter.report.renderer import RENDERERS, render\n"
            "from tests.exporter.report.results import result_of\n"
            "before = set(sys.modules)\n"
            f"for kind in RENDERERS[{name!r}].kinds: render({name!r}, result_of(kind, 'x'))\n"
            f"print(*[one for one in set(sys.modules) - before if one.startswith({FORBIDDEN!r})])"
        )
        root = Path(__file__).resolve().parents[2]
        done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
        assert done.stdout.split() == []
