"""Run coremltools' own operation tests with the evaluator in the place of Apple's runtime.

coremltools ships, in its wheel, the tests that Apple runs for every MIL operation on a Mac. Off a Mac they compare
nothing, because `predict` does not work there. This makes `predict` the evaluator and runs them, so every expected
value in them checks an operation here. At the end stand how many of the cases that asked for a prediction passed, each
other one by name, and how many were left out, and why:

    python benchmarks/coreml_op_tests.py --each 5            # at most 5 cases of every test function
    python benchmarks/coreml_op_tests.py --each 20 iOS17     # only the tests of one opset
"""

import argparse
import gc
import os
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

# Cases that prove nothing here, and why.
LEFT_OUT = {
    "test_ios17_invalid_indices": "want the words of Apple's runtime for indices that MIL leaves undefined",
    "TestFill::test_builder_to_backend_symbolic": "make a rank that coremltools' own loader cannot read",
    "test_efficient_type_inference": "times coremltools itself, and predicts nothing",
}


class EvaluatorAsPredict:
    """A pytest plugin: `MLModel.predict` evaluates; evenly spread cases of each test function are kept.

    A case counts as compared when it asks for a prediction, or for the model that would give it.
    """

    def __init__(self, each: int) -> None:
        self._each = each
        self._case = ""
        self._asked: set[str] = set()
        self._passed: list[str] = []
        self._remaining: dict[str, str] = {}
        self._left_out: Counter[str] = Counter()

    def pytest_configure(self) -> None:
        """Put the evaluator in the place of Apple's runtime."""
        import coremltools
        from coremltools.converters.mil import testing_utils
        from coremltools.models import MLModel, utils

        testing_utils._IS_MACOS = True
        utils._macos_version = lambda: (15, 5)
        coremltools.utils._macos_version = lambda: (15, 5)
        MLModel.predict = lambda model, data, state=None: self._reference(model).predict(data, state)
        MLModel.make_state = lambda model: self._reference(model).make_state()

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Note which case runs."""
        self._case = item.nodeid

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Sort a case that was compared by how it ended; cases that coremltools expects to fail are not counted."""
        if report.nodeid not in self._asked or report.when != "call" or hasattr(report, "wasxfail"):
            return
        if report.passed:
            self._passed.append(report.nodeid)
        elif report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self._remaining[report.nodeid] = " ".join((crash.message if crash else str(report.longrepr)).split())[:300]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how many of the compared cases passed, and name every other one."""
        compared = len(self._passed) + len(self._remaining)
        share = f" ({100 * len(self._passed) / compared:.2f} %)" if compared else ""
        terminalreporter.write_line(f"{len(self._passed)} of {compared} compared cases pass{share}")
        for name, reason in sorted(self._remaining.items()):
            terminalreporter.write_line(f"remaining: {name.partition('/ops/tests/')[2] or name}\n  {reason}")

        for name, count in self._left_out.items():
            terminalreporter.write_line(f"left out: {count} cases of {name}, which {LEFT_OUT[name]}")

    def _reference(self, model: Any) -> Any:
        from exporter.formats.coreml.reference import ReferenceModel

        if model.package_path is None:
            pytest.skip("a model of the older neural network format")
        self._asked.add(self._case)
        if not hasattr(model, "_evaluator"):
            model._evaluator = ReferenceModel(model.package_path, "declared", getattr(model, "function_name", None))
        return model._evaluator

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep some cases of each test function."""
        by_function: dict[str, list[pytest.Item]] = defaultdict(list)
        for item in items:
            left_out = [name for name in LEFT_OUT if name in item.nodeid]
            self._left_out.update(left_out)
            if left_out:
                continue
            by_function[item.nodeid.partition("[")[0]].append(item)
        items[:] = [
            cases[place]
            for cases in by_function.values()
            for place in sorted({round(i * (len(cases) - 1) / max(self._each - 1, 1)) for i in range(self._each)})
        ]
        gc.freeze()  # libraries and cases are not searched for garbage at every conversion


def main() -> int:
    """Parse, run, give pytest's exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=5, help="cases of each test function")
    parser.add_argument("where", nargs="*", help="opset folders or test files; all when left out")
    known, rest = parser.parse_known_args()
    os.environ.setdefault("PYMIL_TEST_TARGETS", "mlprogram")
    from exporter.formats.coreml.coremltools import load_coremltools

    tests = Path(load_coremltools().__file__).parent / "converters/mil/mil/ops/tests"
    places = [str(tests / where) for where in known.where] or [str(tests)]
    options = ["-q", "-p", "no:cacheprovider", "--no-header", "--tb=line", "-W", "ignore", "-c", os.devnull, *rest]
    return pytest.main([*options, *places], plugins=[EvaluatorAsPredict(known.each)])


if __name__ == "__main__":
    sys.exit(main())
