"""WAV files: samples as the model takes them, at its rate, or what is wrong with which file."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec
from tests.exporter.datasets.kinds.made import RATE, SAMPLES, audio, opened, speech, tone, write_wav


def test_samples_are_shares_of_full_scale_with_zeros_behind(tmp_path: Path) -> None:
    data = opened(audio(tmp_path), "class", SAMPLES)
    value = data.read(0)[0]
    assert value.shape == (1, 120)
    np.testing.assert_allclose(value[0, :100] * 32768, tone(0))
    assert not value[0, 100:].any()
    assert data.class_names == ("no", "yes")
    assert data.labels == (0, 0, 1, 1)
    assert opened(tmp_path, "class", SAMPLES, names=("yes", "no")).labels == (1, 1, 0, 0)


def test_longer_clips_are_cut_and_channels_are_mixed(tmp_path: Path) -> None:
    both = np.stack([np.full(200, 8192), np.full(200, 16384)], 1).astype(np.int16)
    write_wav(tmp_path / "x.wav", both, channels=2)
    np.testing.assert_allclose(opened(tmp_path, None, SAMPLES).read(0)[0], np.full((1, 120), 0.375))


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [("u1", 192, 0.5), ("i2", -16384, -0.5), ("i4", 2**30, 0.5), ("f4", 0.25, 0.25), ("f8", -1.0, -1.0)],
)
def test_every_type_of_samples_has_its_scale(kind: str, value: float, wanted: float, tmp_path: Path) -> None:
    wavfile.write(tmp_path / "x.wav", RATE, np.full(120, value, kind))
    assert opened(tmp_path, None, SAMPLES).read(0)[0] == pytest.approx(wanted)


def test_another_rate_is_refused_and_named(tmp_path: Path) -> None:
    """A clip played at another speed is another word."""
    given = audio(tmp_path)
    with pytest.raises(UsageProblem, match=r"no/0\.wav has 8000 samples a second, not 16000"):
        opened(given, "class", SAMPLES, settings={"sample_rate": 16000})
    assert opened(given, "class", SAMPLES, settings={"sample_rate": RATE}).size == 4
    write_wav(tmp_path / "yes" / "9.wav", tone(9), rate=11025)
    with pytest.raises(UsageProblem, match=r"yes/9\.wav has 11025 samples a second, not 8000"):
        opened(given, "class", SAMPLES)


def cut_short(content: bytes) -> bytes:
    return content[:-20]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (cut_short, "is damaged: 180 of 200 bytes of samples are there"),
        (lambda content: content[:10], "ends in its header"),
        (lambda content: content[:30], "ends in its header"),
        (lambda content: b"OggS" + content[4:], "is no WAV file"),
        (lambda content: content.replace(b"fmt ", b"junk"), "says no sample rate"),
    ],
)
def test_damaged_files_are_named_before_anything_is_converted(change: Any, says: str, tmp_path: Path) -> None:
    given = audio(tmp_path)
    path = next(tmp_path.rglob("1.wav"))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UsageProblem, match=rf"1\.wav.*{says}"):
        opened(given, "class", SAMPLES)


def test_files_that_cannot_be_decoded_are_named(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", tone(0, 0))
    write_wav(tmp_path / "b.wav", tone(0))
    content = (tmp_path / "b.wav").read_bytes()
    (tmp_path / "b.wav").write_bytes(content[:20] + struct.pack("<H", 85) + content[22:])
    wavfile.write(tmp_path / "c.wav", RATE, np.full(9, np.nan, np.float32))
    data = opened(tmp_path, None, SAMPLES)
    for index, says in enumerate(("has no samples", "cannot be read: Unknown wave file format", "are no numbers")):
        with pytest.raises(UsageProblem, match=says):
            data.read(index)


def test_transcripts_are_texts(tmp_path: Path) -> None:
    data = opened(speech(tmp_path), "text", SAMPLES)
    assert data.truths is not None
    assert [data.truths(index) for index in range(3)] == [f"words of {index}" for index in range(3)]
    (tmp_path / "transcripts.txt").unlink()
    (tmp_path / "transcripts.csv").write_text('path,text,label\nclip-1.wav,"one, two",3\n')
    texts, labels = opened(tmp_path, "text", SAMPLES), opened(tmp_path / "transcripts.csv", "class", SAMPLES)
    assert texts.truths is not None
    assert texts.truths(0) == "one, two"
    assert labels.labels == (3,)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("transcripts.txt", "clip-1 a\nclip-7 b\n", r"transcripts\.txt, line 2: there is no file clip-7\.wav"),
        ("transcripts.txt", "\n", "has no lines"),
        ("transcripts.csv", "path,text\nclip-1.wav,a\nclip-7.wav,b\n", r"line 3: there is no file .*clip-7\.wav"),
        ("transcripts.csv", "file,text\nclip-1.wav,a\n", "must be path,label or path,text"),
        ("transcripts.csv", "path,text\nclip-1.wav\n", "line 2: too many or too few"),
        ("transcripts.csv", "path,label\nclip-1.wav,no\n", "line 2: label 'no' is neither"),
    ],
)
def test_mistakes_of_transcripts_are_named_by_their_line(name: str, text: str, says: str, tmp_path: Path) -> None:
    speech(tmp_path)
    (tmp_path / "transcripts.txt").unlink()
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageProblem, match=says):
        opened(tmp_path, "text", SAMPLES)


SPECTRUM = (InputSpec(name="spectrum", shape=(1, 4, 5)), InputSpec(name="length", shape=(1, 1), dtype="int64"))
FRONT_END = """
import numpy as np


def front_end(samples, rate):
    assert samples.dtype == np.float32
    return np.full((1, 4, 5), samples.max(), np.float32), np.array([len(samples) * 8000 // rate])


def short(samples, rate):
    return np.zeros((4, 4)), np.zeros(1)


def one(samples, rate):
    return np.zeros((4, 5))


def none(samples, rate):
    return np.full((4, 5), np.nan), np.zeros(1)


def broken(samples, rate):
    raise KeyError("mel")
"""


def test_the_model_s_own_front_end_makes_the_inputs(tmp_path: Path) -> None:
    given = audio(tmp_path)
    file = tmp_path / "own_front_end.py"
    file.write_text(FRONT_END)
    settings = {"front_end": f"{file}:front_end"}
    data = opened(given, "class", SPECTRUM, settings=settings)
    spectrum, length = data.read(0)
    assert spectrum.shape == (4, 5)
    assert spectrum[0, 0] == pytest.approx(tone(0).max() / 32768)
    np.testing.assert_array_equal(length, [100])
    file.write_text(FRONT_END + "\n# another front end\n")
    assert opened(given, "class", SPECTRUM, settings=settings).digest != data.digest


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("short", r"gives \[4, 4\] for input spectrum, which takes \[4, 5\]"),
        ("one", "gives 1 arrays for 2 inputs"),
        ("none", "NaN or infinite"),
        ("broken", "the front end failed: KeyError"),
    ],
)
def test_a_front_end_that_fails_is_named_with_the_file(name: str, says: str, tmp_path: Path) -> None:
    given = audio(tmp_path)
    (tmp_path / "own_front_end.py").write_text(FRONT_END)
    data = opened(given, "class", SPECTRUM, settings={"front_end": f"{tmp_path / 'own_front_end.py'}:{name}"})
    with pytest.raises(UsageProblem, match=rf"no/0\.wav: the front end.*{says}|no/0\.wav: {says}"):
        data.read(0)


def test_a_model_of_spectra_needs_a_front_end(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"inputs are spectrum \[1, 4, 5\].*front_end ="):
        opened(audio(tmp_path), "class", SPECTRUM[:1])
