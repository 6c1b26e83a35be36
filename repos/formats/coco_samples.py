"""What a COCO file says of its images and categories, as samples and names of classes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from repos.annotations.model import Scalar
from repos.formats.coco_values import canonical, scalar
from repos.formats.errors import SourceError
from repos.formats.keying import Media, key_problem
from repos.formats.options import Options
from repos.formats.records import SOURCE, ClassName, MediaRef, SampleDraft

_OWN_IMAGE = frozenset(("id", "file_name", "width", "height"))


def class_name(category: Mapping[str, Any]) -> ClassName:
    """Name and supercategory; a supercategory that is empty, "none" or the name itself is no parent."""
    parent = category.get("supercategory")
    if (
        not isinstance(parent, str)
        or not parent.strip()
        or parent.lower() == "none"
        or parent == category["name"]
    ):
        parent = None
    return ClassName(category["name"], parent)


def sample_of(
    image: Mapping[str, Any], media: Media, file: str, options: Options
) -> tuple[str, SampleDraft] | str:
    name = image.get("file_name")
    if not isinstance(name, str) or not isinstance(image.get("id"), int | str):
        return "the image has no id or no file_name"
    try:
        key, member = media.resolve(name, file)
    except SourceError as error:
        return f"file_name: {error.reason}"
    key = options.key_prefix + key
    if problem := key_problem(key):
        return f"file_name is no sample key: expected {problem}"
    width, height = (v if isinstance(v := image.get(n), int) and v > 0 else None for n in ("width", "height"))
    uri = next((v for n in ("coco_url", "flickr_url") if isinstance(v := image.get(n), str) and v), None)
    fields: dict[str, Scalar] = {
        SOURCE + n: canonical(scalar(v))
        for n, v in image.items()
        if n and v is not None and n not in _OWN_IMAGE and not n.endswith("_url")
    }
    reference = MediaRef(member, None if member else uri, width=width, height=height)
    return key, SampleDraft(reference, fields=MappingProxyType(fields))
