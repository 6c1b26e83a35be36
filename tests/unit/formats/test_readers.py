"""Single formats: small hand-made files, what is taken, what is refused and where it says so."""

from __future__ import annotations

import base64
import io
import json

import pytest
from PIL import Image

from repos.annotations.model import Box, Frame, Kind, Polygon, Span
from repos.formats.errors import BadOption, FormatError, UnknownFormat
from repos.formats.keying import Media, TextKeys, key_problem
from repos.formats.numbers import RELATIVE_GRID, fewest_digits, on_grid, short
from repos.formats.options import Options, options_from
from repos.formats.recognise import recognise
from repos.formats.records import Count, Item, Record, Refusal, Warned, count_of
from repos.formats.registry import FORMATS, format_named
from repos.formats.source import MemorySource
from repos.formats.xmltree import parse_xml
from repos.formats.yolo_names import names_of

Files = dict[str, bytes]


def read(name: str, files: Files, **options: object) -> list[Item]:
    return list(format_named(name).read(MemorySource(files), Options(**options)))  # type: ignore[arg-type]


def records(items: list[Item]) -> list[Record]:
    return [i for i in items if isinstance(i, Record)]


def refusals(items: list[Item]) -> list[Refusal]:
    return [i for i in items if isinstance(i, Refusal)]


def png(width: int = 4, height: int = 2) -> bytes:
    out = io.BytesIO()
    Image.new("L", (width, height)).save(out, "PNG")
    return out.getvalue()


# ---- YOLO -----------------------------------------------------------------------------------------------------


def test_yolo_with_known_size_lies_on_the_pixel_grid() -> None:
    files = {
        "images/train/a.png": png(640, 480),
        "labels/train/a.txt": b"1 0.5 0.5 0.1 0.2\n",
        "data.yaml": b"names: {0: cat, 1: dog}\n",
    }
    (record,) = records(read("yolo", files))
    assert (record.key, record.sample.size) == ("images/train/a.png", (640, 480))
    (draft,) = record.layers[""].annotations
    assert draft.label_class is not None
    assert (draft.label_class.name, draft.geometries) == ("dog", (Box(288, 192, 64, 96),))


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ("classes.txt", b"cat\ndog\n"),
        ("obj.names", b"cat\ndog"),
        ("my_classes.txt", b"cat\r\ndog\r\n"),
        ("data.yaml", b"nc: 2\nnames: [cat, dog]\n"),
    ],
)
def test_yolo_names_files(names: str, text: bytes) -> None:
    items = read("yolo", {names: text, "a.txt": b"1 .5 .5 .1 .1\n"})
    assert [
        d.label_class.name for r in records(items) for d in r.layers[""].annotations if d.label_class
    ] == ["dog"]
    assert count_of(items) == Count(1, 0, 1, 0)


def test_yolo_refuses_line_by_line() -> None:
    lines = [
        b"0 .5 .5 .1 .1",
        b"",
        b"0 .5 .5 .1",
        b"7 .5 .5 .1 .1",
        b"0 .5 .5 0 .1",
        b"0 .5 nan .1 .1",
        b"0 9 9 5 5",
        b"-1 .5 .5 .1 .1",
        b"1_0 .5 .5 .1 .1",
    ]
    items = read("yolo", {"classes.txt": b"cat\n", "a.txt": b"\n".join(lines)})
    assert [(r.line, r.field) for r in refusals(items)] == [
        (3, None),
        (4, "class"),
        (5, "box"),
        (6, None),
        (7, None),
        (8, "class"),
        (9, "class"),
    ]
    assert count_of(items) == Count(1, 0, 1, 7)
    assert records(items)[0].refused == 7


def test_yolo_longer_lines_are_polygons_only_when_asked() -> None:
    line = b"0 0 0 1 0 1 1\n"
    assert count_of(read("yolo", {"a.txt": line})).annotations_refused == 1
    (record,) = records(read("yolo", {"a.txt": line}, polygons=True))
    assert record.layers[""].annotations[0].geometries == (
        Polygon(((((0, 0), (1, 0), (1, 1)),),), Frame.RELATIVE),
    )


def test_yolo_yaml_bombs_are_no_names() -> None:
    bomb = b"a: &a [x, x]\nb: &b [*a, *a]\nnames: [*b, *b]\n"
    items = read("yolo", {"data.yaml": bomb, "a.txt": b"0 .5 .5 .1 .1\n"})
    assert [
        d.label_class.name for r in records(items) for d in r.layers[""].annotations if d.label_class
    ] == ["?"]


@pytest.mark.parametrize("value", [0.1, 1 / 3, 0.940625, 12345.678, 0.0, 1e-12])
def test_fewest_digits_read_back(value: float) -> None:
    target = on_grid(value, RELATIVE_GRID)
    text = fewest_digits(target, lambda v: on_grid(v, RELATIVE_GRID) == target)
    assert on_grid(float(text), RELATIVE_GRID) == target
    assert len(text) <= len(repr(target)) + 3
    assert (short(3.0), short(0.1), short(-2.5)) == ("3", "0.1", "-2.5")


# ---- VOC ------------------------------------------------------------------------------------------------------

VOC = """<annotation><folder>x</folder><filename>{name}</filename><size><width>64</width><height>48</height></size>
<object><name>RBC</name><difficult>1</difficult><bndbox><xmin>1</xmin><ymin>2.5</ymin><xmax>11</xmax><ymax>12</ymax></bndbox></object>
<object><bndbox><xmin>1</xmin></bndbox></object>
<object><name>WBC</name></object>
<object><name>WBC</name><bndbox><xmin>1</xmin><ymin>x</ymin><xmax>1</xmax><ymax>2</ymax></bndbox></object></annotation>"""


def test_voc_takes_and_refuses() -> None:
    items = read(
        "voc",
        {
            "x/a.xml": VOC.format(name="a.jpg").encode(),
            "x/b.xml": b"<annotation><object></annotation>",
            "x/c.xml": b"<svg/>",
        },
    )
    (record,) = records(items)
    assert (record.key, record.sample.size) == ("x/a.jpg", (64, 48))
    (draft,) = record.layers[""].annotations
    assert (draft.geometries, dict(draft.attributes)) == ((Box(1, 2.5, 10, 9.5),), {"source.difficult": 1.0})
    assert [(r.file, r.line, r.field) for r in refusals(items)] == [
        ("x/a.xml", 3, "name"),
        ("x/a.xml", 4, "bndbox"),
        ("x/a.xml", 5, "ymin"),
        ("x/b.xml", 1, None),
        ("x/c.xml", 1, None),
    ]
    assert count_of(items) == Count(1, 2, 1, 3)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/abs.jpg", "C:\\x.jpg"])
def test_voc_names_that_escape_refuse_the_sample(name: str) -> None:
    items = read("voc", {"a.xml": VOC.format(name=name).encode()})
    assert count_of(items) == Count(0, 1, 0, 4)


@pytest.mark.parametrize(
    "text", [b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"<a>" * 100, b"<a", b"", b"\xff\xfe\xff"]
)
def test_xml_that_is_not_allowed(text: bytes) -> None:
    with pytest.raises(FormatError):
        parse_xml("a.xml", text)


# ---- LabelMe and VIA ------------------------------------------------------------------------------------------


def test_labelme_shapes() -> None:
    out = io.BytesIO()
    Image.new("1", (2, 1), 1).save(out, "PNG")
    shapes = [
        {
            "label": "a",
            "points": [[3, 4], [1, 2]],
            "shape_type": "rectangle",
            "flags": {"hard": True},
            "group_id": 3,
        },
        {"label": "a", "points": [[0, 0], [1, 0], [1, 1]], "shape_type": "polygon"},
        {
            "label": "a",
            "points": [[1, 1], [2, 1]],
            "shape_type": "mask",
            "mask": base64.b64encode(out.getvalue()).decode(),
        },
        {"label": "a", "points": [[1, 1], [2, 1]], "shape_type": "circle"},
        {"label": "", "points": [[1, 1]], "shape_type": "point"},
        "none",
    ]
    content = {
        "shapes": shapes,
        "imagePath": "..\\img\\a.jpg",
        "imageWidth": 4,
        "imageHeight": 3,
        "flags": {"blurred": True, "dark": False},
    }
    items = read("labelme", {"x/a.json": json.dumps(content).encode(), "other.json": b"{}"})
    (record,) = records(items)
    assert record.key == "x/a.jpg"
    assert [d.kind for d in record.layers[""].annotations] == [
        Kind.CLASSIFICATION,
        Kind.BOX,
        Kind.POLYGON,
        Kind.MASK,
    ]
    assert dict(record.layers[""].annotations[1].attributes) == {"hard": True, "source.group_id": 3.0}
    assert [(r.annotation, r.field) for r in refusals(items)] == [
        ("shape 4", "shape_type"),
        ("shape 5", "label"),
        ("shape 6", "shape"),
    ]
    assert [i.file for i in items if isinstance(i, Warned)] == ["other.json"]
    assert count_of(items) == Count(1, 0, 4, 3)


def test_via_reads_undefined_and_refuses_circles() -> None:
    head = b"filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
    rows = [
        b'a.jpg,1,"{}",2,0,"{""name"":""rect"",""x"":1,""y"":2,""width"":3,""height"":4}","{""name"":""undefined"",""type"":undefined}"',
        b'a.jpg,1,"{}",2,1,"{""name"":""circle"",""cx"":1,""cy"":2,""r"":3}","{}"',
        b"b.jpg,1,{},0,0,{},{}",
        b"short,row",
        b'c.jpg,1,"{}",1,0,"{oops","{}"',
    ]
    items = read("via", {"v.csv": head + b"\n".join(rows)})
    assert [(r.key, len(r.layers[""].annotations)) for r in records(items)] == [
        ("a.jpg", 1),
        ("b.jpg", 0),
        ("c.jpg", 0),
    ]
    assert [(r.line, r.annotations) for r in refusals(items)] == [(5, 1), (6, 1), (3, 1)]
    assert records(items)[0].layers[""].annotations[0].label_class == ("undefined", None)


# ---- text -----------------------------------------------------------------------------------------------------


def test_conll_spans_are_code_points_of_the_text() -> None:
    rows = ["1\tDo\tO\t-\t-", "2\tn't\tO\t-\t-", "3\tgo\tO\t-\t-", "4\tto\tO\t-\t-"]
    rows += ["5\t🏔\tB-LOC\t-\tann", "6\tK2\tI-LOC\t-\tann", "7\t!\tO\t-\t-"]
    text = "\n".join(["# sent_id = s-1", "# text = Don't go to 🏔 K2!", *rows, ""])
    (record,) = records(read("conll", {"a.iob2": text.encode()}, dialect="uner"))
    assert (record.key, record.sample.text, dict(record.sample.fields)) == (
        "s-1",
        "Don't go to 🏔 K2!",
        {"source.cuts": "2 16"},
    )
    (draft,) = record.layers[""].annotations
    assert draft.geometries == (Span(12, 16),)
    assert draft.provenance.annotator == "ext:import:ann"


def test_conll_2003_and_bioes() -> None:
    old = "-DOCSTART- -X- O O\n\nEU NNP I-NP B-ORG\nrejects VBZ I-VP O\nGerman JJ I-NP B-MISC\n"
    spans = [
        [d.geometries[0] for d in r.layers[""].annotations]
        for r in records(read("conll", {"a.conll": old.encode()}))
    ]
    assert spans == [[], [Span(0, 2), Span(11, 17)]]
    new = "New\tB-LOC\nYork\tE-LOC\nParis\tS-LOC\nx\tO\n"
    (record,) = records(read("conll", {"a.conll": new.encode()}))
    assert [d.geometries[0] for d in record.layers[""].annotations] == [Span(0, 8), Span(9, 14)]


def test_conll_a_bad_line_refuses_its_sentence_only() -> None:
    text = "a\tB-X\nb\tI-X\n\nc\tB-X\nbroken\n\nd\tO\ne\tI-X\n\n" + "f\tO\n" * 20
    items = read("conll", {"a.conll": text.encode()})
    assert [(r.line, r.whole, r.annotations) for r in refusals(items)] == [(5, True, 1)]
    assert [i.line for i in items if isinstance(i, Warned)] == [7]
    assert count_of(items) == Count(3, 1, 2, 1)


def test_jsonl_rows() -> None:
    rows = [
        {
            "text": "Hi Bob",
            "label": "greet",
            "spans": [{"start": 3, "end": 6, "label": "name"}],
            "lang": "en",
        },
        {"text": "Hi Bob", "label": ["a", "b", "a"], "spans": [{"start": 3, "end": 9, "label": "name"}]},
        {"label": "x"},
        [1],
        {"text": "x", "label": {"a": 1}},
    ]
    items = read("jsonl", {"a.jsonl": b"\n".join(json.dumps(r).encode() for r in rows)})
    first, second, third = records(items)
    assert dict(first.sample.fields) == {"lang": "en"}
    assert second.key == first.key + "-2"
    assert [d.kind for d in first.layers[""].annotations] == [Kind.CLASSIFICATION, Kind.SPAN]
    assert [(r.line, r.field, r.whole) for r in refusals(items)] == [
        (2, "classification", False),
        (2, "span", False),
        (3, "text", True),
        (4, None, True),
        (5, "label", False),
    ]
    assert third.layers[""].annotations == ()
    assert count_of(items) == Count(3, 2, 4, 5)


def test_csv_needs_columns_and_says_which() -> None:
    items = read("csv", {"a.csv": b"x,y\n1,2\n"})
    assert [i.message for i in items if isinstance(i, Warned)] == [
        "no columns for a label and what it labels in x, y; left out"
    ]
    with pytest.raises(BadOption) as error:
        read("csv", {"a.csv": b"x,y\n1,2\n"}, columns={"text": "x", "label": "z"})
    assert error.value.value == "z"
    items = read("csv", {"a.csv": b"x,y\n1,2\n1\n3,\n"}, columns={"id": "x", "label": "y"})
    assert count_of(items) == Count(2, 1, 1, 1)


def test_a_sample_given_twice_is_refused_and_names_the_first() -> None:
    items = read("csv", {"a.csv": b"file,label\na.jpg,1\na.jpg,2\n"})
    (refusal,) = refusals(items)
    assert refusal.reason == "the sample was already given by a.csv, line 2"


def test_votes_refuse_second_answers_and_other_gold() -> None:
    text = b"item,annotator,label,gold\ni,a,x,x\ni,a,y,x\ni,b,y,z\ni,,y,\nj,b,x,\n"
    items = read("votes", {"v.csv": text})
    assert [(r.line, r.field, r.annotations) for r in refusals(items)] == [
        (3, "annotator", 1),
        (4, "gold", 0),
        (5, "annotator", 1),
    ]
    assert {n: len(e.annotations) for n, e in records(items)[0].layers.items()} == {
        "ext:import:a": 1,
        "ext:import:b": 1,
        "gold": 1,
    }
    assert records(items)[1].file_layers == {"ext:import:a", "ext:import:b", "gold"}


def test_own_lines_refuse_unknown_members_by_path() -> None:
    rows = [
        {
            "key": "a",
            "layers": {
                "gold": {
                    "annotations": [
                        {"kind": "box", "geometry": {"box": {"x": 1, "y": 1, "w": 1, "h": 1, "z": 1}}},
                        {"kind": "span"},
                        {"kind": "hat"},
                        {"kind": "classification", "class": "c", "id": "0" * 32},
                    ]
                }
            },
        },
        {"key": "b", "colour": 1},
        {"key": "../c"},
    ]
    items = read("labelhub", {"a.jsonl": b"\n".join(json.dumps(r).encode() for r in rows)})
    reasons = [r.reason for r in refusals(items)]
    assert "z" in reasons[0]
    assert reasons[1].startswith("geometry: expected a span geometry")
    assert reasons[2].startswith("kind: expected one of")
    assert "colour" in reasons[3]
    assert count_of(items) == Count(1, 2, 1, 3)


# ---- folders, keys, options, recognition ----------------------------------------------------------------------


def test_folders_of_pictures() -> None:
    files = {"train/cat/a.png": png(), "train/dog/b.png": png(3, 3), "c.png": b"no picture"}
    items = read("image_folder", files)
    assert [(r.key, dict(r.sample.fields), r.sample.size) for r in records(items)] == [
        ("train/cat/a.png", {"split": "train"}, (4, 2)),
        ("train/dog/b.png", {"split": "train"}, (3, 3)),
    ]
    assert [(r.file, r.whole) for r in refusals(items)] == [("c.png", True)]
    with pytest.raises(FormatError, match="read only"):
        format_named("image_folder").write([], [], None, Options())  # type: ignore[arg-type]


def test_keys_of_images() -> None:
    media = Media(["images/train/a.jpg", "images/val/a.jpg", "images/val/b.jpg"])
    assert media.resolve("b.jpg", "anno.json") == ("images/val/b.jpg", "images/val/b.jpg")
    assert media.resolve("a.jpg", "anno.json") == ("a.jpg", None), "two could be meant"
    assert media.resolve("val/a.jpg", "anno.json") == ("val/a.jpg", None)
    assert media.beside("labels/val/a.txt") == ("images/val/a.jpg", "images/val/a.jpg")
    assert Media([]).beside("dma_labels/0034_skid-pad.txt") == ("dma_labels/0034_skid-pad", None)
    assert Media([], lambda r: f"known/{r}").resolve("x.jpg", "l.txt") == ("known/x.jpg", None)


def test_keys_of_texts_do_not_move_when_lines_are_put_between() -> None:
    first, second = TextKeys(), TextKeys()
    before = {t: first.of(t) for t in ("Hello World!", "你好", "")}
    after = {t: second.of(t) for t in ("new", "你好", "Hello World!", "")}
    assert {t: after[t] for t in before} == before
    assert before["Hello World!"].startswith("hello-world-")
    assert all(key_problem(k) is None for k in after.values())
    assert [TextKeys(by="number", prefix="t/").of("x")] == ["t/000001"]


@pytest.mark.parametrize("key", ["", "/a", "a//b", "a/../b", "a\nb", "a" * 1025, "\ud800"])
def test_keys_that_break_the_rules(key: str) -> None:
    assert key_problem(key)


@pytest.mark.parametrize(
    "given",
    [
        {"colour": 1},
        {"polygons": "yes"},
        {"columns": []},
        {"class_names": "a"},
        {"key_from": "x"},
        {"known_size": 1},
    ],
)
def test_options_are_closed(given: dict[str, object]) -> None:
    with pytest.raises(BadOption) as error:
        options_from(given)
    assert error.value.option in given


def test_unknown_formats_list_the_known() -> None:
    with pytest.raises(UnknownFormat) as error:
        format_named("xlsx")
    assert "coco" in str(error.value)


SOURCES: dict[str, Files] = {
    "voc": {"a.xml": VOC.format(name="a.jpg").encode()},
    "yolo": {"classes.txt": b"a\n", "x.txt": b"0 .5 .5 .1 .1\n"},
    "coco": {"c.json": b'{"images": [{"id": 1, "file_name": "a"}], "annotations": [], "categories": []}'},
    "labelme": {"a.json": b'{"shapes": [], "imagePath": "a.jpg"}'},
    "via": {
        "a.json": b'{"a.jpg1": {"filename": "a.jpg", "regions": [{"shape_attributes": {}, "region_attributes": {}}]}}'
    },
    "conll": {"a.conll": b"a\tO\nb\tB-X\nc\tO\n"},
    "jsonl": {"a.jsonl": b'{"text": "a", "label": "b"}\n'},
    "labelhub": {"a.jsonl": b'{"labelhub": 1}\n'},
    "csv": {"a.csv": b"text,label\na,b\n"},
    "votes": {"a.csv": b"item,worker,answer\na,b,c\n"},
    "image_folder": {"cat/a.png": png(), "dog/b.png": png()},
    "audio_folder": {"cat/a.wav": b"RIFF"},
}


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_recognises_its_own(name: str) -> None:
    found = recognise(MemorySource(SOURCES[name]))
    assert found[0].guess.format == name
    assert found[0].guess.reasons
    assert found[0].preview.failed is None


def test_recognition_proposes_a_mapping_and_shows_records() -> None:
    (found, *_) = recognise(MemorySource({"a.csv": b"Utterance,Intent,lang\nhi,greet,en\nbye,leave,en\n"}))
    assert dict(found.mapping) == {"text": "Utterance", "label": "Intent"}
    assert found.columns == ("Utterance", "Intent", "lang")
    assert (found.preview.samples_read, found.preview.complete, found.preview.estimated_samples) == (
        2,
        True,
        2,
    )
    assert found.preview.classes == {"greet": 1, "leave": 1}


def test_nothing_is_recognised_in_nothing() -> None:
    assert recognise(MemorySource({"a.bin": b"\0\1"})) == []
    assert recognise(MemorySource({})) == []


@pytest.mark.parametrize("name", list(FORMATS))
@pytest.mark.parametrize(
    "junk", [b"", b"\0" * 50, b"{}", b"[]", b"\xff\xfe", b"a,b\n", b"{" * 5000, b"<a>" * 300, b'{"a":' * 3000]
)
def test_junk_never_crashes_a_reader(name: str, junk: bytes) -> None:
    files = {
        f"x{ext}": junk
        for ext in (".xml", ".txt", ".json", ".csv", ".conll", ".jsonl", ".png", ".wav", ".yaml")
    }
    items = read(name, files)
    assert records(items) == [] or all(not e.annotations for r in records(items) for e in r.layers.values())


@pytest.mark.parametrize(
    ("word", "found"),
    [("1", "b"), ("01", "b"), ("1.0", "b"), ("1.", "b"), ("2", None), ("-1", None), ("1.5", None), ("²", None),
     ("9" * 5000, None), ("9" * 5000 + ".0", None), ("0" * 5000 + "1", "b")],
    ids=lambda word: str(word)[:8],
)  # fmt: skip
def test_yolo_class_numbers(word: str, found: str | None) -> None:
    assert names_of(["a", "b"], word) == found
