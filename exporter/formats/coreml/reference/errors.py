"""Errors of the evaluator: each says what is wrong, where, and what to do."""

from exporter.data.errors import ArtifactError, NotEvaluableError, ToolError


class ModelFileError(ArtifactError):
    """The file or package cannot be read as an ML program."""


class ModelInputError(ArtifactError):
    """An input has a wrong name, shape or dtype."""


class UnsupportedOpError(NotEvaluableError):
    """The program has an operation that this evaluator refuses."""


class EvaluationError(ToolError):
    """An operation failed on the values that reached it."""
