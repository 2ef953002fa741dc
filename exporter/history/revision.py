"""From which commit a run is made: as the user says, as git says, or as the CI system says."""

import os
from collections.abc import Mapping
from pathlib import Path

from device_harness.errors import DeviceError
from device_harness.process import run
from exporter.data.facts.revision import Revision

VARIABLES = (
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "BITRISE_GIT_COMMIT",
    "BUILDKITE_COMMIT",
    "CIRCLE_SHA1",
    "BUILD_SOURCEVERSION",
    "GIT_COMMIT",
)
"""Of GitHub, GitLab, Bitrise, Buildkite, CircleCI, Azure and Jenkins, as their documentation names them."""

_TIMEOUT_S = 20.0


def revision_of(folder: Path, given: str | None = None, environment: Mapping[str, str] = os.environ) -> Revision | None:
    """The commit that `folder` has checked out; None where nobody says.

    What git says comes before what the CI system says: a job may check out another commit than the one it was started
    for. Whether files differ from the commit is known where git says so.

    Args:
        folder: of the user's code.
        given: the commit, as the user says.
        environment: variables of this process.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    if given and not (commit or "").startswith(given):
        return Revision(commit=given)
    if commit:
        return Revision(commit=commit, dirty=_dirty(folder))
    named = next((environment[name] for name in VARIABLES if environment.get(name)), None)
    return Revision(commit=named) if named else None


def _dirty(folder: Path) -> bool | None:
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return None if changed is None else bool(changed)


def _git(folder: Path, *words: str) -> str | None:
    """What git answers; None where there is no git, no repository, or no commit."""
    try:
        done = run(("git", *words), timeout_s=_TIMEOUT_S, cwd=folder, env={"GIT_OPTIONAL_LOCKS": "0"})
    except DeviceError:  # not installed, or it hangs on a network drive
        return None
    return done.text.strip() if done.returncode == 0 else None
