"""The demonstration of a first start: four data sets, two people, an open label pull request and a merged one.

Everything takes the road of a user: files are uploaded and imported, corrections are imported onto a branch of a fork,
proposed, reviewed, merged. Nothing is written past the services.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from hub.accounts.models import User
from hub.accounts.services import create_user
from hub.errors import HubError
from hub.jobs.models import Job, State
from repos.annotations.edits import SnapshotEdit
from repos.demo import others, parts
from repos.models import Ref, Repository
from repos.names import HEADS
from repos.services import commits, forks, refs, repositories, stars, uploads
from repos.services.import_task import run as run_import
from repos.services.imports import Wanted, create_import
from reviews.models import PullRequest
from reviews.services import discussion, merge
from reviews.services.pulls import open_pull

Files = Mapping[str, bytes]
Say = Callable[[str], None]
PICTURES, DIGITS, NOTES, SIGNALS = 120, 300, 120, 48


class DemonstrationFailed(HubError):
    template = "{what}: {reason}"


@dataclass(frozen=True)
class People:
    alice: User
    bob: User


def make(password: str, say: Say) -> People:
    """Safe to call on an empty installation only: names are taken afterwards."""
    people = People(person("alice", "Alice Moreau", password), person("bob", "Bob Okafor", password))
    for step in (factory_parts, digits, travel_notes, signals):
        say(f"importing {step.__name__.replace('_', '-')}")
        step(people)
    return people


def person(name: str, display_name: str, password: str) -> User:
    email = f"{name}@example.org"
    return create_user(
        username=name, email=email, password=password, display_name=display_name, verified=True
    )


def factory_parts(people: People) -> None:
    """Boxes and polygons with mistakes in a third of the pictures, and bob's open proposal to correct them."""
    scenes = list(parts.scenes(PICTURES))
    rng = np.random.default_rng(42)
    published = [parts.with_mistakes(s, rng) if i % 3 == 0 else s for i, s in enumerate(scenes)]
    repository = repositories.create_repository(
        people.alice,
        name="factory-parts",
        description="Bolts, nuts, washers and gears on a conveyor belt: boxes and polygons",
        topics=["object-detection", "segmentation", "small-data"],
        licence="CC0-1.0",
    )
    files = {s.name: s.jpeg for s in published} | {"annotations.json": parts.coco(published)}
    imported(people.alice, repository, files, Wanted("", format="coco", message="Publish the first labels\n"))
    card(people.alice, repository, PARTS_CARD)
    fork = forks.fork(people.bob, repository)
    refs.create_branch(people.bob, fork, name="tighten-outlines")
    corrected = [
        truth if i % 2 == 0 else was for i, (truth, was) in enumerate(zip(scenes, published, strict=True))
    ]
    wanted = Wanted(
        "", format="coco", branch="tighten-outlines", message="Correct what the photographs show\n"
    )
    imported(people.bob, fork, {"annotations.json": parts.coco(corrected)}, wanted)
    pull = open_pull(
        people.bob,
        repository,
        source="bob:tighten-outlines",
        title="Correct outlines, classes and forgotten parts",
        body=PARTS_PROPOSAL,
    )
    discussion.comment(
        people.alice, pull, body="Thank you! The nuts in the corner were never there, good riddance."
    )
    stars.star(people.bob, repository)


def digits(people: People) -> None:
    """One class a picture, three annotators as layers, and a merged correction."""
    made = others.digits(DIGITS)
    repository = repositories.create_repository(
        people.alice,
        name="digits",
        description="Handwritten digits with the votes of three annotators",
        topics=["image-classification", "agreement"],
        licence="BSD-3-Clause",
    )
    columns = {"columns": {"item": "item", "annotator": "annotator", "label": "label", "gold": "gold"}}
    files = {**made.pictures, "votes.csv": others.votes_table(made)}
    imported(
        people.alice,
        repository,
        files,
        Wanted("", format="votes", options=columns, message="Publish with votes\n"),
    )
    card(people.alice, repository, DIGITS_CARD)
    fork = forks.fork(people.bob, repository)
    refs.create_branch(people.bob, fork, name="second-look")
    wanted = Wanted("", format="csv", branch="second-look", message="Take a second look at eleven digits\n")
    imported(people.bob, fork, {"labels.csv": others.table(made.truth)}, wanted)
    pull = open_pull(
        people.bob,
        repository,
        source="bob:second-look",
        title="Relabel digits the annotators agree on",
        body=DIGITS_PROPOSAL,
    )
    approve_and_merge(people, pull)


def travel_notes(people: People) -> None:
    repository = repositories.create_repository(
        people.bob,
        name="travel-notes",
        description="Sentences with people, places and dates",
        topics=["named-entities", "text"],
        licence="CC0-1.0",
    )
    imported(
        people.bob, repository, {"notes.jsonl": others.notes(NOTES)}, Wanted("", message="Import the notes\n")
    )


def signals(people: People) -> None:
    clips, table = others.signals(SIGNALS)
    repository = repositories.create_repository(
        people.bob,
        name="signals",
        description="Beeps, chirps and bursts of noise, segment by segment",
        topics=["audio", "sound-events"],
        licence="CC0-1.0",
    )
    imported(
        people.bob, repository, {**clips, "labels.jsonl": table}, Wanted("", message="Import the clips\n")
    )


# ---- the steps a user would take ------------------------------------------------------------------------------------


def imported(actor: User, repository: Repository, files: Files, wanted: Wanted) -> Job:
    """Upload and import; the job runs here, because no worker does yet."""
    upload = uploads.begin(actor, repository)
    uploads.add_files(
        upload, [uploads.Given(name, io.BytesIO(data), len(data)) for name, data in files.items()]
    )
    job = create_import(actor, repository, wanted, upload=upload)
    run_import(str(job.pk), last=True)
    job.refresh_from_db()
    if job.state != State.SUCCEEDED:
        raise DemonstrationFailed(what=str(repository), reason=str(job.error))
    return job


def card(actor: User, repository: Repository, text: str) -> None:
    edit = SnapshotEdit()
    edit.put_file("README.md", text.encode())
    branch = repository.default_branch
    head = Ref.objects.get(repository=repository, name=HEADS + branch).commit_id
    commits.commit_edit(
        actor, repository, branch=branch, expected_head=head, edit=edit, message="Describe the data\n"
    )


def approve_and_merge(people: People, pull: PullRequest) -> None:
    discussion.submit_review(
        people.alice, pull, verdict="approve", body="All three annotators see it the same way."
    )
    merge.merge_pull(people.alice, pull)


PARTS_CARD = """# Factory parts

Photographs of small metal parts on a conveyor belt, 640 × 480, drawn by a program and therefore known exactly.

| class | what it is |
|---|---|
| bolt | a hexagon head on a shaft |
| nut | a hexagon with a hole |
| washer | a brass ring |
| gear | a wheel with teeth |

## Guidelines

- Outline the whole part, not its shadow.
- A part that is cut by the edge of the picture is labelled up to the edge.

A third of the pictures were labelled in a hurry. The open pull request corrects some of them.
"""
PARTS_PROPOSAL = """I went through every second picture with the photograph beside it:

- outlines that were shifted are back on their parts,
- nuts that were called washers (and the reverse) have their class,
- forgotten parts are added, ghosts in the corner removed.
"""
DIGITS_CARD = """# Digits

The first 300 of scikit-learn's handwritten digits, enlarged to 64 × 64. Three annotators voted on each; *gold*
holds the accepted digit. The Insights page shows how far they agree.
"""
DIGITS_PROPOSAL = "Where all three annotators see another digit than *gold* says, *gold* was a slip."
