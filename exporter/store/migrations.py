"""From the records that earlier releases wrote to today's, one function a step."""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from exporter.data.facts.profile import measured
from exporter.data.results.samples import Samples, TargetSamples
from profilers.readings import Reading

Document = dict[str, Any]
THIS_MACHINE = "this machine"


def from_1_to_2(document: Document) -> Document:
    """Readings in figures, this machine's apart from each device's; errors of devices in profiles of theirs."""
    created = datetime.fromisoformat(document["created_at"])
    targets = [_target_2(dict(target), created) for target in document["targets"]]
    return {**document, "schema_version": 2, "targets": targets}


STEPS: Mapping[int, Callable[[Document], Document]] = {1: from_1_to_2}
"""Each takes a document of the version that it is filed under to the next version."""


def migrated(document: Document, version: int, known: int) -> Document:
    """`document`, which has `version`, as version `known` has it."""
    for step in range(version, known):
        document = STEPS[step](document)
    return document


def samples_of_1(document: Document) -> Samples:
    """The raw samples that a record of version 1 holds itself."""
    return Samples(targets={target["name"]: _samples(target) for target in document["targets"]})


def _samples(target: Document) -> TargetSamples:
    here, elsewhere = _outside_profiles(target)
    profiled = {item["device"]: _readings(item) for item in target.get("profiles", ()) if item.get("result")}
    return TargetSamples(host=here, profiles={**elsewhere, **profiled})


def _target_2(target: Document, created: datetime) -> Document:
    here, elsewhere = _outside_profiles(target)
    profiles = [_profile_2(dict(item), created) for item in target.pop("profiles", ())]
    profiles += [_of_readings(device, readings, created) for device, readings in elsewhere.items()]
    profiles += _errors(target.pop("device_errors", ()), profiles)
    del target["readings"]
    target.pop("caveats", None)
    return {**target, "host": _measured(here, created) if here else None, "profiles": profiles}


def _profile_2(item: Document, created: datetime) -> Document:
    result = item.pop("result")
    if result is None:
        return item
    readings = _readings({"result": result})
    kept = {key: result[key] for key in ("artifact", "sha256", "plan", "outputs", "ops", "warnings", "rejected")}
    return {**item, **kept, "info": result["device"], "measured": _measured(readings, created)}


def _of_readings(device: str, readings: tuple[Reading, ...], created: datetime) -> Document:
    """The profile of a device of which a record had readings alone: 0.1 knew no profiles."""
    info = {"serial": device, "kind": "unknown", "environment": readings[0].environment}
    return {"device": device, "info": info, "measured": _measured(readings, created)}


def _errors(sentences: Iterable[str], profiles: Iterable[Document]) -> list[Document]:
    """A profile for each error that no profile tells."""
    told = {f"{item['device']}: {item['error']}" for item in profiles if item.get("error")}
    pairs = [sentence.partition(": ") for sentence in sentences if sentence not in told]
    return [{"device": device, "error": error} for device, _, error in pairs]


def _outside_profiles(target: Document) -> tuple[tuple[Reading, ...], dict[str, tuple[Reading, ...]]]:
    """Readings of this machine, and by device those of others, that no profile holds."""
    profiled = [reading for item in target.get("profiles", ()) if item.get("result") for reading in _readings(item)]
    rest = [one for one in map(_reading, target.get("readings", ())) if one not in profiled]
    here = tuple(one for one in rest if one.device == THIS_MACHINE)
    devices = dict.fromkeys(one.device for one in rest if one.device != THIS_MACHINE)
    return here, {device: tuple(one for one in rest if one.device == device) for device in devices}


def _readings(item: Document) -> tuple[Reading, ...]:
    return tuple(map(_reading, item["result"]["readings"]))


def _reading(document: Document) -> Reading:
    """A reading of version 1, which wrote samples that are NaN or infinite as null."""
    samples = [math.nan if sample is None else sample for sample in document["samples"]]
    return Reading.model_validate({**document, "samples": samples})


def _measured(readings: tuple[Reading, ...], created: datetime) -> Document:
    return measured(readings, created).model_dump(mode="json")
