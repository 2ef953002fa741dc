"""Compressed sizes: exact where they say so, near where they are estimated, the same in any order."""

import gzip
import io
import random
import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

import lzfse
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.sizes.codecs import EXACT_BYTES, Codec, Compressed, Job, compressed_sizes, gzip_size

GZIP_OUTPUT_STREAM = """
import java.io.*; import java.util.zip.*;
public class Gzip { public static void main(String[] names) throws Exception { for (String name : names) {
  ByteArrayOutputStream out = new ByteArrayOutputStream();
  try (InputStream in = new FileInputStream(name); GZIPOutputStream zip = new GZIPOutputStream(out)) {
    in.transferTo(zip); }
  System.out.println(out.size()); } } }
"""


def opener(content: bytes) -> Callable[[], AbstractContextManager[BinaryIO]]:
    return lambda: nullcontext(io.BytesIO(content))


def sizes(contents: list[bytes], codec: Codec, *, exact: bool = False) -> list[Compressed]:
    jobs = [Job(str(number), len(content), opener(content)) for number, content in enumerate(contents)]
    found = compressed_sizes(jobs, codec, exact=exact)
    return [found[str(number)] for number in range(len(contents))]


def samples(size: int) -> dict[str, bytes]:
    rng = np.random.default_rng(5)
    return {
        "float32": rng.standard_normal(size // 4, dtype=np.float32).tobytes(),
        "int8": (rng.standard_normal(size, dtype=np.float32) * 30).astype(np.int8).tobytes(),
        "palette": rng.standard_normal(16, dtype=np.float32)[rng.integers(0, 16, size // 4)].tobytes(),
        "sparse": (rng.standard_normal(size // 4, dtype=np.float32) * (rng.random(size // 4) < 0.25)).tobytes(),
        "zeros": bytes(size),
        "text": b"the quick brown fox %d " * (size // 23),
        "mixed": bytes(size // 4) + rng.bytes(size // 4) + b"layer" * (size // 20) + rng.bytes(size // 4),
    }


@settings(deadline=None)
@given(st.binary(max_size=3000))
def test_gzip_is_what_the_gzip_module_writes(content: bytes) -> None:
    """bundletool's rule is byte for byte: the smaller of the file and its gzip at the default level."""
    expected = len(gzip.compress(content, 6))
    assert gzip_size(io.BytesIO(content)) == expected
    assert sizes([content], "gzip") == [Compressed(min(expected, len(content)), estimated=False)]


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=3000))
def test_lzfse_is_the_reference_encoder(content: bytes) -> None:
    """The App Store's codec; what it cannot shrink is shipped as it is."""
    assert sizes([content], "lzfse")[0].size == min(len(lzfse.compress(content)), len(content))
    assert lzfse.decompress(lzfse.compress(content)) == content


@pytest.mark.skipif(shutil.which("java") is None, reason="no Java here to compare with")
def test_gzip_is_what_java_writes(tmp_path: Path) -> None:
    """bundletool uses java.util.zip.GZIPOutputStream; the estimate must be its figure."""
    program = tmp_path / "Gzip.java"
    program.write_text(GZIP_OUTPUT_STREAM)
    contents = [sample[:300_000] for sample in samples(400_000).values()]
    paths = []
    for number, content in enumerate(contents):
        paths.append(tmp_path / f"{number}.bin")
        paths[-1].write_bytes(content)
    command = ["java", str(program), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert [int(line) for line in done.stdout.split()] == [gzip_size(io.BytesIO(content)) for content in contents]


@pytest.mark.parametrize("name", list(samples(400)))
@pytest.mark.parametrize("codec", ["gzip", "lzfse"])
def test_an_estimate_of_a_long_stream_is_within_two_percent(name: str, codec: Codec) -> None:
    """Long streams are cut into blocks to use every core; that must not move a gate."""
    content = samples(EXACT_BYTES + 3_000_000)[name]
    estimate = sizes([content], codec)[0]
    real = gzip_size(io.BytesIO(content)) if codec == "gzip" else len(lzfse.compress(content))
    assert estimate.estimated
    assert estimate.size == pytest.approx(real, rel=0.02, abs=4000)


def test_exact_means_exact() -> None:
    """`--exact` exists for releases where a figure is quoted."""
    content = samples(EXACT_BYTES + 100_000)["int8"]
    assert sizes([content], "gzip", exact=True) == [Compressed(len(gzip.compress(content, 6)), estimated=False)]


def test_the_order_of_streams_does_not_matter() -> None:
    """Threads finish in any order."""
    contents = [random.Random(number).randbytes(number * 997) + bytes(number * 500) for number in range(40)]
    forward = sizes(contents, "lzfse")
    assert forward == sizes(contents[::-1], "lzfse")[::-1]


@pytest.mark.parametrize("content", [b"", b"x"])
def test_nothing_gets_larger_by_being_shipped(content: bytes) -> None:
    """The smaller of raw and compressed is sent."""
    for codec in ("gzip", "lzfse"):
        assert sizes([content], codec)[0].size == len(content)
