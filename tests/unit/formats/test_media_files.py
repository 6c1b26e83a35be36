"""Media by content: sizes, orientation, durations, thumbnails; what is cut off or made to exhaust memory is
said so."""

from __future__ import annotations

import io
import struct
import wave
import zlib

import pytest
from PIL import Image

from repos.formats.audio import wave_peaks
from repos.formats.errors import MediaError
from repos.formats.media import image_size, probe, sniff, verify_image
from repos.formats.thumbnails import thumbnail


def picture(
    size: tuple[int, int] = (60, 40), kind: str = "JPEG", mode: str = "RGB", orientation: int = 1
) -> io.BytesIO:
    image = Image.new(mode, size, "red" if mode.startswith("RGB") else 90)
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(out, kind, **({"exif": exif} if orientation != 1 else {}))
    out.seek(0)
    return out


def sound(seconds: float = 0.5, rate: int = 8000, width: int = 2, channels: int = 1) -> io.BytesIO:
    out = io.BytesIO()
    with wave.open(out, "wb") as stream:
        stream.setnchannels(channels)
        stream.setsampwidth(width)
        stream.setframerate(rate)
        half = int(seconds * rate) // 2
        loud = {1: b"\xff", 2: b"\xff\x7f", 3: b"\xff\xff\x7f"}[width] * channels
        quiet = {1: b"\x80", 2: b"\0\0", 3: b"\0\0\0"}[width] * channels
        stream.writeframes(quiet * half + loud * half)
    out.seek(0)
    return out


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_pictures_are_known_by_content(kind: str) -> None:
    found = probe(picture(kind=kind), "misnamed.txt")
    assert (found.media_type, found.width, found.height, found.orientation) == (
        f"image/{kind.lower()}",
        60,
        40,
        1,
    )


def test_orientation_is_recorded_and_size_is_of_stored_pixels() -> None:
    found = probe(picture(orientation=6))
    assert (found.width, found.height, found.orientation) == (60, 40, 6)


@pytest.mark.parametrize("encoding", ["WEBP", "JPEG"])
def test_thumbnails_apply_orientation_and_keep_the_shape(encoding: str) -> None:
    small = thumbnail(picture((600, 400), orientation=6), 100, encoding=encoding)
    assert (small.width, small.height, small.media_type) == (67, 100, f"image/{encoding.lower()}")
    assert Image.open(io.BytesIO(small.data)).size == (67, 100)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "I;16", "1"])
def test_thumbnails_of_every_mode(mode: str) -> None:
    for encoding in ("WEBP", "JPEG"):
        assert thumbnail(picture(kind="PNG", mode=mode), 20, encoding=encoding).width == 20


def test_small_pictures_are_not_enlarged() -> None:
    assert thumbnail(picture((10, 8)), 256).width == 10


def png_claiming(width: int, height: int) -> io.BytesIO:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 10)) + chunk(b"IEND", b"")
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + body)


def test_a_decompression_bomb_is_refused_by_its_claim() -> None:
    for ask in (
        lambda: probe(png_claiming(60_000, 60_000), "b.png"),
        lambda: thumbnail(png_claiming(20_000, 20_000), 64, "b.png"),
    ):
        with pytest.raises(MediaError) as error:
            ask()
        assert (error.value.what, error.value.code) == ("b.png", "bomb")


def test_a_truncated_picture_has_a_size_but_no_thumbnail() -> None:
    whole = picture((300, 300)).getvalue()
    cut = io.BytesIO(whole[: len(whole) // 2])
    assert image_size(cut) == (300, 300)
    for ask in (
        lambda: verify_image(io.BytesIO(cut.getvalue()), "c.jpg"),
        lambda: thumbnail(io.BytesIO(cut.getvalue()), 64, "c.jpg"),
    ):
        with pytest.raises(MediaError) as error:
            ask()
        assert error.value.code == "truncated"


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"II*\0"])
def test_headers_cut_off_are_errors_not_crashes(data: bytes) -> None:
    assert image_size(io.BytesIO(data)) is None


def test_types_are_not_believed_by_name() -> None:
    assert sniff(b"<html><script>") == "text/html"
    assert sniff(b'<?xml version="1.0"?><svg>') == "image/svg+xml"
    assert sniff("größe".encode()) == "text/plain"
    assert sniff(b"\0\1\2") == "application/octet-stream"


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("channels", [1, 2])
def test_wave_duration_and_peaks(width: int, channels: int) -> None:
    assert probe(sound(0.5, width=width, channels=channels)).duration == 0.5
    peaks = wave_peaks(sound(0.5, width=width, channels=channels), 10)
    assert len(peaks) == 10
    assert peaks[0] == (0.0, 0.0)
    assert peaks[9][1] == pytest.approx(1, abs=0.01)


def test_a_wave_without_data_is_truncated() -> None:
    with pytest.raises(MediaError) as error:
        probe(io.BytesIO(sound().getvalue()[:30]), "x.wav")
    assert (error.value.what, error.value.code) == ("x.wav", "truncated")


def test_durations_of_other_sound_files() -> None:
    info = (44_100 << 44 | 1 << 41 | 15 << 36 | 44_100 * 2).to_bytes(8, "big")
    flac = b"fLaC" + b"\0\0\0\x22" + b"\0" * 10 + info + b"\0" * 16
    assert probe(io.BytesIO(flac)).duration == 2.0
    page = b"OggS\0\0" + struct.pack("<q", 96_312) + b"\0" * 14
    opus = b"OggS\0\2" + b"\0" * 22 + b"OpusHead\1\1" + struct.pack("<H", 312) + b"\0" * 9 + page
    assert probe(io.BytesIO(opus)).duration == 2.0
    frame = b"\xff\xfb\x90\x64" + b"\0" * 413
    assert probe(io.BytesIO(b"ID3\4\0\0\0\0\0\0" + frame * 100)).duration == pytest.approx(
        417 * 100 * 8 / 128_000
    )
