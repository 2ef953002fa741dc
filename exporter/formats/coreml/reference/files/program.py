"""The MIL program that a model file holds."""

from typing import Any

from exporter.execution.heavy import quiet
from exporter.formats.coreml.coremltools import load_coremltools
from exporter.formats.coreml.reference.errors import ModelFileError, ModelInputError
from exporter.formats.coreml.reference.files.package import ModelFile


def load_program(file: ModelFile) -> Any:
    """The MIL program of a model file.

    Raises:
        ModelFileError: coremltools cannot read it.
    """
    load_coremltools()
    from coremltools.converters.mil.frontend.milproto import load as milproto

    version = file.specification.specificationVersion
    try:
        with quiet():
            return milproto.load(file.specification, version, str(file.weights))
    except Exception as error:
        raise ModelFileError(
            f"{file.path}: coremltools cannot read its program ({type(error).__name__}: {error}). "
            "Convert the model again with coremltools 9"
        ) from error


def default_function(file: ModelFile, program: Any, wanted: str | None) -> str:
    """`wanted`, else the function that the file names as its default.

    Raises:
        ModelInputError: there is no function of that name.
    """
    names = sorted(program.functions)  # a map of protobuf has no order
    name = wanted or file.specification.description.defaultFunctionName or ("main" if "main" in names else names[0])
    if name not in names:
        raise ModelInputError(f"{file.path} has no function {name!r}. Its functions are: {', '.join(names)}")
    return name
