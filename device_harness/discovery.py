"""Every device that can be reached now, and opening one by its serial: all finders are asked at once."""

import importlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from device_harness.errors import CommandTimeoutError, DeviceError, DeviceNotFoundError
from device_harness.facts import DeviceInfo, DeviceState
from device_harness.finder import DeviceKind, Finder, Found
from device_harness.protocol import Device

# Name -> module with FINDER. A new way to devices is one row; the order is that of the listing.
FINDERS: Mapping[str, str] = {
    "this machine": "device_harness.local",
    "this Mac": "device_harness.apple.mac",
    "devicectl": "device_harness.apple.phone",
    "simctl": "device_harness.apple.simulator",
    "pymobiledevice3": "device_harness.apple.pymobiledevice",
    "adb": "device_harness.adb.finder",
}
# Longer than the limits of the finders' own commands, which say more when they are over.
LISTING_LIMIT_S = 45.0
ASKING_LIMIT_S = 6.0
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Problem:
    """A way to devices that is wanted and failed, with the reason and the next step."""

    source: str
    kinds: tuple[DeviceKind, ...]
    message: str

    def __str__(self) -> str:
        return f"{self.source}: {self.message}"


@dataclass(frozen=True)
class Listing:
    """What was found: one entry a device, and what kept others from being found."""

    found: tuple[Found, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def devices(self) -> tuple[DeviceInfo, ...]:
        """What is known of each device."""
        return tuple(found.info for found in self.found)

    def open(self, name: str) -> Device:
        """A session with a listed device; one that is not listed is looked for, see `open_device`."""
        listed = next((found for found in self.found if name in found.info.names), None)
        return open_device(name) if listed is None else listed.session()


def discover(finders: Sequence[Finder] | None = None) -> Listing:
    """This machine, every Apple device and every device behind adb.

    A device that is ready is asked what it is; one that does not answer is listed with the reason. A device that is
    seen by several ways is listed once, by the first of them.

    Args:
        finders: those to ask; None takes all of the table.
    """
    listing = listed(finders)
    return Listing(tuple(one_each(asked(listing.found))), listing.problems)


def listed(finders: Sequence[Finder] | None = None) -> Listing:
    """As `discover`, of what the tools tell alone: no device is asked, which would disturb one that measures."""
    seen, problems = _listed(load_finders() if finders is None else finders)
    return Listing(tuple(seen), tuple(problems))


def asked(seen: Sequence[Found]) -> list[Found]:
    """Devices with all that is known of them; those that do not answer in time with the reason."""
    answers = at_once([_asking(found) for found in seen], ASKING_LIMIT_S)
    return [_answered(found, answer) for found, answer in zip(seen, answers, strict=True)]


def open_device(serial: str, finders: Sequence[Finder] | None = None) -> Device:
    """A session with the device that has this serial or name; ``local`` is this machine.

    Every finder is asked; the first that knows it opens it.

    Raises:
        DeviceNotFoundError: none knows it; the message has what kept others from being found.
        DeviceError: it cannot be used; the type and message say why.
    """
    known = load_finders() if finders is None else finders
    here = next((found for found in _here(known) if serial in found.info.names), None)
    if here is not None:
        return here.session()
    seen, problems = _listed(known, enough=lambda found: serial in found.info.names)
    for found in seen:
        if serial in found.info.names:
            return found.session()
    for finder in known:
        opening = finder.reach(serial)
        if opening is not None:
            return opening()
    reasons = " ".join(map(str, problems))
    raise DeviceNotFoundError(
        f"{serial}: there is no such device. `mobile-export devices` lists those there are. {reasons}".strip(),
        serial=serial,
    )


def load_finders() -> list[Finder]:
    """Those of the table."""
    return [importlib.import_module(module).FINDER for module in FINDERS.values()]


def device_kinds() -> dict[str, DeviceKind]:
    """By name, in the order of the table."""
    return {kind.name: kind for finder in load_finders() for kind in finder.kinds}


@dataclass(frozen=True)
class Outcome(Generic[Answer]):
    """What became of a piece of work: its answer, or why there is none."""

    answer: Answer | None
    error: DeviceError | None = None


def at_once(
    works: Sequence[Callable[[], Answer]], limit_s: float, enough: Callable[[Answer], bool] = lambda answer: False
) -> list[Outcome[Answer]]:
    """Do all at the same time; what is not done after `limit_s` is given up and ends by its own limits.

    Args:
        works: what is to be done.
        limit_s: longest time of all together.
        enough: whether an answer makes the others superfluous.
    """
    outcomes: list[Outcome[Answer]] = [
        Outcome(None, CommandTimeoutError(f"it did not answer within {limit_s:g} s")) for _ in works
    ]

    done: queue.SimpleQueue[tuple[int, Outcome[Answer]]] = queue.SimpleQueue()

    def do(position: int, work: Callable[[], Answer]) -> None:
        try:
            done.put((position, Outcome(work())))
        except DeviceError as error:
            done.put((position, Outcome(None, error)))

    for item in enumerate(works):
        threading.Thread(target=do, args=item, daemon=True).start()
    end = time.monotonic() + limit_s
    for _ in works:
        try:
            position, outcome = done.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        outcomes[position] = outcome
        if outcome.answer is not None and enough(outcome.answer):
            break
    return outcomes


def _here(finders: Iterable[Finder]) -> list[Found]:
    """This machine under its names: known without asking anybody."""
    return [found for finder in finders if all(kind.here for kind in finder.kinds) for found in finder.find()]


def _listed(
    finders: Sequence[Finder], enough: Callable[[Found], bool] = lambda found: False
) -> tuple[list[Found], list[Problem]]:
    seen: list[Found] = []
    problems: list[Problem] = []
    looks = [finder.find for finder in finders]
    outcomes = at_once(looks, LISTING_LIMIT_S, lambda answer: any(map(enough, answer)))
    for finder, outcome in zip(finders, outcomes, strict=True):
        if outcome.error is not None:
            problems.append(Problem(finder.name, finder.kinds, str(outcome.error)))
        known = {found.info.serial for found in seen}
        seen += [found for found in outcome.answer or () if found.info.serial not in known]
    return seen, problems


def _asking(found: Found) -> Callable[[], DeviceInfo]:
    ready = found.info.state is DeviceState.READY
    return found.ask if ready and found.ask is not None else lambda: found.info


def _answered(found: Found, outcome: Outcome[DeviceInfo]) -> Found:
    if outcome.answer is not None:
        return replace(found, info=outcome.answer)
    told = {"state": DeviceState.UNAVAILABLE, "advice": str(outcome.error)}
    return replace(found, info=found.info.model_copy(update=told))


def one_each(seen: Sequence[Found]) -> list[Found]:
    """Each device that was asked once, by the first way to it; the serials of the other ways are kept with it."""
    first: dict[str, int] = {}
    kept: list[Found] = []
    for found in seen:
        identity = found.identity(found.info)
        at = first.get(identity) if identity is not None else None
        if at is None:
            if identity is not None:
                first[identity] = len(kept)
            kept.append(found)
        else:
            one = kept[at]
            also = {"also": (*one.info.also, found.info.serial)}
            kept[at] = replace(one, info=one.info.model_copy(update=also))
    return kept
