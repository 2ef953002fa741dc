"""Which workers of a cluster are there, and which of them have this program as it is here."""

import asyncio
import time
from contextlib import suppress
from typing import Any

from exporter.data.errors import first_line
from exporter.execution.executors.on_worker import facts

_EVERY_S = 0.5
_WORKER_S = 60.0
"""For a worker to say what it is: it imports this program for that."""


class Roll:
    """Asks the scheduler again and again, and every new worker once, beside whatever else is done.

    Args:
        client: of Dask, in whose thread it asks.
        own: what this program is, and workers have to be.
    """

    def __init__(self, client: Any, own: dict[str, str]) -> None:
        self._client, self._own = client, own
        self._there: dict[str, int] = {}
        self._accepted: set[str] = set()
        self._refused: dict[str, str] = {}
        self._asked: dict[str, asyncio.Task[None]] = {}
        self._answered = self._had = time.monotonic()
        self._watching = asyncio.run_coroutine_threadsafe(self._watch(), client.loop.asyncio_loop)

    @property
    def present(self) -> dict[str, int]:
        """The workers that can be used, each with its threads."""
        return {address: threads for address, threads in self._there.items() if address in self._accepted}

    @property
    def refused(self) -> dict[str, str]:
        """Those that cannot, each with the reason."""
        return dict(self._refused)

    @property
    def none_but_refused(self) -> bool:
        """Whether there are workers, and all of them are refused."""
        there = self._there.keys()
        return bool(there) and there <= self._refused.keys()

    @property
    def silent_s(self) -> float:
        """For how long the scheduler has not answered."""
        return time.monotonic() - self._answered

    @property
    def alone_s(self) -> float:
        """For how long no worker has been there that can be used."""
        return time.monotonic() - self._had

    def close(self) -> None:
        """Ask no more."""
        self._watching.cancel()

    async def _watch(self) -> None:
        while True:
            with suppress(OSError):  # it is silent: who asks for how long says so
                self._there = dict(await self._client.nthreads(asynchronous=True))
                self._answered = time.monotonic()
                self._meet()
            await asyncio.sleep(_EVERY_S)

    def _meet(self) -> None:
        """Ask those that are new, and see who has said what it is."""
        for address in self._there.keys() - self._asked.keys():
            self._asked[address] = asyncio.create_task(self._ask(address))
        if self.present or any(not task.done() for task in self._asked.values()):
            self._had = time.monotonic()

    async def _ask(self, address: str) -> None:
        question = self._client.run(facts, workers=[address], on_error="return", asynchronous=True)
        try:
            answer = (await asyncio.wait_for(question, _WORKER_S)).get(address)
        except OSError as error:  # it is gone, or silent: TimeoutError is one
            answer = error
        reason = difference(self._own, answer)
        if reason is None:
            self._accepted.add(address)
        else:
            self._refused[address] = reason


def difference(own: dict[str, str], answer: Any) -> str | None:
    """Why a worker gives other results, of what it answered; None where it gives the same."""
    if not isinstance(answer, dict):
        said = first_line(answer) if isinstance(answer, Exception) else "it does not answer"
        return f"it cannot run mobile-export ({said})."
    names = sorted(name for name in own.keys() | answer.keys() if own.get(name) != answer.get(name))
    if not names:
        return None
    differ = [f"{name} is {answer.get(name, 'missing')} there and {own.get(name, 'missing')} here" for name in names]
    more = f", and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(differ[:3])}{more}. Install the same there, and restart the worker."
