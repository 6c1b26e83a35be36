"""The filter language: worked examples first, then what is refused."""

from __future__ import annotations

import pytest

from repos.query import Facts, InvalidQuery, parse

CAR, PERSON, BUS = b"c" * 16, b"p" * 16, b"b" * 16
IDS = {"car": {CAR}, "person": {PERSON}, "traffic light": {BUS}, "vehicle": {CAR, BUS}}

STREET = Facts(
    key="train/street_01.jpg",
    fields={"split": "train", "night": False, "speed": 30.0, "city": "Bern"},
    classes=frozenset({CAR, PERSON}),
    kinds=frozenset({"box"}),
    annotators=frozenset({"u:7", "ext:coco:ann"}),
    origins=frozenset({"human"}),
    reviews=frozenset({"done"}),
    layers=frozenset({"gold", "alice"}),
    media="stored",
    annotations=6,
)


def holds(text: str, facts: Facts = STREET) -> bool:
    return parse(text).compile(lambda name: frozenset(IDS.get(name, ())))(facts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("class:car", True),
        ("class:car class:person", True),
        ("class:car -class:person", False),
        ('class:"traffic light"', False),
        ('class:car,"traffic light"', True),
        ('-class:"traffic light"', True),
        ("class:vehicle", True),
        ("class:unheard", False),
        ("-class:unheard", True),
        ("kind:box", True),
        ("kind:mask,polygon", False),
        ("split:train", True),
        ("split:val", False),
        ("-split:val", True),
        ("field.city:Bern", True),
        ("field.night:false", True),
        ("field.speed:30", True),
        ("field.weather:none", True),
        ("annotations:6", True),
        ("annotations:>5", True),
        ("annotations:>6", False),
        ("annotations:>=6", True),
        ("annotations:<6", False),
        ("annotations:<=6", True),
        ("annotations:2..6", True),
        ("annotations:0,7", False),
        ("key:train/*", True),
        ("key:*.jpg", True),
        ("key:train", True),
        ("key:street_0?.jpg", False),
        ("key:*street_0?.jpg", True),
        ("street", True),
        ("-street", False),
        ("layer:alice", True),
        ("layer:bob", False),
        ("review:done", True),
        ("review:none", False),
        ("annotator:u:7", True),
        ("annotator:ext:coco:ann", True),
        ("origin:model", False),
        ("media:stored", True),
        ("class:car split:train kind:box annotations:>5 key:train* layer:alice", True),
    ],
)
def test_a_query_on_one_sample(text: str, expected: bool) -> None:
    assert holds(text) is expected


def test_a_sample_nobody_looked_at_has_review_none() -> None:
    assert holds("review:none", Facts(key="a")) is True


def test_wildcards_are_the_only_special_characters_of_a_pattern() -> None:
    assert holds("key:a[1]*", Facts(key="a[1].jpg")) is True
    assert holds("key:a[1]*", Facts(key="a1.jpg")) is False
    assert holds("a.b", Facts(key="axb")) is False


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("key:train/a*", "train/a"),
        ("key:*a", ""),
        ("plain", ""),
        ("-key:x*", ""),
        ("key:a*,b*", ""),
        ("key:a/b key:a/*", "a/"),
    ],
)
def test_the_prefix_a_scan_can_start_at(text: str, prefix: str) -> None:
    assert parse(text).prefix == prefix


def test_what_has_to_be_read() -> None:
    assert not parse("key:a* split:x").about_labels
    assert parse("class:x").about_labels
    assert not parse("class:x").about_samples
    assert parse("field.a:1").about_samples
    assert parse("layer:a,b -layer:c").layers == ("a", "b")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("colour:red", "colour:red"),
        ("annotations:many", "many"),
        ("annotations:>2..4", ">2..4"),
        ("kind:square", "square"),
        ("review:maybe", "maybe"),
        ('class:"open', "class"),
        ("class:", "class:"),
        ("class:,", "class:,"),
    ],
)
def test_what_cannot_be_understood_is_named(text: str, named: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        parse(text)
    assert named in str(refused.value)


def test_a_query_is_not_a_book() -> None:
    with pytest.raises(InvalidQuery, match="1000"):
        parse("a " * 600)
