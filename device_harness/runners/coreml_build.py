"""Builds the Swift runner with Xcode, once for each kind of device, team and state of the sources, and installs it."""

import hashlib
import os
from itertools import chain
from pathlib import Path

import platformdirs

from device_harness import process
from device_harness.apple.advice import TEAM, XCODE, check
from device_harness.apple.settings import AppleSettings
from device_harness.errors import CommandFailedError
from device_harness.protocol import Device

SOURCES = Path(__file__).resolve().parents[1] / "ios"
BUILD_S = 900.0
PLATFORMS = {
    "iOS": "iphoneos",
    "iPadOS": "iphoneos",
    "tvOS": "appletvos",
    "iOS Simulator": "iphonesimulator",
    "tvOS Simulator": "appletvsimulator",
}


def prepare(device: Device, settings: AppleSettings | None = None, *, folder: Path | None = None) -> str | None:
    """Build the runner for `device` and install it; returns the path of the tool on a Mac, None for an app.

    Raises:
        DeviceError: no Xcode, no team, a failed build or installation; each with the next step.
    """
    configured = settings or AppleSettings.from_environment()
    system = (device.info().os or "").split()[:1]
    if device.can.shell is not None and system == ["macOS"]:
        return str(build_tool(folder=folder))
    apps = device.can.apps
    if apps is None:
        raise CommandFailedError(f"{device.serial} runs no Core ML models.", serial=device.serial)
    if apps.platform is None:
        apps.install(_signed_package(device.serial))
    else:
        apps.install(build_app(_checked(apps.platform, device.serial), configured, folder=folder))
    return None


def _checked(platform: str, serial: str) -> str:
    if platform.removesuffix(" Simulator") not in PLATFORMS:
        raise CommandFailedError(
            f"There is no runner app for {platform}; it is built for iOS, iPadOS and tvOS.", serial=serial
        )
    return platform


def _signed_package(serial: str) -> Path:
    """Without a Mac nothing can be signed: the package comes from one."""
    path = os.environ.get("MOBILE_EXPORT_APPLE_IPA")
    if not path or not Path(path).exists():
        raise CommandFailedError(
            "Build and sign CoreMLBench.app once on a Mac, bring it here, and name it in MOBILE_EXPORT_APPLE_IPA.",
            serial=serial,
        )
    return Path(path)


def build_app(platform: str, settings: AppleSettings, *, folder: Path | None = None) -> Path:
    """The runner app for ``iOS``, ``tvOS``, ``iOS Simulator`` or ``tvOS Simulator``, signed where it must be.

    Args:
        platform: Xcode's name of it.
        settings: team and bundle identifier.
        folder: where builds are kept; None takes the user's cache folder.

    Raises:
        CommandFailedError: no team is configured, or the build failed.
        ToolMissingError: no Xcode.
    """
    simulated = platform.endswith("Simulator")
    if not simulated and settings.team is None:
        raise CommandFailedError(f"No Apple team is configured to sign the runner app with. {TEAM}")
    kept = build_folder(folder, f"{platform}{settings.team}{settings.bundle}")
    app = kept / "Build/Products" / f"Release-{PLATFORMS[platform.replace('iPadOS', 'iOS')]}" / "CoreMLBench.app"
    if app.is_dir():
        return app
    process.find_program("xcodebuild", XCODE)
    result = process.run(_build_command(platform, settings, kept), timeout_s=BUILD_S)
    check(result, "Building the runner app failed", serial=None)
    if not app.is_dir():
        raise CommandFailedError(f"xcodebuild reports success, but there is no {app}.")
    return app


def _build_command(platform: str, settings: AppleSettings, kept: Path) -> list[str]:
    signing = ["CODE_SIGNING_ALLOWED=NO"]
    if not platform.endswith("Simulator"):
        signing = [
            "-allowProvisioningUpdates",
            "-allowProvisioningDeviceRegistration",
            f"DEVELOPMENT_TEAM={settings.team}",
        ]
    options = {
        "-project": str(SOURCES / "CoreMLBench.xcodeproj"),
        "-scheme": "CoreMLBench",
        "-configuration": "Release",
        "-destination": f"generic/platform={platform.replace('iPadOS', 'iOS')}",
        "-derivedDataPath": str(kept),
    }
    bundle = f"PRODUCT_BUNDLE_IDENTIFIER={settings.bundle}"
    return ["xcodebuild", *chain.from_iterable(options.items()), *signing, bundle, "build"]


def build_tool(*, folder: Path | None = None) -> Path:
    """The runner as a command-line tool for this Mac.

    Raises:
        CommandFailedError: the build failed.
        ToolMissingError: no Xcode or command-line tools.
    """
    kept = build_folder(folder, "macOS")
    tool = kept / "release/coreml-bench"
    if tool.is_file():
        return tool
    process.find_program("xcrun", XCODE)
    options = {
        "--package-path": str(SOURCES),
        "--scratch-path": str(kept),
        "--configuration": "release",
        "--product": "coreml-bench",
    }
    command = ["xcrun", "swift", "build", *chain.from_iterable(options.items())]
    check(process.run(command, timeout_s=BUILD_S), "Building coreml-bench failed", serial=None)
    if not tool.is_file():
        raise CommandFailedError(f"swift build reports success, but there is no {tool}.")
    return tool


def build_folder(folder: Path | None, kind: str) -> Path:
    """Where the build for `kind` of the sources as they are now is kept, in `folder` or in the user's cache."""
    root = folder or platformdirs.user_cache_path("mobile-export") / "runners"
    return root / f"coreml_bench-{sources_digest(kind)[:16]}"


def sources_digest(kind: str) -> str:
    """SHA-256 over the names and contents of everything that a build for `kind` is made of."""
    digest = hashlib.sha256(kind.encode())
    parts = ("App", "Sources", "CoreMLBench.xcodeproj", "Package.swift")
    for path in sorted(path for part in parts for path in _files(SOURCES / part)):
        digest.update(f"{path.relative_to(SOURCES)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(path: Path) -> list[Path]:
    return [inner for inner in path.rglob("*") if inner.is_file()] if path.is_dir() else [path]
