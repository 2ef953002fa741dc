"""Takes a result to where the user wants it: standard output, files, a job summary; and gives the exit code."""

import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from exporter.cli.output import append_text, echo, write_text
from exporter.report.renderer import PAPER_COLUMNS, Result, View, render


class Reporter(NamedTuple):
    """What the options of `exporter.cli.options.report` say.

    Attributes:
        format: of standard output, or of `file`.
        file: in the place of standard output.
        reports: format and file of each further report.
        summary: a file that Markdown is appended to.
        verbose: whether text shows everything.
        quiet: whether text shows what failed alone.
    """

    format: str
    file: Path | None = None
    reports: tuple[tuple[str, Path], ...] = ()
    summary: Path | None = None
    verbose: bool = False
    quiet: bool = False

    def also(self, form: str, path: Path) -> "Reporter":
        """With one more report."""
        return self._replace(reports=(*self.reports, (form, path)))

    def report(self, result: Result, *, rows: int = View().rows) -> int:
        """Render `result` everywhere; gives its exit code.

        Args:
            result: of the use case.
            rows: most rows of tables that could have very many.
        """
        if self.file is None:
            echo(render(self.format, result, self._view(screen(rows))))
        for form, path in ((self.format, self.file), *self.reports):
            if path is not None:
                write_text(path, render(form, result, self._view(View(rows))))
        if self.summary is not None:
            append_text(self.summary, render("markdown", result, View(rows)))
        return result.exit_code

    def _view(self, view: View) -> View:
        return view._replace(verbose=self.verbose, quiet=self.quiet)


def screen(rows: int) -> View:
    """Standard output as it is: a terminal has its width and colours, a file or a pipe neither."""
    if not sys.stdout.isatty():
        return View(rows)
    return View(rows, shutil.get_terminal_size((PAPER_COLUMNS, 24)).columns, colour=True)
