"""One import, from the stored upload to one commit.

Invariant: nothing of it is visible before the ref moves, once, in the same transaction in which the job succeeds; so a
run that is killed at any instant leaves the branch and the job as they were, and running again from the beginning is
safe and cannot land twice. Media first, then labels, planned against the head of the branch.
Cost: one pass over the files, portions of a million rows, one commit. Memory: a portion, the keys, what changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction

from hub.accounts.models import User
from hub.jobs import services as jobs
from hub.jobs.models import OPEN_STATES, Job
from repos import access
from repos.annotations import changeset_codec
from repos.annotations import snapshot as snapshots
from repos.annotations.changeset import ChangeSet
from repos.annotations.draft_of import media_of
from repos.annotations.draft_rows import DraftRows
from repos.annotations.drafts import (
    IMPORTED,
    Holds,
    LayerDraft,
    MediaRef,
    Record,
    Refusal,
    SampleDraft,
    Warned,
)
from repos.annotations.errors import InvalidValue
from repos.annotations.importing import Batch, Importer, ImportPlan, Scope
from repos.annotations.model import Media
from repos.errors import BadValue, NotFound, RefMoved
from repos.formats.base import Format
from repos.formats.bound import Bound
from repos.formats.errors import FormatError, SourceError
from repos.formats.look import Look
from repos.formats.options import Options
from repos.formats.perfile import refused_file
from repos.formats.recognise import options_from_over, recognise
from repos.formats.records import Item
from repos.formats.records import Progress as Read
from repos.formats.registry import FORMATS, format_named
from repos.formats.source import Source
from repos.models import CommitRecord, ExternalIdentity, Ref, Repository, Role, Upload
from repos.names import HEADS
from repos.selectors.people import author_id
from repos.services import commits, uploads
from repos.services import media as media_services
from repos.services.import_batches import Gathered
from repos.services.import_lookup import KnownSamples
from repos.services.import_media import MediaIntake, is_media, media_from
from repos.services.import_progress import Progress, RefusalTable
from repos.services.imports import AUTO, RefusedRecords, Wanted, options_of
from repos.services.sources import source_of
from repos.services.stores import Workspace, workspace

PLANS = 3
LONGEST_NAME = 100
WARNINGS_LOGGED = 100


@dataclass(slots=True)
class Outcome:
    """What is left of a plan: the snapshot that would be the commit's, and what it counts."""

    work: Workspace
    base: CommitRecord | None
    before: snapshots.Snapshot
    after: snapshots.Snapshot
    changes: ChangeSet
    samples: int
    annotations: int


class ImportRun:
    """One run of one job. `people`: annotators by the names the files use."""

    def __init__(self, job: Job) -> None:
        self.job, self.wanted = job, Wanted(**job.arguments)
        self.progress, self.refusals = Progress(job), RefusalTable(job)
        self.people: dict[str, str] = {}
        self._media_refused: list[Refusal] = []
        self.actor, self.repository = _door(job)

    def run(self) -> None:
        """Ends the job: succeeded with a commit, or with none when nothing changes. What stops it is raised."""
        upload = uploads.get_upload(self.actor, self.repository, self.wanted.upload)
        try:
            source = source_of(upload)
            bound = self._bound(source)
            self.progress.log(f"reading {_files(uploads.totals(upload)[0])} as {bound.format.title}")
            stored = self._media(source)
            for attempt in range(PLANS):
                try:
                    self._end(self._plan(source, bound, stored))
                    return
                except RefMoved:
                    if attempt + 1 == PLANS:
                        raise
                    self.progress.log("the branch was made meanwhile; planning again", "warning")
                    self._again()
        except (FormatError, SourceError) as error:
            self.refusals.add(_refusal_of(error))
            self._keep_counts(0, 0)
            raise
        finally:
            self.refusals.save()

    def _again(self) -> None:
        """A table without what the abandoned plan refused; what is wrong with media stays."""
        self.refusals = RefusalTable(self.job)
        for refusal in self._media_refused:
            self.refusals.add(refusal)

    # ---- what to read -------------------------------------------------------------------------------------------

    def _bound(self, source: Source) -> Bound:
        given = options_of(self.wanted.options or {})
        form, options = self._format(source, given)
        options = replace(
            options,
            import_id=f"n{self.repository.network_id}.{given.import_id}",
            annotator_of=self._annotator,
            annotator_name=self._name,
        )
        return Bound(form, options)

    def _format(self, source: Source, given: Options) -> tuple[Format, Options]:
        if self.wanted.format != AUTO:
            form = format_named(self.wanted.format)
            guess = form.recognise(Look(source))
        else:
            found = recognise(source, previews=0)
            if not found:
                raise BadValue(
                    "format", AUTO, f"files of a known format ({', '.join(FORMATS)}); name it if you know it"
                )
            guess = found[0].guess
            form = format_named(guess.format)
        if guess is None:
            return form, given
        return form, options_from_over(given, options_of(guess.options), guess)

    def _annotator(self, name: str) -> str:
        found = self.people.get(name)
        if found is None:
            found = f"ext:n{self.repository.network_id}:{name[:LONGEST_NAME]}"
            self.people[name] = found
        return found

    def _claimed_name(self, annotator: str) -> str:
        """Whom a file may name: the importer and people known from files of this network. Everybody else, accounts
        above all, becomes a name of this import: a file is no proof that somebody drew a label."""
        ours = (f"ext:n{self.repository.network_id}:", f"ext:n{self.repository.network_id}.")
        if annotator == author_id(self.actor) or annotator.startswith(ours):
            return annotator
        return self._annotator(annotator.split(":", 2)[-1] if annotator.startswith("ext:") else annotator)

    def _name(self, annotator: str) -> str:
        return annotator.removeprefix(f"ext:n{self.repository.network_id}:")

    # ---- media --------------------------------------------------------------------------------------------------

    def _media(self, source: Source) -> dict[str, Media]:
        names = [name for name in source.names() if is_media(name)]
        if not names:
            return {}
        self.progress.phase("files", len(names), "storing media")
        intake = MediaIntake(self.actor, self.repository, source)
        for refusal in intake.run(names, self.progress.tick):
            self.refusals.add(refusal)
            self._media_refused.append(refusal)
        self.progress.log(f"stored {len(intake.stored)} of {len(names)} media files")
        return intake.stored

    # ---- labels -------------------------------------------------------------------------------------------------

    def _plan(self, source: Source, bound: Bound, stored: Mapping[str, Media]) -> Outcome:
        base = self._base()
        work = workspace(self.repository.network)
        before = snapshots.load(work.nodes, bytes(base.snapshot)) if base else snapshots.empty()
        gathered = Gathered(work.nodes, before, first=base is None)
        known = KnownSamples(gathered.view if base else None, dict(stored), bound.options.key_prefix)
        options = replace(bound.options, known_size=known.size, find_image=known.find)
        bound = Bound(bound.format, options)
        plan = ImportPlan(layer=self.wanted.layer, scope=Scope(self.wanted.scope), claimed=self._claimed_name)
        importer = Importer(gathered, bound, plan, self._media_for(stored))
        self.progress.phase("annotations", None, "reading labels")
        reader = _Reader(self, gathered, bound, stored)
        warned = refused_samples = 0
        for out in importer.run(reader.items(source)):
            if isinstance(out, Batch):
                gathered.put(out)
            elif isinstance(out, Refusal):
                refused_samples += out.whole and out not in reader.whole
                self.refusals.add(out)
            elif (warned := warned + 1) <= WARNINGS_LOGGED:
                self.progress.log(_text_of(out), "warning")
        self.progress.say("writing")
        changes = gathered.changes()
        changed = importer.changes
        taken = changed.added + changed.changed + changed.kept
        samples = changed.samples_seen - refused_samples
        for refusal in gathered.refused:
            self.refusals.add(refusal)
            taken -= refusal.annotations
            samples -= refusal.whole
        return Outcome(work, base, before, gathered.snapshot, changes, samples, taken)

    def _base(self) -> CommitRecord | None:
        """The head of the branch; of the default branch when it does not exist yet; None in an empty repository."""
        names = [HEADS + self.wanted.branch, HEADS + self.repository.default_branch]
        refs = {ref.name: ref for ref in Ref.objects.filter(repository=self.repository, name__in=names)}
        ref = refs.get(names[0]) or refs.get(names[1])
        if ref is None:
            return None
        return CommitRecord.objects.get(network=self.repository.network_id, commit_id=ref.commit_id)

    def _media_for(self, stored: Mapping[str, Media]) -> Any:
        def media_for(key: str, given: MediaRef, there: Media | None) -> Media:
            if given.member is not None and (own := stored.get(given.member)) is not None:
                return there if there is not None and there.sha256 == own.sha256 else own
            if given.sha256 is not None and (there is None or there.sha256 != given.sha256):
                return self._claimed(key, given.sha256)
            return media_of(given, there)

        return media_for

    def _claimed(self, key: str, sha256: bytes) -> Media:
        """Bytes that an export of ours names: believed when the actor may name them here."""
        blob = media_services.blobs(self.repository, [sha256]).get(sha256)
        if blob is None or media_services.not_nameable(self.actor, self.repository, [sha256]):
            raise InvalidValue("media.sha256", sha256.hex(), "media that was uploaded to this repository")
        return media_from(blob)

    # ---- the end ------------------------------------------------------------------------------------------------

    def _end(self, outcome: Outcome) -> None:
        self.refusals.save()
        if self.refusals.count and not self.wanted.partial:
            self._keep_counts(outcome.samples, outcome.annotations)
            raise RefusedRecords(self.refusals.count)
        if outcome.changes.is_empty:
            jobs.succeed(self.job, self._result(outcome.samples, outcome.annotations, None, unchanged=True))
            return
        self.progress.say("storing the commit")
        snapshots.save(outcome.work.nodes, outcome.after)
        if outcome.base is not None:
            changeset_codec.save(outcome.work.nodes, outcome.changes)
        outcome.work.save()
        self._land(outcome)

    @transaction.atomic
    def _land(self, outcome: Outcome) -> None:
        wanted = commits.Request(
            self.actor,
            self.repository,
            self.wanted.branch,
            self.wanted.message or "Import labels",
            trailers=[("Import-Job", str(self.job.pk))],
            reason="import",
        )
        ours = (outcome.work, outcome.base, outcome.before, outcome.after, outcome.changes)
        landed = commits.commit_snapshot(wanted, *ours)
        ExternalIdentity.objects.bulk_create(
            [
                ExternalIdentity(identifier=i, network=self.repository.network, display_name=name[:200])
                for name, i in sorted(self.people.items())
            ],
            ignore_conflicts=True,
        )
        job = Job.objects.select_for_update().get(pk=self.job.pk)
        if job.cancel_requested or job.state not in OPEN_STATES:
            raise jobs.Cancelled
        counted = outcome.samples, outcome.annotations
        Job.objects.filter(pk=job.pk).update(
            done=outcome.annotations, total=outcome.annotations, message="imported"
        )
        jobs.succeed(job, self._result(*counted, landed.commit.commit_id, unchanged=False))

    def _result(
        self, samples: int, annotations: int, commit: str | None, *, unchanged: bool
    ) -> dict[str, Any]:
        refused = self.refusals
        return {
            "commit": commit,
            "branch": self.wanted.branch,
            "samples": {"taken": samples, "refused": refused.samples},
            "annotations": {"taken": annotations, "refused": refused.annotations},
            "unchanged": unchanged,
        }

    def _keep_counts(self, samples: int, annotations: int) -> None:
        """What a failed import would have been, beside its error."""
        Job.objects.filter(pk=self.job.pk).update(
            result=self._result(samples, annotations, None, unchanged=False)
        )


class _Reader:
    """What a format reads, on its way to the importer: counted, placed, and followed by the media nobody named."""

    def __init__(self, run: ImportRun, gathered: Gathered, bound: Bound, stored: Mapping[str, Media]) -> None:
        self.run, self.gathered, self.bound, self.stored = run, gathered, bound, stored
        self.whole: set[Refusal] = set()
        self._named: set[str] = set()
        self._annotations = 0

    def items(self, source: Source) -> Iterator[Item | DraftRows]:
        for item in self.bound.read_rows(source):
            if isinstance(item, Record):
                self._record(item)
            elif isinstance(item, DraftRows):
                self._rows(item)
            elif isinstance(item, Refusal):
                self._annotations += item.annotations
                self._named.update(name for name in (item.key, item.file) if name)
                if item.whole:
                    self.whole.add(item)
            if not isinstance(item, Read):
                yield item
        yield from self._unlabelled()

    def _record(self, record: Record) -> None:
        self._annotations += sum(len(layer.annotations) for layer in record.layers.values())
        self.gathered.places[record.key] = (record.file, record.line)
        if record.sample.media is not None and record.sample.media.member is not None:
            self._named.add(record.sample.media.member)
        self.run.progress.tick(self._annotations, f"reading {record.file}")

    def _rows(self, rows: DraftRows) -> None:
        self._annotations += rows.n_rows
        self.gathered.places.update(zip(rows.keys, rows.places, strict=True))
        media = (sample.media for sample in rows.samples if sample.media is not None)
        self._named.update(given.member for given in media if given.member is not None)
        self.run.progress.tick(self._annotations, f"reading {rows.places[-1][0]}")

    def _unlabelled(self) -> Iterator[Item]:
        """Media that no label file speaks of are samples too; a replacing import takes their labels away."""
        empty = {IMPORTED: LayerDraft()} if self.run.wanted.scope == Scope.REPLACE else {}
        holds = replace(self.bound.holds(), media=True) if empty else Holds(frozenset(), media=True)
        for name in self.stored:
            key = self.bound.options.key_prefix + name
            if name not in self._named and key not in self._named:
                self.gathered.places[key] = (name, None)
                yield Record(key, SampleDraft(MediaRef(name)), empty, holds, name)


def _door(job: Job) -> tuple[User, Repository]:
    """Who asked and where, asked again now: access may have ended since."""
    if job.actor is None:
        raise NotFound("account", "of this job")
    number = int(job.subject.rpartition(":")[2])
    return job.actor, access.get_repository_by_id(job.actor, number, Role.WRITE)


def _refusal_of(error: FormatError | SourceError) -> Refusal:
    if isinstance(error, FormatError):
        return refused_file(error.file, error)
    return Refusal(error.member, str(error), "an archive that is safe to read", whole=True, annotations=0)


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def _text_of(warned: Warned) -> str:
    place = warned.file if warned.line is None else f"{warned.file}, line {warned.line}"
    return f"{place}: {warned.message}"


def upload_of(job: Job) -> Upload | None:
    return Upload.objects.filter(pk=job.arguments.get("upload")).first()
