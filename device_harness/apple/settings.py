"""What a person configures for Apple devices: the signing team and the runner's bundle identifier."""

import os
import re
from dataclasses import dataclass

from device_harness.apple.advice import TEAM
from device_harness.errors import CommandFailedError
from device_harness.finder import DeviceKind

APPLE_DEVICE = DeviceKind("ios", "Apple device", "Apple devices", "apps")
DEFAULT_BUNDLE = "org.mobile-export.coreml-bench"


@dataclass(frozen=True)
class AppleSettings:
    """Read from the environment: ``MOBILE_EXPORT_APPLE_TEAM`` and ``MOBILE_EXPORT_APPLE_BUNDLE``.

    Attributes:
        team: Apple developer team, ten letters and digits; None when not configured.
        bundle: bundle identifier of the runner app. With a free account it must be one that nobody else uses.
    """

    team: str | None = None
    bundle: str = DEFAULT_BUNDLE

    @classmethod
    def from_environment(cls) -> "AppleSettings":
        """The settings of this process's environment.

        Raises:
            CommandFailedError: one of them cannot be right.
        """
        team = os.environ.get("MOBILE_EXPORT_APPLE_TEAM") or None
        bundle = os.environ.get("MOBILE_EXPORT_APPLE_BUNDLE") or DEFAULT_BUNDLE
        if team is not None and not re.fullmatch(r"[A-Z0-9]{10}", team):
            raise CommandFailedError(f"MOBILE_EXPORT_APPLE_TEAM is {team!r}, which is no team identifier. {TEAM}")
        if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", bundle):
            raise CommandFailedError(
                f"MOBILE_EXPORT_APPLE_BUNDLE is {bundle!r}; write it like com.example.coreml-bench."
            )
        return cls(team, bundle)
