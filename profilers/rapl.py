"""RAPL, the energy counters of x86 processors, through Linux's powercap files."""

import threading
import time
from pathlib import Path
from typing import NamedTuple

from profilers.energy import EnergyTrace

POWERCAP = Path("/sys/class/powercap")


class Domain(NamedTuple):
    """One counter: its file, and the microjoules at which it starts again from 0."""

    name: str
    counter: Path
    wraps_at_uj: int


class RaplUnavailableError(Exception):
    """There are no readable counters; the message says why."""


def package_domains(root: Path = POWERCAP) -> list[Domain]:
    """The counters of whole processor packages.

    Raises:
        RaplUnavailableError: none are there, or they cannot be read (only root may, since Linux 5.10).
    """
    folders = sorted(folder for folder in root.glob("intel-rapl:*") if folder.name.count(":") == 1)
    if not folders:
        raise RaplUnavailableError(
            "this machine shows no energy counters (no intel-rapl in /sys/class/powercap; virtual machines have none)"
        )
    domains = []
    for folder in folders:
        try:
            name = (folder / "name").read_text(encoding="utf-8").strip()
            limit = int((folder / "max_energy_range_uj").read_text(encoding="utf-8"))
            int((folder / "energy_uj").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RaplUnavailableError(f"{folder / 'energy_uj'} cannot be read ({error}); root may read it") from error
        domains.append(Domain(name, folder / "energy_uj", limit))
    return domains


class RaplSampler:
    """Samples the package counters in a thread between entry and exit; times are of `time.monotonic`."""

    def __init__(self, domains: list[Domain], interval_s: float) -> None:
        self._domains = domains
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._rows: list[tuple[float, list[int]]] = []
        self._failure: OSError | ValueError | None = None
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "RaplSampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def trace(self) -> EnergyTrace:
        """Joules of all packages until now, wrap-arounds undone."""
        if self._failure is not None:
            raise RaplUnavailableError(f"a counter stopped being readable: {self._failure}")
        rows = list(self._rows)
        limits = [domain.wraps_at_uj for domain in self._domains]
        total, joules = 0, []
        for row, (_, counts) in enumerate(rows):
            if row:
                steps = zip(counts, rows[row - 1][1], limits, strict=True)
                total += sum(now - before if now >= before else now + limit - before for now, before, limit in steps)
            joules.append(total / 1e6)
        return EnergyTrace(tuple(at for at, _ in rows), tuple(joules))

    def _sample(self) -> None:
        while True:
            try:
                counts = [int(domain.counter.read_text(encoding="utf-8")) for domain in self._domains]
            except (OSError, ValueError) as error:
                self._failure = error
                return
            self._rows.append((time.monotonic(), counts))
            if self._stop.wait(self._interval_s):
                return
