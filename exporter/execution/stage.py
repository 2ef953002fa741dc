"""One runner for every stage of a run: it keys, caches, times and reports them all."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter

from exporter.data.base import Frozen
from exporter.data.progress import Advance, Progress
from exporter.data.results.record import StageTime
from exporter.store.cache import Cache, key_of
from exporter.store.code import code_digest

Value = TypeVar("Value")


@dataclass(frozen=True)
class Stage:
    """A piece of work whose result depends on nothing but the code, the tools and `decided_by`.

    Attributes:
        name: of the kind of work, as records have it.
        about: what it is done for: a target, a file, the model.
        says: what is being done, for people; empty where the work tells of itself.
        decided_by: everything else that decides the result, JSON-able.
        shared: it is true wherever it was found out, and so may come from another machine.
    """

    name: str
    about: str
    says: str
    decided_by: tuple[Any, ...]
    shared: bool = True


@dataclass(frozen=True)
class Done(Generic[Value]):
    """What a stage gave, under which key, and whether the cache had it."""

    value: Value
    key: str
    from_cache: bool


class StageRunner:
    """Runs stages, each unless the cache has its result.

    Args:
        cache: keeps results under keys that decide them.
        progress: is told what is being done.
        tools: gives the versions of the libraries that decide results.
        force: do everything anew.

    Attributes:
        progress: may be exchanged.
        times: of all stages until now.
    """

    def __init__(
        self, cache: Cache, progress: Progress, tools: Callable[[], dict[str, str]], *, force: bool = False
    ) -> None:
        self._cache = cache
        self.progress = progress
        self._tools = tools
        self._force = force
        self.times: list[StageTime] = []

    def key(self, stage: Stage) -> str:
        """Everything that decides the stage's result."""
        return key_of(stage.name, code_digest(), self._tools(), *stage.decided_by)

    def value(self, stage: Stage, kind: Any, compute: Callable[[Advance], Value]) -> Done[Value]:
        """A value of type `kind`, computed unless it is known."""
        known = self.known(stage, kind)
        if known is not None:
            return Done(known, self.key(stage), from_cache=True)
        with self.working(stage) as advance:
            found = compute(advance)
        self.keep(stage, kind, found)
        return Done(found, self.key(stage), from_cache=False)

    def folder(self, stage: Stage, fill: Callable[[Path], None]) -> Done[Path]:
        """A folder of files, filled unless it is known."""
        key, started = self.key(stage), time.monotonic()
        if self._force:
            self._cache.drop(key)
        entry = None if self._force else self._kept(stage).find(key)
        if entry is not None:
            self._told(stage, started, from_cache=True)
            return Done(entry, key, from_cache=True)
        with self.working(stage):
            return Done(self._kept(stage).store(key, fill), key, from_cache=False)

    def known(self, stage: Stage, kind: Any) -> Any:
        """The value that the cache has; None where it has none, or all is done anew."""
        started = time.monotonic()
        found = None if self._force else self._kept(stage).read_json(self.key(stage), _adapter(kind).validate_python)
        if found is not None:
            self._told(stage, started, from_cache=True)
        return found

    def keep(self, stage: Stage, kind: Any, value: Any) -> None:
        """Have the cache know `value` for the stage, instead of what it knew."""
        key = self.key(stage)
        self._cache.drop(key)
        self._kept(stage).store_json(key, json.loads(_adapter(kind).dump_json(value)))

    @contextmanager
    def working(self, stage: Stage) -> Iterator[Advance]:
        """Report and time what is done inside as the stage's work."""
        started = time.monotonic()
        with self.progress.stage(stage.says) if stage.says else nullcontext(_nothing) as advance:
            yield advance
        self._told(stage, started, from_cache=False)

    def _kept(self, stage: Stage) -> Cache:
        return self._cache if stage.shared else self._cache.alone()

    def _told(self, stage: Stage, started: float, *, from_cache: bool) -> None:
        taken = time.monotonic() - started
        self.times.append(StageTime(name=stage.name, about=stage.about, duration_s=taken, from_cache=from_cache))


def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Reads and writes values of `kind`; what JSON has no number for is kept as in all data."""
    own = isinstance(kind, type) and issubclass(kind, BaseModel)
    return TypeAdapter(kind, config=None if own else Frozen.model_config)


def _nothing(done: int, total: int) -> None:
    """For work that tells of itself."""
