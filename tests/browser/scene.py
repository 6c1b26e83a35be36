"""What the pages are shown with: a data set of photographs, proposals in every state, and the hard cases of layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hub.accounts.models import User
from repos.demo import parts
from repos.models import Repository
from repos.services import forks, refs, staging, stars
from reviews.models import PullRequest
from reviews.services import discussion, following, merge, pulls
from reviews.services.anchors import anchored
from tests.factories import data
from tests.factories import repos as make

Json = dict[str, Any]
LONG_NAME = "annotations-of-a-name-that-nobody-would-type-twice-" + "x" * 40
LONG_TITLE = (
    "Correct every outline that the second annotator drew around the shadow instead of the part itself, "
    "in all three splits, and name the washers that were called nuts"
)
HARD_KEYS = (
    "鉄道/踏切/非常に長いフォルダー名/写真_0001.jpg",
    "صور/لقطة-٠١.jpg",
    "a/" + "very-long-folder-name-without-a-space-" * 3 + "/" + "z" * 60 + ".jpg",
    "emoji 🚧 and spaces.jpg",
)
HARD_CLASSES = ("交通標識（停止）", "a class name that goes on and on and does not want to end", "Ω", "حافلة")
README = """# Factory parts

Photographs of **small metal parts** on a belt, with a box around every part.

| class | what it is |
|---|---|
| bolt | hexagon head on a shaft |
| washer | flat ring |

- [x] boxes
- [ ] outlines

```python
labelhub.load("mirela/parts", revision="v1")
```
"""


@dataclass(frozen=True)
class Scene:
    owner: User
    contributor: User
    parts: Repository
    fork: Repository
    hard: Repository
    empty: Repository
    private: Repository
    proposal: PullRequest
    conflicting: PullRequest
    merged: PullRequest
    draft: PullRequest
    keys: list[str]


def picture(key: str, repository: Repository, jpeg: bytes, **fields: Any) -> Json:
    media = {
        "state": "stored",
        "sha256": data.upload(repository, jpeg, media_type="image/jpeg"),
        "type": "image/jpeg",
    }
    return data.put_sample(key, media={**media, "width": parts.WIDTH, "height": parts.HEIGHT}, fields=fields)


def put_part(key: str, part: parts.Part, **more: Any) -> Json:
    x, y, w, h = part.box
    annotation = {
        "id": f"{part.number:032x}",
        "kind": "box",
        "class": part.label,
        "geometry": {"box": {"x": x, "y": y, "w": w, "h": h}},
        **more,
    }
    return {"op": "put_annotation", "key": key, "layer": "gold", "annotation": annotation}


def drop_part(key: str, number: int) -> Json:
    return {"op": "delete_annotation", "key": key, "layer": "gold", "id": f"{number:032x}"}


def schema(*names: str) -> Json:
    told = {"bolt": "Hexagon head on a shaft. The box ends where the thread ends."}
    classes = [{"name": name, "description": told.get(name, "")} for name in names]
    attributes = [{"name": "occluded", "type": "boolean"}, {"name": "note", "type": "string"}]
    return data.put_schema(
        {"classes": classes, "attributes": attributes, "fields": [{"name": "split", "type": "string"}]}
    )


def publish(repository: Repository, scenes: list[parts.Scene]) -> None:
    """The first version, as annotators in a hurry made it."""
    operations = [schema(*parts.CLASSES), {"op": "put_file", "path": "README.md", "text": README}]
    for one in scenes:
        operations.append(picture(one.name, repository, one.jpeg, split=one.name.split("/")[0]))
        operations += [put_part(one.name, part) for part in one.parts]
    data.commit(repository, *operations, message="Publish the first labels\n\nDrawn by hand in one week.")


def corrections(published: parts.Scene, wanted: parts.Scene) -> list[Json]:
    truth, have = {p.number: p for p in wanted.parts}, {p.number: p for p in published.parts}
    gone = [drop_part(wanted.name, number) for number in have.keys() - truth.keys()]
    return gone + [put_part(wanted.name, part) for number, part in truth.items() if have.get(number) != part]


def proposed(
    actor: User, onto: Repository, fork: Repository, branch: str, edits: list[Json], title: str, **more: Any
) -> PullRequest:
    refs.create_branch(actor, fork, name=branch, at=fork.default_branch)
    data.commit(fork, *edits, actor=actor, branch=branch, message=title[:72])
    return pulls.open_pull(actor, onto, source=f"{actor.username}:{branch}", title=title, **more)


def hard_cases(owner: User) -> Repository:
    """Long words, right to left, wide characters, classes without labels, a text with overlapping spans."""
    made = make.repository(
        owner, name=LONG_NAME, description="d" * 120 + " " + "長い説明" * 30, topics=["t" * 50, "small"]
    )
    jpeg = next(iter(parts.scenes(1, seed=5))).jpeg
    operations = [schema(*HARD_CLASSES)]
    for n, key in enumerate(HARD_KEYS):
        operations.append(picture(key, made, jpeg, split="train"))
        operations += [
            data.put_box(key, 100 * n + i, x=20.0 + 60 * i, name=name) for i, name in enumerate(HARD_CLASSES)
        ]
    operations += [
        data.put_sample("texts/one.txt", text="Ada Lovelace wrote to Charles Babbage from London. " * 6),
        {"op": "put_annotation", "key": "texts/one.txt", "annotation": {
            "id": "e" * 32, "kind": "span", "class": "Ω", "geometry": {"span": {"start": 0, "end": 12}}}},
        data.put_sample("unlabelled.txt", text="Nobody has said anything about this."),
    ]  # fmt: skip
    data.commit(made, *operations, message="m" * 200)
    return made


def build() -> Scene:
    """Everything at once; takes a few seconds."""
    owner, contributor = make.user("mirela"), make.user("jonas")
    main = make.repository(
        owner,
        name="parts",
        description="Small metal parts on a conveyor belt",
        topics=["object-detection", "industry"],
        licence="CC-BY-4.0",
    )
    truth = list(parts.scenes(24))
    rng = np.random.default_rng(1)
    published = [parts.with_mistakes(one, rng) for one in truth]
    publish(main, published)
    refs.create_tag(owner, main, name="v1", message="First release")
    fork = forks.fork(contributor, main)
    stars.star(contributor, main)
    pairs = list(zip(published, truth, strict=True))
    edits = [operation for pair in pairs[:9] for operation in corrections(*pair)]
    proposal = proposed(
        contributor, main, fork, "fix-outlines", edits, "Correct labels in nine pictures",
        body="I compared with the **photographs**:\n\n- shifted outlines\n- wrong classes",
    )  # fmt: skip
    discuss(owner, contributor, proposal, edits)
    merged = merged_proposal(owner, contributor, main, fork, pairs[20])
    conflicting = conflict(owner, contributor, main, fork, truth[12])
    draft = proposed(
        contributor, main, fork, "draft-" + "b" * 40, corrections(*pairs[15]),
        LONG_TITLE, draft=True,
    )  # fmt: skip
    stage(owner, main, truth[3])
    return Scene(
        owner, contributor, main, fork, hard_cases(owner), make.repository(owner, name="empty"),
        make.private(owner, name="secret"), proposal, conflicting, merged, draft, [one.name for one in truth],
    )  # fmt: skip


def discuss(owner: User, contributor: User, pull: PullRequest, edits: list[Json]) -> None:
    put = next(each for each in edits if each["op"] == "put_annotation")
    anchor = anchored(pull, key=put["key"], layer="gold", annotation=put["annotation"]["id"])
    said = discussion.comment(owner, pull, body="Is the shadow part of it? See `guideline`.", anchor=anchor)
    discussion.reply(contributor, pull, said.thread, body="No, I drew it **without** the shadow.")
    discussion.comment(contributor, pull, body="Ready for a look.")
    discussion.submit_review(owner, pull, verdict="approve", body="Good catch.")


def merged_proposal(
    owner: User, contributor: User, main: Repository, fork: Repository, pair: tuple[parts.Scene, parts.Scene]
) -> PullRequest:
    edits = corrections(*pair)
    pull = proposed(contributor, main, fork, "one-picture", edits, "Correct one picture")
    merge.merge_pull(owner, pull)
    return following.refresh(pull)


def conflict(
    owner: User, contributor: User, main: Repository, fork: Repository, scene: parts.Scene
) -> PullRequest:
    """Both move the same box, each elsewhere; a second box gets two classes."""
    first, second = scene.parts[0], scene.parts[1]
    theirs = [
        put_part(scene.name, first.shifted(9, 4)),
        put_part(scene.name, second, **{"class": "gear"}),
    ]
    ours = [put_part(scene.name, first.shifted(-8, -3)), put_part(scene.name, second, **{"class": "washer"})]
    pull = proposed(contributor, main, fork, "both", theirs, "Move a box that the owner moves too")
    data.commit(main, *ours, actor=owner, message="Move a box")
    return following.refresh(pull)


def stage(owner: User, main: Repository, scene: parts.Scene) -> None:
    edits = [put_part(scene.name, part.shifted(3, 3)) for part in scene.parts[:2]]
    staging.append(owner, main, "main", edits)
