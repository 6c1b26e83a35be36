"""COCO: runs of elements against the plain decoder, RLE against pycocotools, hostile files."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as peer

from repos.annotations.model import Box, Keypoints, Kind, Mask, Polygon
from repos.formats import rle
from repos.formats.bound import Bound
from repos.formats.coco import Coco
from repos.formats.coco_values import own_box
from repos.formats.errors import FormatError
from repos.formats.jsonstream import Elements, Other, walk
from repos.formats.labelme import bits_of, runs_of
from repos.formats.options import Options
from repos.formats.records import ClassName, Count, Record, Refusal, count_of
from repos.formats.source import MemorySource
from tests.property.formats.format_worlds import World

JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-1000, 1000),
        st.floats(-10, 10),
        st.text(max_size=8),
        st.just('\\"]},{['),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    st.dictionaries(st.text(max_size=6), st.one_of(JSON, st.lists(JSON, max_size=6)), max_size=5),
    st.sampled_from([1, 7, 64, 1 << 20]),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_runs_of_elements_are_what_the_decoder_says(
    value: dict[str, object], chunk: int, indent: int | None, ascii_only: bool
) -> None:
    raw = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    found: dict[str, object] = {}
    for part in walk(io.BytesIO(raw), "x.json", chunk):
        member = json.loads(f'"{part.member}"')
        if isinstance(part, Other):
            found[member] = json.loads(part.data)
            continue
        for at, element in part:
            line = part.line_of(at)
            assert raw[part.offset + at : part.offset + at + len(element)] == element
            assert line == raw.count(b"\n", 0, part.offset + at) + 1
            found.setdefault(member, []).append(json.loads(element))  # type: ignore[attr-defined]
    assert found == {name: v for name, v in value.items() if v != []}


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"a": [1, 2', b'{"a": [1]} x', b'{"a" 1}', b"\x00"])
def test_what_is_no_whole_object_is_an_error(raw: bytes) -> None:
    with pytest.raises(FormatError):
        list(walk(io.BytesIO(raw), "x.json", 3))


def test_a_long_element_does_not_need_a_long_chunk() -> None:
    raw = b'{"annotations": [' + b",".join(b"[" + b"1," * n + b"1]" for n in (0, 5000, 3)) + b"]}"
    runs = [p for p in walk(io.BytesIO(raw), "x", 64) if isinstance(p, Elements)]
    assert sum(len(p.starts) for p in runs) == 3


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_rle_is_that_of_pycocotools(height: int, width: int, data: st.DataObject) -> None:
    flat = data.draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    bits = np.array(flat, np.bool_).reshape(height, width)
    mask = runs_of(bits)
    theirs = peer.encode(np.asfortranarray(bits.astype(np.uint8)))
    assert rle.encode_counts(mask.counts) == theirs["counts"].decode()
    assert rle.decode_counts(theirs["counts"].decode()) == mask.counts
    assert rle.area(mask.counts) == int(peer.area(theirs))
    found = rle.bounds(mask.counts, height)
    assert (found or (0, 0, 0, 0)) == tuple(peer.toBbox(theirs).astype(int)) or not bits.any()
    assert (bits_of(mask) == bits).all()


@pytest.mark.parametrize("text", ["\x00", "P", "zzz\x7f"])
def test_broken_rle_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="run"):
        rle.decode_counts(text)


def coco(**more: object) -> dict[str, object]:
    return {
        "images": [
            {"id": 5, "file_name": "a.jpg", "width": 20, "height": 10},
            {"id": 6, "file_name": "b.jpg"},
        ],
        "categories": [
            {"id": 9, "name": "cup", "supercategory": "kitchen"},
            {"id": 2, "name": "dog", "supercategory": "dog"},
        ],
        "annotations": [],
    } | more


def row(number: int, **more: object) -> dict[str, object]:
    return {"id": number, "image_id": 5, "category_id": 9, "bbox": [1, 2, 3, 4]} | more


def read(content: object, **options: object) -> tuple[list[Record], list[Refusal]]:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    items = list(Coco().read(MemorySource({"c.json": raw}), Options(**options)))  # type: ignore[arg-type]
    return [i for i in items if isinstance(i, Record)], [i for i in items if isinstance(i, Refusal)]


def test_box_segmentation_and_keypoints_at_once() -> None:
    rows = [
        row(
            1,
            segmentation=[[0, 0, 4, 0, 4, 4]],
            keypoints=[1, 1, 2, 0, 0, 0],
            num_keypoints=1,
            iscrowd=0,
            area=8,
            extra={"a": [1]},
        ),
        row(
            2,
            segmentation={"size": [10, 20], "counts": [0, 3, 197]},
            iscrowd=1,
            area=3,
            attributes={"occluded": True},
        ),
        row(3, category_id=2, area=99, score=0.5),
    ]
    (first, second), refusals = read(coco(annotations=rows))
    assert refusals == []
    polygon, mask, box = first.layers[""].annotations
    assert (polygon.kind, [type(g) for g in polygon.geometries[1:]]) == (Kind.POLYGON, [Polygon, Keypoints])
    assert dict(polygon.attributes) == {"source.extra": '{"a":[1]}'}
    assert (mask.kind, dict(mask.attributes)) == (Kind.MASK, {"source.iscrowd": 1.0, "occluded": True})
    assert mask.geometry() == Mask(10, 20, (0, 3, 197))
    assert (box.label_class, box.provenance.confidence, dict(box.attributes)) == (
        ClassName("dog"),
        0.5,
        {"source.area": 99.0},
    )
    assert polygon.label_class == ClassName("cup", "kitchen")
    assert second.layers[""].annotations == ()


BAD = [
    ({"bbox": [1, 2, 0, 4]}, "box"),
    ({"bbox": [1, 2, 3]}, "bbox"),
    ({"bbox": ["x", 2, 3, 4]}, "bbox"),
    ({"category_id": 7}, "category_id"),
    ({"image_id": 99}, "image_id"),
    ({"segmentation": [[1, 2, 3]]}, "segmentation"),
    ({"bbox": None}, "bbox"),
    ({"segmentation": {"size": [10, 20], "counts": [1]}}, "mask.counts"),
    ({"keypoints": [1, 2, 7]}, "keypoints"),
    ({"score": "x"}, "score"),
    ({"segmentation": {"size": [10, 20], "counts": "\x7f"}}, "segmentation.counts"),
    ({"bbox": [1, 2, 1e999, 4]}, "box.w"),
]


@pytest.mark.parametrize(("change", "what"), BAD, ids=[b[1] + str(n) for n, b in enumerate(BAD)])
def test_one_bad_annotation_is_refused_and_the_rest_taken(change: dict[str, object], what: str) -> None:
    raw = (
        json.dumps(coco(annotations=[row(1), row(2, **change), row(3)]), indent=0)
        .replace("Infinity", "1e999")
        .encode()
    )
    records, refusals = read(raw)
    assert [(r.field, r.annotations) for r in refusals] in ([(what, 1)], [(None, 1)])
    assert raw.splitlines()[refusals[0].line - 1 : refusals[0].line] == [b"{"]  # type: ignore[operator]
    assert sum(len(r.layers[""].annotations) for r in records) == 2


def test_taken_and_refused_are_all_there_is() -> None:
    rows: list[object] = [
        row(1),
        row(2, image_id=99),
        17,
        row(4, category_id=0),
        row(5, image_id=7),
        {"id": 6},
    ]
    content = coco(annotations=rows)
    content["images"] = [*content["images"], {"id": 7}, "no object", {"id": 8, "file_name": "../up"}]  # type: ignore[misc]
    items = list(Coco().read(MemorySource({"c.json": json.dumps(content).encode()}), Options()))
    assert count_of(items) == Count(2, 3, 1, 5)


def test_captions_and_boxes_of_the_same_pictures_come_together() -> None:
    world, form = World(), Bound(Coco(), Options())
    captions = {"images": coco()["images"], "annotations": [{"id": 1, "image_id": 5, "caption": "a cup"}]}
    files = {
        "captions.json": json.dumps(captions).encode(),
        "instances.json": json.dumps(coco(annotations=[row(1)])).encode(),
    }
    changes, refusals = world.run(form, {"instances.json": files["instances.json"]})
    assert (changes.added, refusals) == (1, [])
    changes, refusals = world.run(form, {"captions.json": files["captions.json"]})
    assert (changes.added, changes.removed, refusals) == (1, 0, [])
    changes, refusals = world.run(form, files)
    assert (changes.any, refusals) == (False, [])


def test_keypoints_on_a_line_have_no_box() -> None:
    thin = Keypoints(((0.0, 0.0, 2), (1.0, 1e-300, 2)))
    assert own_box([thin]) is None
    assert own_box([Keypoints(((0.0, 0.0, 2), (1.0, 2.0, 2)))]) == Box(0.0, 0.0, 1.0, 2.0)
