"""What a media file is, by its content: type, size, orientation, duration. Names and declared types are not
believed.

Invariant: probing decodes no pixels and no samples, and never allocates by what a header claims: the pixel
limit is checked before anything is decoded. Images are Pillow's, from a closed list of decoders; WAV, FLAC,
Ogg and MP3 are read by repos.formats.audio. Cost: a header; for MP3 without a length header and for Ogg the
file's end.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from repos.formats.audio import audio_duration
from repos.formats.errors import MediaError

MAX_PIXELS = 400_000_000
"""Largest picture that is probed; decoding has its own, lower limit (repos.formats.thumbnails)."""

DECODERS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
_TYPES = {"PPM": "image/x-portable-anymap", "MPO": "image/jpeg"}
ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class Probe:
    """Width and height are of the stored pixel grid, before `orientation` (EXIF 1..8) is applied. Seconds."""

    media_type: str
    width: int | None = None
    height: int | None = None
    orientation: int = 1
    duration: float | None = None


def sniff(head: bytes) -> str:
    """Media type by the first bytes (64 are enough); `application/octet-stream` when unknown."""
    for magic, offset, media_type in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return media_type
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(
            head[8:12], _UNKNOWN
        )
    if head[4:8] == b"ftyp":
        return _FTYP.get(head[8:12], "video/mp4")
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06:
        return "audio/mpeg"
    return _text_type(head)


_UNKNOWN = "application/octet-stream"
_FTYP = {
    b"avif": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"M4A ": "audio/mp4",
    b"qt  ": "video/quicktime",
}
_MAGIC = (
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"GIF8", 0, "image/gif"),
    (b"BM", 0, "image/bmp"),
    (b"II*\0", 0, "image/tiff"),
    (b"MM\0*", 0, "image/tiff"),
    (b"fLaC", 0, "audio/flac"),
    (b"OggS", 0, "audio/ogg"),
    (b"ID3", 0, "audio/mpeg"),
    (b"\x1aE\xdf\xa3", 0, "video/webm"),
    (b"%PDF-", 0, "application/pdf"),
    (b"PK\x03\x04", 0, "application/zip"),
    (b"\x1f\x8b", 0, "application/gzip"),
    (b"ustar", 257, "application/x-tar"),
    (b"\x00\x00\x00\x0cJXL ", 0, "image/jxl"),
)


def _text_type(head: bytes) -> str:
    start = head.lstrip()[:256].lower()
    if start.startswith((b"<svg", b"<?xml")) and b"<svg" in head[:4096].lower():
        return "image/svg+xml"
    if start.startswith((b"<!doctype html", b"<html", b"<script")):
        return "text/html"
    if b"\0" in head or not head:
        return _UNKNOWN
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return "text/plain" if error.start > len(head) - 4 else _UNKNOWN
    return "text/plain"


def probe(stream: BinaryIO, name: str = "") -> Probe:
    """What a media file is. MediaError: `unknown` type, `truncated` or `damaged` header, `bomb` above
    MAX_PIXELS."""
    media_type = sniff(stream.read(512))
    stream.seek(0)
    if media_type.startswith("image/") and media_type not in (
        "image/svg+xml",
        "image/avif",
        "image/heic",
        "image/jxl",
    ):
        return _probe_image(stream, name)
    if media_type.startswith("audio/"):
        return Probe(media_type, duration=audio_duration(stream, media_type, name))
    return Probe(media_type)


def open_image(stream: BinaryIO, name: str, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """A lazily decoded image whose claimed size is within `max_pixels`. MediaError otherwise."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(stream, formats=DECODERS)
    except Image.DecompressionBombError as error:
        raise MediaError(name, "bomb", str(error)) from None
    except UnidentifiedImageError:
        raise MediaError(name, "damaged", "no picture of a known format, or its header is cut off") from None
    except (OSError, ValueError, SyntaxError, EOFError, OverflowError) as error:
        raise MediaError(name, "damaged", str(error) or type(error).__name__) from None
    width, height = image.size
    if width * height > max_pixels:
        raise MediaError(name, "bomb", f"{width} x {height} pixels are above the limit of {max_pixels}")
    if width <= 0 or height <= 0:
        raise MediaError(name, "damaged", f"a picture of {width} x {height}")
    return image


def _probe_image(stream: BinaryIO, name: str) -> Probe:
    image = open_image(stream, name)
    media_type = _TYPES.get(image.format or "", Image.MIME.get(image.format or "", _UNKNOWN))
    return Probe(media_type, *image.size, orientation_of(image))


def orientation_of(image: Image.Image) -> int:
    """EXIF orientation 1..8; 1 when absent or damaged. Only asked where reading it decodes nothing."""
    if image.format not in ("JPEG", "PNG", "WEBP", "TIFF", "MPO"):
        return 1
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except Exception:  # a broken EXIF block raises almost anything; the picture itself is fine
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def image_size(stream: BinaryIO) -> tuple[int, int] | None:
    """(width, height) of the stored pixels, or None when this is no readable picture."""
    try:
        data = stream if stream.seekable() else io.BytesIO(stream.read())
        return open_image(data, "").size
    except MediaError:
        return None


def verify_image(stream: BinaryIO, name: str, max_pixels: int = 100_000_000) -> None:
    """Decodes the whole picture. MediaError `truncated` or `damaged` when its data does not suffice."""
    image = open_image(stream, name, max_pixels)
    load_image(image, name)


def load_image(image: Image.Image, name: str) -> None:
    """Decodes; turns what decoders raise into MediaError."""
    try:
        image.load()
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, OverflowError, MemoryError) as error:
        text = str(error)
        code = (
            "truncated"
            if "truncated" in text or "end of" in text.lower() or isinstance(error, EOFError)
            else "damaged"
        )
        raise MediaError(name, code, text or type(error).__name__) from None
