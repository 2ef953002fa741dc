"""Compressed sizes of streams: deflate as bundletool counts it, LZFSE as the App Store packs; in bounded memory.

Streams of up to `EXACT_BYTES` are compressed whole, so their figures are those of the reference encoders. Longer ones
are cut into blocks. LZFSE pays a few matches at each cut, below 0.1 % of weights. Deflate is estimated: Intel's ISA-L
compresses every block, ten times as fast as zlib, and zlib every `SAMPLE_EVERY`-th one, primed with the 32 KiB before
it; the ratio of the two over the sampled blocks corrects the sum (the ratio estimator; Cochran, Sampling Techniques).
"""

import os
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, Literal, NamedTuple

Codec = Literal["gzip", "lzfse"]

EXACT_BYTES = 16 << 20
BLOCK_BYTES: dict[Codec, int] = {"gzip": 1 << 20, "lzfse": 4 << 20}
SAMPLE_EVERY = 4
WINDOW_BYTES = 32 << 10
# Apps have tens of thousands of small files: they go to the workers in batches.
SMALL_BYTES = 64 << 10
BATCH = 64
# Blocks that are read but not yet compressed.
IN_FLIGHT_BYTES = 24 << 20
GZIP_FRAME_BYTES = 18
ZLIB_FRAME_BYTES = 6
GZIP_FRAME = 31


class Job(NamedTuple):
    """A stream to compress.

    Attributes:
        key: what its result is filed under.
        size: bytes that `open` will give.
        open: gives the stream as a context manager.
    """

    key: str
    size: int
    open: Callable[[], AbstractContextManager[BinaryIO]]


class Compressed(NamedTuple):
    """Compressed bytes of a stream, never more than the stream itself: stores ship the smaller of the two."""

    size: int
    estimated: bool


@dataclass
class _Sum:
    """Sizes of one stream's blocks as they come in."""

    job: Job
    exact: bool
    blocks: list[Future[tuple[int, int, int]]] = field(default_factory=list)

    def result(self) -> Compressed:
        found = [block.result() for block in self.blocks]
        size = sum(fast for fast, _, _ in found)
        sampled = sum(sample_fast for _, sample_fast, _ in found)
        if sampled:
            size = round(size * sum(slow for _, _, slow in found) / sampled)
        return Compressed(min(size, self.job.size), estimated=not self.exact)


class _Budget:
    """Bytes that may wait for a worker; a stream longer than the whole budget waits for all of it."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._free = total
        self._changed = threading.Condition()

    def take(self, size: int) -> int:
        size = min(size, self._total)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= size)
            self._free -= size
        return size

    def give(self, size: int) -> None:
        with self._changed:
            self._free += size
            self._changed.notify_all()


def compressed_sizes(jobs: Iterable[Job], codec: Codec, *, exact: bool = False) -> dict[str, Compressed]:
    """Compressed size of every job.

    Args:
        jobs: streams; each is opened once, read to its end, and closed.
        codec: ``gzip`` is zlib's default level in a gzip frame, byte for byte what Java's GZIPOutputStream writes and
            bundletool counts; ``lzfse`` is Apple's reference encoder.
        exact: compress whole streams however long they are: slower, and with LZFSE in memory of twice the longest.
    """
    budget = _Budget(IN_FLIGHT_BYTES)
    sums: list[_Sum] = []
    batches: list[Future[dict[str, Compressed]]] = []
    waiting: dict[str, bytes] = {}
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        try:
            for job in jobs:
                if job.size > SMALL_BYTES:
                    sums.append(_submit(job, codec, exact, pool, budget))
                    continue
                with job.open() as stream:
                    waiting[job.key] = stream.read()
                if len(waiting) >= BATCH:
                    batches.append(pool.submit(_compress_whole, codec, waiting))
                    waiting = {}
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    found = _compress_whole(codec, waiting)
    for batch in batches:
        found.update(batch.result())
    return {**found, **{one.job.key: one.result() for one in sums}}


def _compress_whole(codec: Codec, contents: dict[str, bytes]) -> dict[str, Compressed]:
    return {
        key: Compressed(min(_compress(codec, content, True, None)[0], len(content)), estimated=False)
        for key, content in contents.items()
    }


def gzip_size(stream: BinaryIO) -> int:
    """Bytes of `stream` through java.util.zip.GZIPOutputStream (zlib, default level, 18 bytes of frame)."""
    encoder = zlib.compressobj(wbits=GZIP_FRAME)
    size = 0
    while block := stream.read(1 << 20):
        size += len(encoder.compress(block))
    return size + len(encoder.flush())


def _submit(job: Job, codec: Codec, exact: bool, pool: ThreadPoolExecutor, budget: _Budget) -> _Sum:
    whole = exact or job.size <= EXACT_BYTES
    one = _Sum(job, exact=whole)
    with job.open() as stream:
        if whole and codec == "gzip" and job.size > EXACT_BYTES:
            done: Future[tuple[int, int, int]] = Future()
            done.set_result((gzip_size(stream), 0, 0))
            one.blocks.append(done)
            return one
        window = b""
        for number, block in enumerate(_blocks(stream, job.size if whole else BLOCK_BYTES[codec])):
            taken = budget.take(len(block))
            sampled = codec == "gzip" and not whole and number % SAMPLE_EVERY == 0
            task = pool.submit(_compress, codec, block, whole, window if sampled else None)
            task.add_done_callback(partial(_give_back, budget, taken))
            one.blocks.append(task)
            window = block[-WINDOW_BYTES:]
    return one


def _give_back(budget: _Budget, taken: int, _: Future[tuple[int, int, int]]) -> None:
    budget.give(taken)


def _blocks(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while block := stream.read(max(size, 1)):
        yield block


def _compress(codec: Codec, block: bytes, whole: bool, window: bytes | None) -> tuple[int, int, int]:
    """Compressed bytes of `block`; and, when `window` makes it a sample, its bytes by ISA-L and by zlib."""
    if codec == "lzfse":
        import lzfse

        return len(lzfse.compress(block)), 0, 0
    if whole:
        return len(zlib.compress(block)) - ZLIB_FRAME_BYTES + GZIP_FRAME_BYTES, 0, 0
    from isal import isal_zlib

    fast = len(isal_zlib.compress(block, 1, -15))
    if window is None:
        return fast, 0, 0
    encoder = zlib.compressobj(wbits=-15, zdict=window) if window else zlib.compressobj(wbits=-15)
    return fast, fast, len(encoder.compress(block)) + len(encoder.flush())
