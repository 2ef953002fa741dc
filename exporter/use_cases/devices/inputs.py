"""What `--input`, `--input-shape` and `--signature` come to for one model: shapes by tensor, and files of raw bytes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from exporter.data.errors import UsageProblem
from exporter.formats.devices import Port, RunnerChoice
from exporter.formats.format import Format
from profilers.plan import ProfilePlan


class Given(NamedTuple):
    """Of the command line, as it was written.

    Attributes:
        files: ``NAME=FILE``, or a file: an .npz, or an .npy for the only input.
        shapes: ``NAME=1,224,224,3``.
        signature: of the model.
    """

    files: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()
    signature: str | None = None


def fitted(
    form: Format, models: Sequence[Path], plan: ProfilePlan, choice: RunnerChoice, given: Given, folder: Path
) -> tuple[ProfilePlan, RunnerChoice]:
    """Plan and runner with them.

    Args:
        form: of the models.
        models: one, where anything is given.
        plan: what it says itself counts where nothing else is given.
        choice: the runner.
        given: of the command line.
        folder: where the raw bytes go.

    Raises:
        UsageProblem: something does not fit the model; the message says what would.
    """
    signature = given.signature or plan.signature
    shapes, files = _shapes(plan, given), _files(plan, given)
    if not (signature or shapes or files):
        return plan, choice
    if len(models) > 1:
        raise UsageProblem("inputs, their shapes and signatures are of one model: give one model.")
    ports = form.devices.ports(models[0], signature)
    sized = {_port(ports, name, "--input-shape").name: _sized(ports, name, shape) for name, shape in shapes.items()}
    plan = plan.model_copy(update={"signature": signature, "input_shapes": sized})
    if not files:
        return plan, choice
    values = _values(ports, files)
    known = {name: str(file) for name, (file, _) in values.items()}
    raw = _written(ports, sized, values, folder, plan.seed)
    return plan.model_copy(update={"inputs": known}), choice._replace(inputs=raw)


def _shapes(plan: ProfilePlan, given: Given) -> Mapping[str, tuple[int, ...]]:
    found = dict(plan.input_shapes)
    for text in given.shapes:
        name, _, sizes = text.rpartition("=")
        parts = sizes.split(",")
        if not name or not all(part.isdecimal() and 0 < int(part) < 2**31 for part in parts):
            raise UsageProblem(f"--input-shape {text}: write NAME=1,224,224,3.")
        found[name] = tuple(map(int, parts))
    return found


def _files(plan: ProfilePlan, given: Given) -> list[tuple[str | None, Path]]:
    """Name and file; None stands for the names in an .npz, or for the only input."""
    found: list[tuple[str | None, Path]] = [(name, Path(file)) for name, file in plan.inputs.items()]
    for text in given.files:
        name, equals, file = text.rpartition("=")
        alone = Path(text).is_file() or not equals
        found.append((None, Path(text)) if alone else (name, Path(file)))
    return found


def _port(ports: Sequence[Port], name: str, option: str) -> Port:
    for port in ports:
        if name in (port.name, port.alias):
            return port
    has = ", ".join(_told(port) for port in ports) or "none"
    raise UsageProblem(f"{option} {name}: the model has no such input; it has {has}.")


def _told(port: Port) -> str:
    called = port.alias if port.alias == port.name else f"{port.alias} ({port.name})"
    return f"{called}: {port.dtype} {','.join('?' if size < 0 else str(size) for size in port.shape) or 'scalar'}"


def _sized(ports: Sequence[Port], name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    port = _port(ports, name, "--input-shape")
    if len(shape) != len(port.shape):
        words = ",".join(map(str, shape))
        raise UsageProblem(f"--input-shape {name}={words}: it has {len(port.shape)} dimensions: {_told(port)}.")
    if any(0 <= fixed != size for fixed, size in zip(port.shape, shape, strict=True)):
        words = ",".join(map(str, shape))
        raise UsageProblem(f"--input-shape {name}={words}: the file leaves open only what is ? in {_told(port)}.")
    return shape


def _values(ports: Sequence[Port], files: Sequence[tuple[str | None, Path]]) -> dict[str, tuple[Path, Any]]:
    """File and array of each input that has one, by tensor."""
    from exporter.datasets.files.numpy_files import read_array, read_arrays

    found: dict[str, tuple[Path, Any]] = {}
    for name, file in files:
        if not file.is_file():
            raise UsageProblem(f"--input {file}: there is no such file.")
        if file.suffix == ".npz":
            arrays = read_arrays(file)
            arrays = arrays if name is None else {name: _of_archive(arrays, name, file)}
        elif file.suffix == ".npy":
            arrays = {name if name is not None else _only(ports, file): read_array(file)}
        else:
            raise UsageProblem(f"--input {file}: give an .npz or .npy with the values as the model takes them.")
        found |= {_port(ports, called, "--input").name: (file, array) for called, array in arrays.items()}
    return found


def _of_archive(arrays: Mapping[str, Any], name: str, file: Path) -> Any:
    if name not in arrays:
        raise UsageProblem(f"--input {name}={file}: it has {', '.join(arrays) or 'no arrays'}.")
    return arrays[name]


def _only(ports: Sequence[Port], file: Path) -> str:
    if len(ports) != 1:
        raise UsageProblem(f"--input {file}: write NAME={file}; the model has {', '.join(map(_told, ports))}.")
    return ports[0].name


def _written(
    ports: Sequence[Port],
    shapes: Mapping[str, tuple[int, ...]],
    values: Mapping[str, tuple[Path, Any]],
    folder: Path,
    seed: int,
) -> dict[str, Path]:
    """Raw bytes of every input, in order; random ones where none are given."""
    import numpy as np

    from device_harness.runners.measuring import random_values

    generator, raw = np.random.default_rng(seed), {}
    for number, port in enumerate(ports):
        shape = shapes.get(port.name, tuple(1 if size < 0 else size for size in port.shape))
        if port.name in values:
            array = _checked(port, shape, *values[port.name])
        else:
            array = random_values(generator, port.dtype, shape)
        raw[port.name] = folder / f"given_{number}.bin"
        raw[port.name].write_bytes(np.ascontiguousarray(array).tobytes())
    return raw


def _checked(port: Port, shape: tuple[int, ...], file: Path, array: Any) -> Any:
    if str(array.dtype) != port.dtype:
        raise UsageProblem(f"--input {file}: it holds {array.dtype} values; the model takes {_told(port)}.")
    if tuple(array.shape) != shape:
        has, wants = (",".join(map(str, sizes)) for sizes in (array.shape, shape))
        words = f" (or give --input-shape {port.alias}={has})" if -1 in port.shape else ""
        raise UsageProblem(f"--input {file}: its shape is {has}; input {port.alias} takes {wants}{words}.")
    return array
