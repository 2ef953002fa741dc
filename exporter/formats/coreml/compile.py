"""What Xcode makes of a Core ML package when it builds an app, where there is a Mac with Xcode."""

import shutil
import sys
from pathlib import Path

from device_harness import process
from exporter.data.errors import ToolError

TIMEOUT_S = 900.0


def compile_on_mac(package: Path, folder: Path) -> Path | None:
    """Compile `package` into `folder` as Xcode does.

    Returns:
        The .mlmodelc folder, or None where there is no Mac with Xcode.

    Raises:
        ToolError: the compiler refused the package.
        CommandTimeoutError: it took longer than 15 minutes.
    """
    if sys.platform != "darwin" or shutil.which("xcrun") is None:
        return None
    command = ["xcrun", "coremlcompiler", "compile", str(package), str(folder)]
    result = process.run(command, timeout_s=TIMEOUT_S)
    compiled = next(folder.glob("*.mlmodelc"), None)
    if result.returncode != 0 or compiled is None:
        told = (result.stderr or result.stdout).decode("utf-8", "replace").strip()
        raise ToolError(f"{package}: coremlcompiler ended with {result.returncode}: {told[-500:]}")
    return compiled
