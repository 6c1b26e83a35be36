"""The index by content, corrected from one snapshot to the next, is the one made anew, and says what a look at all
samples says."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from repos.annotations.model import Media, MediaState, Sample
from repos.annotations.schema import Schema
from repos.labelstore.derived import DerivedNodes, MemoryDerived
from repos.labelstore.memory import MemoryNodes
from repos.labelstore.root import TreeRoot
from repos.quality import contents
from tests.oracles.contents import Contents
from tests.oracles.snapshots import built
from tests.property.effort import examples

KEYS = [f"k/{n:02}" for n in range(20)]
fields = st.sampled_from(["train", "val", "test", None]).map(lambda split: {"split": split})
contents_of = st.one_of(
    st.builds(Sample, text=st.sampled_from("abcd"), fields=fields),
    st.builds(
        Sample,
        st.sampled_from([bytes([n]) * 32 for n in range(3)]).map(lambda d: Media(MediaState.STORED, d)),
        fields=fields,
    ),
    st.builds(Sample, fields=fields),
    st.builds(Sample, st.just(Media(MediaState.ABSENT)), fields=fields),
)
steps = st.lists(st.dictionaries(st.sampled_from(KEYS), contents_of | st.none(), max_size=6), max_size=4)
Step = Mapping[str, Sample | None]


@settings(max_examples=examples(60))
@given(st.lists(contents_of, min_size=len(KEYS), max_size=len(KEYS)), steps)
def test_a_history_comes_to_the_index_of_its_end(start: list[Sample], later: list[Step]) -> None:
    nodes, derived = MemoryNodes(), DerivedNodes(MemoryDerived(), "content")
    held = dict(zip(KEYS, start, strict=True))
    root = samples_of(nodes, held)
    index = contents.made(nodes, derived, root)
    for step in later:
        for key, sample in step.items():
            held.pop(key, None)
            if sample is not None:
                held[key] = sample
        following = samples_of(nodes, held)
        found = contents.corrected(nodes, derived, index, root, following)
        assert found is not None
        index, root = found, following
        assert index == contents.made(nodes, derived, root)
        assert contents.Index.from_json(index.to_json()) == index
    same_as_all(derived, index, held)


def samples_of(nodes: MemoryNodes, held: Mapping[str, Sample]) -> TreeRoot:
    return built(nodes, Schema(), held, {}, target=2).samples


def same_as_all(derived: DerivedNodes, index: contents.Index, held: Mapping[str, Sample]) -> None:
    slow, shown = Contents.of(held.items()), contents.document(derived, index)
    counts = slow.summary()
    assert (shown["groups"], shown["samples"], shown["surplus"]) == (
        counts.groups,
        counts.samples,
        counts.surplus,
    )
    assert (shown["leaking_groups"], shown["leaking_samples"]) == (
        counts.leaking_groups,
        counts.leaking_samples,
    )
    twins = {t.digest.hex()[: contents.DIGITS]: t for t in slow.twins()}
    assert {group["digest"] for group in shown["listed"]} == set(twins)
    assert [g["leaks"] for g in shown["listed"]] == sorted(
        (g["leaks"] for g in shown["listed"]), reverse=True
    )
    for group in shown["listed"]:
        twin = twins[group["digest"]]
        assert [row["key"] for row in group["samples"]] == list(twin.keys)[: contents.KEYS_SHOWN]
        assert (group["count"], group["leaks"]) == (len(twin.keys), twin.leaks)
        assert group["splits"] == [name for name in twin.splits if name]


def test_too_many_changes_are_not_corrected() -> None:
    nodes, derived = MemoryNodes(), DerivedNodes(MemoryDerived(), "content")
    keys = [f"{n:05}" for n in range(contents.FEW)]
    one = built(nodes, Schema(), {key: Sample(text=key) for key in keys}, {}).samples
    two = built(nodes, Schema(), {key: Sample(text="same") for key in keys}, {}).samples
    index = contents.made(nodes, derived, one)
    assert contents.corrected(nodes, derived, index, one, two) is None
    assert contents.made(nodes, derived, two).samples == len(keys)
