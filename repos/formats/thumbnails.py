"""Small pictures for galleries: orientation applied, longest edge limited, safe for pictures made to exhaust
memory.

Cost: JPEG is decoded at a reduced scale by its own codec (`draft`), others whole; the claimed size is checked
first.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from repos.formats.errors import MediaError
from repos.formats.media import load_image, open_image

MAX_DECODED_PIXELS = 100_000_000


@dataclass(frozen=True, slots=True)
class Thumbnail:
    data: bytes
    media_type: str
    width: int
    height: int


def thumbnail(
    stream: BinaryIO, edge: int, name: str = "", encoding: str = "WEBP", quality: int = 80
) -> Thumbnail:
    """A picture of at most `edge` pixels on its longer side, never enlarged. `encoding`: WEBP or JPEG.

    MediaError: `bomb`, `truncated`, `damaged`. A picture whose data ends early gives MediaError, not half a
    picture.
    """
    image = open_image(stream, name, MAX_DECODED_PIXELS if encoding else 0)
    if image.format == "JPEG":
        image.draft("RGB", (edge * 2, edge * 2))
    load_image(image, name)
    try:
        image = ImageOps.exif_transpose(image)
    except Exception as error:  # a broken EXIF block: the picture is shown as stored
        if not isinstance(error, OSError | ValueError | SyntaxError | KeyError | TypeError | AttributeError):
            raise
    image = _flat(image, encoding, name)
    image.thumbnail((edge, edge), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(
        out, encoding, quality=quality, **({"method": 4} if encoding == "WEBP" else {"optimize": True})
    )
    return Thumbnail(out.getvalue(), f"image/{encoding.lower()}", *image.size)


def _flat(image: Image.Image, encoding: str, name: str) -> Image.Image:
    """The picture in a mode that can be encoded: 16 bit greys are scaled, transparency goes onto white for
    JPEG."""
    if encoding not in ("WEBP", "JPEG"):
        raise MediaError(name, "unknown", f"thumbnails are WEBP or JPEG, not {encoding}")
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, np.float64)
        low, span = float(values.min()), float(np.ptp(values)) or 1.0
        image = Image.fromarray(((values - low) * (255 / span)).astype(np.uint8))
    if image.mode in ("RGB", "L"):
        return image.convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "P") or "transparency" in image.info:
        image = image.convert("RGBA")
        if encoding == "WEBP":
            return image
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")
