"""Spoken words that nobody spoke: sequences of formants and noise, by many made-up speakers, in noise; seeded.

A word is three to four sounds, each of a voice's harmonics under three formants, or of hissing noise (Klatt, "Software
for a cascade/parallel formant synthesizer", 1980, much reduced). Pitch, length of the vocal tract, tempo, loudness,
place in the clip and noise differ from clip to clip.
"""

import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 16000
SAMPLES = RATE
FRAMES, BANDS = 98, 40
WINDOW, HOP, TRANSFORM = 400, 160, 512

NAMES = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "unknown", "silence")
_FORMANTS = {
    "a": (730, 1090, 2440),
    "e": (530, 1840, 2480),
    "i": (270, 2290, 3010),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
    "r": (490, 1350, 1690),
    "n": (280, 1700, 2600),
    "l": (360, 1300, 2700),
}
_HISSES = {"s": (4500, 7500), "f": (1500, 7000), "t": (3000, 6500)}
_WORDS = ("ies", "nou", "aft", "taun", "left", "rait", "onn", "off", "stof", "lou")
_SOUNDS = "".join((*_FORMANTS, *_HISSES))

Wave = NDArray[np.float32]


def clip(seed: int) -> tuple[Wave, int]:
    """Waveform (SAMPLES,) in [-1, 1] at RATE, and the place of its word in NAMES."""
    random = np.random.default_rng(seed)
    label = int(random.integers(len(NAMES)))
    wave = random.normal(0, 1, SAMPLES)
    noise = np.convolve(wave, [1, -random.uniform(-0.95, 0.5)], "same") * 10 ** random.uniform(-3.2, -1.6)
    if NAMES[label] != "silence":
        said = _said(_other_word(random) if NAMES[label] == "unknown" else _WORDS[label], random)
        start = int(random.integers(0, max(1, SAMPLES - len(said))))
        loudness = 10 ** random.uniform(-1.2, -0.2)
        end = min(SAMPLES, start + len(said))
        noise[start:end] += loudness * said[: end - start]
    return np.clip(noise, -1, 1).astype(np.float32), label


def _other_word(random: np.random.Generator) -> str:
    while True:
        word = "".join(random.choice(list(_SOUNDS), int(random.integers(2, 5))))
        if word not in _WORDS:
            return word


def _said(word: str, random: np.random.Generator) -> NDArray[np.float64]:
    pitch, tract, tempo = random.uniform(85, 255), random.uniform(0.85, 1.2), random.uniform(0.75, 1.35)
    parts = []
    for sound in word:
        length = int(RATE * tempo * random.uniform(0.09, 0.15))
        part = _voiced(sound, length, pitch, tract, random) if sound in _FORMANTS else _hiss(sound, length, random)
        fade = np.minimum(1, np.minimum(np.arange(length), np.arange(length)[::-1]) / (0.015 * RATE))
        parts.append(part * fade)
    return np.concatenate(parts)


def _voiced(sound: str, length: int, pitch: float, tract: float, random: np.random.Generator) -> NDArray[np.float64]:
    time = np.arange(length) / RATE
    bend = pitch * (1 + random.uniform(-0.12, 0.12) * time / max(time[-1], 1e-3))
    phase = 2 * np.pi * np.cumsum(bend) / RATE
    numbers = np.arange(1, int(4000 / pitch))
    places = numbers * pitch
    strength = np.zeros(len(numbers))
    for formant, width, weight in zip(_FORMANTS[sound], (90, 110, 160), (1.0, 0.6, 0.3), strict=True):
        strength += weight / (1 + ((places - tract * formant) / width) ** 2)
    wave = (strength[:, None] * np.sin(numbers[:, None] * phase)).sum(0)
    return np.asarray(wave / max(np.abs(wave).max(), 1e-6))


def _hiss(sound: str, length: int, random: np.random.Generator) -> NDArray[np.float64]:
    low, high = _HISSES[sound]
    spectrum = np.fft.rfft(random.normal(0, 1, length))
    places = np.fft.rfftfreq(length, 1 / RATE)
    spectrum[(places < low) | (places > high)] *= 0.03
    wave = np.fft.irfft(spectrum, length)
    return np.asarray(0.5 * wave / max(np.abs(wave).max(), 1e-6))


def front_end(wave: NDArray[np.floating], rate: int) -> Wave:
    """Log-mel energies (1, FRAMES, BANDS) of a clip, as the keyword spotter takes them.

    Args:
        wave: (SAMPLES,) in [-1, 1].
        rate: of it, which must be RATE.
    """
    if rate != RATE:
        raise ValueError(f"the clip has {rate} samples a second, not {RATE}")
    padded = np.zeros(SAMPLES, np.float64)
    padded[: min(SAMPLES, len(wave))] = wave[:SAMPLES]
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:FRAMES]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), TRANSFORM)) ** 2
    return np.asarray(np.log(power @ _mel() + 1e-5)[None] / 4, np.float32)


@functools.cache
def _mel() -> NDArray[np.float64]:
    """Triangles (TRANSFORM / 2 + 1, BANDS) on the mel scale, from 60 to 7600 Hz (O'Shaughnessy, 1987)."""
    low, high = (2595 * float(np.log10(1 + edge / 700)) for edge in (60, 7600))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    places = np.arange(TRANSFORM // 2 + 1)[:, None] * RATE / TRANSFORM
    up = (places - edges[:-2]) / np.diff(edges)[:-1]
    down = (edges[2:] - places) / np.diff(edges)[1:]
    return np.asarray(np.maximum(0, np.minimum(up, down)))


def write(folder: Path, count: int, first_seed: int) -> None:
    """Clips as WAV files of 16 bits, in a folder a word."""
    from scipy.io import wavfile

    for number in range(count):
        wave, label = clip(first_seed + number)
        place = folder / NAMES[label]
        place.mkdir(parents=True, exist_ok=True)
        wavfile.write(place / f"{number:05d}.wav", RATE, np.rint(wave * 32767).astype(np.int16))
