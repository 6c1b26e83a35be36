"""`digits` (image classes with three annotators), `travel-notes` (text spans) and `signals` (audio segments)."""

from __future__ import annotations

import csv
import io
import json
import wave
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from PIL import Image

ANNOTATORS = ("amara", "jonas", "tessa")


@dataclass(frozen=True)
class Digits:
    """PNG pictures by name, the true digit of each, the published one, and each annotator's vote."""

    pictures: dict[str, bytes]
    truth: dict[str, str]
    published: dict[str, str]
    votes: list[tuple[str, str, str]]


def digits(count: int = 300, seed: int = 7) -> Digits:
    """The first `count` of scikit-learn's handwritten digits, enlarged eight times."""
    from sklearn.datasets import load_digits  # costs a second: only the demonstration needs it

    rng, bundle = np.random.default_rng(seed), load_digits()
    pictures, truth = dict[str, bytes](), dict[str, str]()
    for i in range(count):
        pixels = (255 - np.clip(bundle.images[i] * 16, 0, 255)).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC).save(buffer, "PNG")
        name = f"digits/{i:04d}.png"
        pictures[name], truth[name] = buffer.getvalue(), str(bundle.target[i])
    wrong = set(rng.choice(count, max(1, count // 25), replace=False).tolist())
    published = {n: confused(t, rng) if i in wrong else t for i, (n, t) in enumerate(truth.items())}
    votes = [
        (n, who, confused(t, rng) if rng.random() < error else t)
        for n, t in truth.items()
        for who, error in zip(ANNOTATORS, (0.03, 0.06, 0.15), strict=True)
    ]
    return Digits(pictures, truth, published, votes)


LOOKALIKE = {
    "0": "6",
    "1": "7",
    "2": "7",
    "3": "8",
    "4": "9",
    "5": "6",
    "6": "0",
    "7": "1",
    "8": "3",
    "9": "4",
}


def confused(digit: str, rng: Generator) -> str:
    return LOOKALIKE[digit] if rng.random() < 0.8 else str(int(rng.integers(0, 10)))


def table(labels: dict[str, str]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["file", "label"])
    writer.writerows(labels.items())
    return out.getvalue().encode()


def votes_table(given: Digits) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["item", "annotator", "label", "gold"])
    writer.writerows((n, who, label, given.published[n]) for n, who, label in given.votes)
    return out.getvalue().encode()


PEOPLE = (
    "Amara Okafor",
    "Jonas Bergström",
    "Tessa Wu",
    "Marie Curie",
    "José Álvarez",
    "Zoë Krüger",
    "Ravi Shah",
)
PLACES = ("Lisbon", "Kyoto", "São Paulo", "Zürich", "Cape Town", "Reykjavík", "Ljubljana", "New York", "東京")
MONTHS = ("January", "March", "April", "June", "August", "October", "December")
PATTERNS = (
    "{person} flew from {place} to {place} on {date}.",
    "On {date}, {person} will meet {person} in {place}.",
    "The night train to {place} left {place} an hour late on {date} 🚆.",
    "{place} was rainy; {person} stayed in {place} until {date}.",
    "Ask {person} whether the museum in {place} opens on {date}.",
)


def notes(count: int = 120, seed: int = 11) -> bytes:
    """Sentences with person, place and date spans, as JSON Lines; offsets are code points."""
    rng = np.random.default_rng(seed)
    lines = []
    for i in range(count):
        text, spans = filled(PATTERNS[int(rng.integers(len(PATTERNS)))], rng)
        lines.append(json.dumps({"id": f"notes/{i:04d}", "text": text, "spans": spans}, ensure_ascii=False))
    return "\n".join(lines).encode() + b"\n"


def filled(pattern: str, rng: Generator) -> tuple[str, list[dict[str, object]]]:
    text, spans, rest = "", list[dict[str, object]](), pattern
    while "{" in rest:
        before, rest = rest.split("{", 1)
        slot, rest = rest.split("}", 1)
        value = {
            "person": PEOPLE[int(rng.integers(len(PEOPLE)))],
            "place": PLACES[int(rng.integers(len(PLACES)))],
            "date": f"{rng.integers(1, 29)} {MONTHS[rng.integers(len(MONTHS))]} {rng.integers(2019, 2027)}",
        }[slot]
        text += before
        spans.append({"start": len(text), "end": len(text) + len(value), "label": slot})
        text += value
    return text + rest, spans


RATE = 8000
SOUNDS = ("beep", "chirp", "noise")


def signals(count: int = 48, seed: int = 5) -> tuple[dict[str, bytes], bytes]:
    """WAV clips of beeps, chirps and bursts of noise, and their segments as JSON Lines in the project's own shape."""
    rng, clips, lines = np.random.default_rng(seed), dict[str, bytes](), []
    for i in range(count):
        name = f"clips/signal_{i:03d}.wav"
        duration = float(rng.uniform(2.5, 5.0))
        data, segments = signal(duration, rng)
        clips[name] = data
        annotations = [
            {"kind": "segment", "class": sound, "geometry": {"segment": {"start": start, "end": end}}}
            for start, end, sound in segments
        ]
        lines.append(json.dumps({"key": name, "layers": {"gold": {"annotations": annotations}}}))
    return clips, "\n".join(lines).encode() + b"\n"


def signal(duration: float, rng: Generator) -> tuple[bytes, list[tuple[float, float, str]]]:
    samples = rng.normal(0, 0.01, int(duration * RATE))
    segments, at = [], float(rng.uniform(0.1, 0.5))
    while at < duration - 0.5:
        end = round(min(duration - 0.05, at + float(rng.uniform(0.25, 0.8))), 3)
        sound = SOUNDS[int(rng.integers(3))]
        t = np.arange(int((end - at) * RATE)) / RATE
        pitch = float(rng.uniform(300, 1200))
        tone = {
            "beep": np.sin(2 * np.pi * pitch * t),
            "chirp": np.sin(2 * np.pi * (pitch + 900 * t) * t),
            "noise": rng.normal(0, 0.5, len(t)),
        }[sound]
        start = int(at * RATE)
        samples[start : start + len(t)] += 0.5 * tone * np.hanning(len(t)) ** 0.3
        segments.append((round(at, 3), end, sound))
        at = end + float(rng.uniform(0.15, 0.7))
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes((np.clip(samples, -1, 1) * 32000).astype("<i2").tobytes())
    return buffer.getvalue(), segments
