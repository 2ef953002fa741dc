"""Errors of the evaluator: each says what is wrong, where, and what to do."""

from exporter.data.errors import ToolError, UsageProblem


class ModelFileError(UsageProblem):
    """The file or package cannot be read as an ML program."""


class ModelInputError(UsageProblem):
    """An input has a wrong name, shape or dtype."""


class UnsupportedOpError(ToolError):
    """The program has an operation that this evaluator refuses."""


class EvaluationError(ToolError):
    """An operation failed on the values that reached it."""
