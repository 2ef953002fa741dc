"""Finding and reading the specification and weights of a Core ML model file, and refusing what cannot be trusted."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.execution.heavy import load
from exporter.formats.coreml.coremltools import load_coremltools
from exporter.formats.coreml.reference.errors import ModelFileError
from exporter.formats.coreml.reference.files.blobs import check_blobs

_LARGEST_SPECIFICATION = 2 * 1024**3  # protobuf's own limit


@dataclass(frozen=True)
class ModelFile:
    """A Core ML model.

    Attributes:
        path: the package or file.
        specification: the parsed ``Model`` message.
        weights: the folder of weight files; it need not exist when every value is in the specification.
    """

    path: Path
    specification: Any
    weights: Path


def read_model_file(path: Path | str) -> ModelFile:
    """Read a ``.mlpackage`` or ``.mlmodel``; weight files are checked but not loaded.

    Raises:
        ModelFileError: the file is missing, damaged, compiled, encrypted or not an ML program.
    """
    file = read_specification(Path(path))
    _require_ml_program(file.path, file.specification)
    check_blobs(file.path, file.specification, file.weights)
    return file


def read_specification(path: Path) -> ModelFile:
    """Read the specification of a ``.mlpackage`` or ``.mlmodel`` that holds any kind of model.

    Raises:
        ModelFileError: the file is missing, damaged or compiled.
    """
    if not path.exists():
        raise ModelFileError(f"{path} does not exist. Give a Core ML package (.mlpackage) or model file (.mlmodel)")
    if path.suffix == ".mlmodelc":
        raise ModelFileError(
            f"{path} is compiled for devices and no longer holds the program. Give the .mlpackage it came from"
        )
    specification_path = _specification_in(path) if path.is_dir() else path
    return ModelFile(path, _parse(path, specification_path), specification_path.parent / "weights")


def _specification_in(package: Path) -> Path:
    manifest = package / "Manifest.json"
    try:
        entries = json.loads(manifest.read_text("utf-8"))
        item = entries["itemInfoEntries"][entries["rootModelIdentifier"]]["path"]
    except FileNotFoundError:
        raise ModelFileError(
            f"{package} has no Manifest.json: it is not a Core ML package, or is incomplete. Export it again"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(
            f"{manifest} is damaged ({type(error).__name__}: {error}). Export the package again"
        ) from error
    data = (package / "Data").resolve()
    found = (data / str(item)).resolve()
    if not found.is_relative_to(data):
        raise ModelFileError(f"{manifest} names a model outside of its package ({item}). Do not use this package")
    if not found.is_file():
        raise ModelFileError(f"{package} is incomplete: its manifest names {item}, which is missing. Export it again")
    return found


def _parse(path: Path, specification_path: Path) -> Any:
    size = specification_path.stat().st_size
    if size > _LARGEST_SPECIFICATION:
        raise ModelFileError(f"{specification_path} has {size} bytes, more than a specification can have")
    specification = load_coremltools().proto.Model_pb2.Model()
    try:
        specification.ParseFromString(specification_path.read_bytes())
    except load("google.protobuf.message").DecodeError as error:
        raise ModelFileError(
            f"{path} is not a Core ML model, or is truncated or encrypted ({error}). Export it again"
        ) from error
    return specification


def _require_ml_program(path: Path, specification: Any) -> None:
    kind = specification.WhichOneof("Type")
    if kind == "mlProgram":
        return
    if kind is None:
        raise ModelFileError(f"{path} holds no model: it is truncated or not a Core ML model. Export it again")
    if kind == "serializedModel":
        raise ModelFileError(
            f"{path} holds an encrypted or serialized model, whose program cannot be read. "
            "Give the model it was made from"
        )
    raise ModelFileError(
        f"{path} is a {kind} model, not an ML program. Convert it with minimum_deployment_target iOS15 (macOS12) or "
        'later, that is minimum_os = "iOS 15" in targets.toml, or convert_to="mlprogram"'
    )
