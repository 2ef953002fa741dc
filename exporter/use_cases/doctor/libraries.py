"""Python and the libraries of each extra: installed or not, and whether in the versions that were tested together."""

import importlib.metadata
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from exporter.data.errors import CONVERTING_PYTHONS
from exporter.data.results.doctor import Checkup

_USES = {
    "export": "run, compress, convert, verify, search",
    "models": "models of timm:, transformers: and smp:",
    "ultralytics": "models of ultralytics:",
    "history": "history show and gate: where a figure changed from run to run",
    "cluster": "work on other machines, a cache that they share",
}
_INSIDE = ("conversion", "dev")
"""What other extras consist of, and what developers have."""
_REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([A-Za-z0-9._-]+)['"]""")
_PROGRAM = "mobile-export"


def library_checkups() -> Iterator[Checkup]:
    """Python, the program, each extra, and what differs from the tested set."""
    yield _python()
    requirements = _requirements()
    if requirements is None:
        mend = f"pip install -e . in its folder, or: pip install {_PROGRAM}"
        yield Checkup("python", _PROGRAM, "broken", "runs from its files, without being installed", mend=mend)
        return
    installed = _installed()
    yield _core(requirements[""], installed)
    for extra in extras():
        yield _extra(extra, _USES.get(extra, ""), requirements.get(extra, ()), installed)
    yield _tested(installed)


def extras() -> tuple[str, ...]:
    """Those of the installed program that a user asks for; none where it runs from its files."""
    try:
        names = importlib.metadata.metadata(_PROGRAM).get_all("Provides-Extra") or []
    except importlib.metadata.PackageNotFoundError:
        return ()
    return tuple(name for name in names if name not in _INSIDE)


def _version() -> str:
    return ".".join(map(str, sys.version_info[:2]))


def _python() -> Checkup:
    found = f"{platform.python_version()} at {sys.executable}"
    if _version() in CONVERTING_PYTHONS:
        return Checkup("python", "Python", "works", found)
    mend = f"python{CONVERTING_PYTHONS[0]} -m venv NAME && NAME/bin/pip install '{_PROGRAM}[export]'"
    words = f"{found}; conversion runs on {' and '.join(CONVERTING_PYTHONS)}, all else here too"
    return Checkup("python", "Python", "differs", words, mend=mend)


def _requirements() -> dict[str, tuple[str, ...]] | None:
    """Names of distributions by extra, those without one under an empty name; None where nothing was installed.

    An extra that consists of another one of this program (``mobile-export[conversion]``) has that one's names.
    """
    try:
        lines = importlib.metadata.requires(_PROGRAM) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    named: dict[str, list[str]] = {"": []}
    inside: dict[str, list[str]] = {}
    for line in lines:
        match, extra = _REQUIREMENT.match(line), _EXTRA.search(line)
        if match is None:
            continue
        key = extra[1] if extra else ""
        if match[1] == _PROGRAM:
            inside.setdefault(key, []).extend((match[2] or "").split(","))
        else:
            named.setdefault(key, []).append(_plain(match[1]))
    for key, others in inside.items():
        named.setdefault(key, []).extend(name for other in others for name in named.get(other, []))
    return {key: tuple(dict.fromkeys(names)) for key, names in named.items()}


def _installed() -> dict[str, str]:
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(_plain(name), distribution.version)
    return found


def _plain(name: str) -> str:
    """A name as all of its spellings have it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _core(names: tuple[str, ...], installed: Mapping[str, str]) -> Checkup:
    lacking = [name for name in names if name not in installed]
    version = installed.get(_PROGRAM, "of an unknown version")
    if lacking:
        mend = f"pip install {_PROGRAM}"
        return Checkup("python", _PROGRAM, "broken", f"{version}, without {', '.join(lacking)}", mend=mend)
    return Checkup("python", _PROGRAM, "works", version)


def _extra(extra: str, use: str, names: tuple[str, ...], installed: Mapping[str, str]) -> Checkup:
    lacking = [name for name in names if name not in installed]
    if not lacking:
        return Checkup(extra, f"[{extra}]", "works", f"all {len(names)} libraries are installed", use)
    some = ", ".join(lacking[:4]) + (f" and {len(lacking) - 4} more" if len(lacking) > 4 else "")
    found = f"not installed: {some}" if len(lacking) < len(names) else "not installed"
    return Checkup(extra, f"[{extra}]", "missing", found, use, f"pip install '{_PROGRAM}[{extra}]'")


def _tested(installed: Mapping[str, str]) -> Checkup:
    """Whether libraries have the versions of the constraints file of this Python, which were tested together."""
    file = _constraints(_version())
    if file is None:
        return Checkup("python", "versions", "differs", f"no set of versions was tested on Python {_version()}")
    tested = _pins(file.read_text(encoding="utf-8"))
    both = [name for name in tested if name in installed]
    other = [
        f"{name} {installed[name]} (tested: {tested[name]})" for name in both if not _same(name, tested, installed)
    ]
    if not other:
        return Checkup("python", "versions", "works", f"all {len(both)} libraries are those that were tested together")
    some = ", ".join(other[:5]) + (f" and {len(other) - 5} more" if len(other) > 5 else "")
    mend = f"pip install '{_PROGRAM}[export]' -c {file}"
    return Checkup("python", "versions", "differs", f"{len(other)} of {len(both)} differ: {some}", mend=mend)


def _same(name: str, tested: Mapping[str, str], installed: Mapping[str, str]) -> bool:
    """Local versions (``2.14.0+cpu``) are builds of the same release."""
    return tested[name].partition("+")[0] == installed[name].partition("+")[0]


def _constraints(version: str) -> Path | None:
    """The file beside the package, as wheels have it, or in the folder that it is developed in."""
    package = Path(__file__).resolve().parents[2]
    places = (package / "constraints", package.parent / "constraints")
    return next((path for place in places if (path := place / f"{version}.txt").is_file()), None)


def _pins(text: str) -> dict[str, str]:
    lines = (line.partition(";")[0].strip() for line in text.splitlines())
    pairs = (line.partition("==") for line in lines if "==" in line and not line.startswith("#"))
    return {_plain(name): version for name, _, version in pairs}
