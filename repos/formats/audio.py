"""Duration of sound files from their headers, and peaks of a WAV for drawing its wave form.

Sources: RIFF/WAVE chunks; FLAC STREAMINFO (RFC 9639 8.2); the granule position of the last Ogg page (RFC
3533) with the rate of the Vorbis or Opus header (RFC 7845: 48 kHz, less the pre-skip); MPEG frame headers
with Xing/Info or VBRI frame counts, else the size at the first frame's bit rate. Cost: a header and, for Ogg,
the last 64 KiB; peaks stream the samples.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from repos.formats.errors import MediaError

Samples = NDArray[np.float64]


def audio_duration(stream: BinaryIO, media_type: str, name: str = "") -> float | None:
    """Seconds, or None when the format has none in its headers. MediaError when the header is damaged."""
    try:
        if media_type == "audio/wav":
            return wave_info(stream, name).duration
        if media_type == "audio/flac":
            return _flac(stream, name)
        if media_type == "audio/ogg":
            return _ogg(stream)
        if media_type == "audio/mpeg":
            return _mpeg(stream)
    except (struct.error, IndexError):
        raise MediaError(name, "truncated", "the header is cut off") from None
    return None


@dataclass(frozen=True, slots=True)
class WaveInfo:
    """`code` 1 PCM, 3 IEEE float; `offset` and `length` of the samples in bytes."""

    code: int
    channels: int
    rate: int
    bits: int
    offset: int
    length: int

    @property
    def frame(self) -> int:
        return self.channels * self.bits // 8

    @property
    def duration(self) -> float:
        return self.length // self.frame / self.rate


def wave_info(stream: BinaryIO, name: str = "") -> WaveInfo:
    """Chunks up to `data`. A data length beyond the file's end (streamed or cut files) is taken as the rest
    of the file."""
    stream.seek(0, io.SEEK_END)
    end = stream.tell()
    stream.seek(0)
    head = stream.read(12)
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise MediaError(name, "damaged", "no RIFF/WAVE header")
    fmt: tuple[int, int, int, int] | None = None
    while len(chunk := stream.read(8)) == 8:
        size = int.from_bytes(chunk[4:], "little")
        if chunk[:4] == b"fmt ":
            fmt = _wave_format(stream.read(min(size, 64)))
            stream.seek(max(0, size - 64) + (size & 1), io.SEEK_CUR)
        elif chunk[:4] == b"data":
            if fmt is None:
                break
            offset = stream.tell()
            code, channels, rate, bits = fmt
            if not channels or not rate or bits not in (8, 16, 24, 32, 64):
                raise MediaError(name, "damaged", f"{channels} channels, {rate} Hz, {bits} bits")
            return WaveInfo(code, channels, rate, bits, offset, min(size, end - offset))
        else:
            stream.seek(size + (size & 1), io.SEEK_CUR)
    raise MediaError(name, "truncated", "no format and data chunk before the end of the file")


def _wave_format(data: bytes) -> tuple[int, int, int, int]:
    code, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", data)
    if code == 0xFFFE and len(data) >= 26:
        code = struct.unpack_from("<H", data, 24)[0]
    return code, channels, rate, bits


def _flac(stream: BinaryIO, name: str) -> float | None:
    data = stream.read(42)
    if data[:4] != b"fLaC" or data[4] & 127:
        raise MediaError(name, "damaged", "no STREAMINFO block")
    packed = int.from_bytes(data[18:26], "big")
    rate, samples = packed >> 44, packed & ((1 << 36) - 1)
    return samples / rate if rate and samples else None


def _ogg(stream: BinaryIO) -> float | None:
    head = stream.read(4096)
    rate, skip = None, 0
    if (at := head.find(b"\x01vorbis")) >= 0:
        rate = struct.unpack_from("<I", head, at + 12)[0]
    elif (at := head.find(b"OpusHead")) >= 0:
        rate, skip = 48_000, struct.unpack_from("<H", head, at + 10)[0]
    stream.seek(0, io.SEEK_END)
    stream.seek(max(0, stream.tell() - 65_536))
    tail = stream.read()
    last = tail.rfind(b"OggS")
    if not rate or last < 0:
        return None
    granule = struct.unpack_from("<q", tail, last + 6)[0]
    return max(0, granule - skip) / rate if granule > 0 else None


_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_KBPS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def _mpeg(stream: BinaryIO) -> float | None:
    head = stream.read(10)
    start = 0
    if head[:3] == b"ID3":
        start = 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9])
    stream.seek(0, io.SEEK_END)
    end = stream.tell()
    stream.seek(start)
    data = stream.read(65_536)
    for at in range(len(data) - 4):
        if data[at] == 0xFF and (frame := _mpeg_frame(data[at : at + 4])) is not None:
            rate, kbps, samples, layer, mono, version = frame
            length = 144000 * kbps // rate if layer != 1 else 48000 * kbps // rate
            if layer == 3 and version != 3:
                length //= 2
            follower = data[at + length : at + length + 4]
            if len(follower) == 4 and all(
                _mpeg_frame(data[p : p + 4]) is None for p in (at + length, at + length + 1)
            ):
                continue
            frames = _frame_count(data[at : at + 200], mono, version)
            return frames * samples / rate if frames else (end - start - at) * 8 / (kbps * 1000)
    return None


def _mpeg_frame(header: bytes) -> tuple[int, int, int, int, bool, int] | None:
    """(rate, kbit/s, samples, layer, mono, version code) of a frame header, or None."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bitrate, rate = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return None
    samples = 384 if layer == 1 else 1152 if layer == 2 or version == 3 else 576
    kbps = _KBPS[1 if version == 3 else 2, layer][bitrate - 1]
    return _RATES[version][rate], kbps, samples, layer, header[3] >> 6 == 3, version


def _frame_count(frame: bytes, mono: bool, version: int) -> int | None:
    side = (17 if mono else 32) if version == 3 else (9 if mono else 17)
    tag = frame[4 + side : 8 + side]
    if tag in (b"Xing", b"Info") and frame[11 + side] & 1:
        return int.from_bytes(frame[12 + side : 16 + side], "big") or None
    if frame[36:40] == b"VBRI":
        return int.from_bytes(frame[50:54], "big") or None
    return None


def wave_peaks(stream: BinaryIO, bins: int, name: str = "") -> list[tuple[float, float]]:
    """(lowest, highest) sample of each of `bins` equal stretches, over all channels, in -1..1. PCM and float
    WAV."""
    info = wave_info(stream, name)
    frames = info.length // info.frame
    bins = max(1, min(bins, frames or 1))
    low, high = np.zeros(bins), np.zeros(bins)
    stream.seek(info.offset)
    for start, values in _blocks(stream, info, frames, name):
        at = (np.arange(start, start + len(values)) * bins) // frames
        np.minimum.at(low, at, values.min(axis=1))
        np.maximum.at(high, at, values.max(axis=1))
    return [(round(float(a), 4), round(float(b), 4)) for a, b in zip(low, high, strict=True)]


def _blocks(stream: BinaryIO, info: WaveInfo, frames: int, name: str) -> Iterator[tuple[int, Samples]]:
    step = max(1, (1 << 20) // info.frame)
    for start in range(0, frames, step):
        data = stream.read(min(step, frames - start) * info.frame)
        yield (
            start,
            _samples(data[: len(data) // info.frame * info.frame], info, name).reshape(-1, info.channels),
        )


def _samples(data: bytes, info: WaveInfo, name: str) -> Samples:
    if info.code == 3 and info.bits in (32, 64):
        return np.clip(np.nan_to_num(np.frombuffer(data, f"<f{info.bits // 8}").astype(np.float64)), -1, 1)
    if info.code != 1:
        raise MediaError(name, "unknown", f"WAV with coding {info.code}")
    if info.bits == 8:
        return (np.frombuffer(data, np.uint8).astype(np.float64) - 128) / 128
    if info.bits == 24:
        raw = np.frombuffer(data, np.uint8).reshape(-1, 3).astype(np.int32)
        value = (raw[:, 0] << 8 | raw[:, 1] << 16 | raw[:, 2] << 24) >> 8
        return value / float(1 << 23)
    return np.frombuffer(data, f"<i{info.bits // 8}") / float(1 << (info.bits - 1))
