"""The whole loop through pages only: sign up, import, somebody else corrects a box, review, merge, blame."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMessage
from playwright.sync_api import Locator, Page, expect

from repos.demo import parts

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
]
PASSWORD = "correct horse battery"
KEY = "val/belt_0003.jpg"
WaitFor = Callable[..., Any]
OpenPage = Callable[..., Page]


def boxes_archive(scenes: list[parts.Scene]) -> bytes:
    """A zip as somebody would have it: pictures and one COCO file of boxes."""
    labels = json.loads(parts.coco(scenes))
    for each in labels["annotations"]:
        del each["segmentation"]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("instances.json", json.dumps(labels))
        for scene in scenes:
            archive.writestr(scene.name, scene.jpeg)
    return out.getvalue()


def sign_up(page: Page, name: str, outbox: list[EmailMessage], wait_for: WaitFor) -> None:
    page.goto("/")
    page.get_by_role("banner").get_by_role("link", name="Sign up").click()
    page.locator("[name=username]").fill(name)
    page.locator("[name=email]").fill(f"{name}@example.org")
    page.locator("[name=password1]").fill(PASSWORD)
    page.locator("main").get_by_role("button", name=re.compile("sign up", re.I)).click()
    mail = wait_for(lambda: next((m for m in outbox if m.to == [f"{name}@example.org"]), None))
    link = re.search(r"https?://\S+/accounts/confirm-email/\S+", mail.body)
    assert link, mail.body
    page.goto(link.group())
    page.get_by_role("button", name="Confirm").click()
    if "/login" in page.url:  # the link was opened in another browser than the one that signed up
        page.locator("[name=login]").fill(name)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("[name=password]").press("Enter")
    expect(page.get_by_text(f"{name}, your menu")).to_be_attached()


def create_by_import(page: Page, name: str, archive: Path) -> None:
    page.goto("/new")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Description").fill("Parts on a belt")
    page.get_by_role("button", name="Create and import data").click()
    expect(page.get_by_role("heading", name=f"Import into {name}")).to_be_visible()
    page.locator("lh-upload .drop").wait_for()
    page.locator("lh-upload input[type=file]").set_input_files(archive)
    expect(page.get_by_label("Format", exact=True)).to_have_value("coco")
    expect(page.get_by_role("region", name="Preview")).to_contain_text(KEY)
    page.get_by_role("button", name="Start the import").click()
    page.get_by_role("link", name="See the data").click()


def on_screen(stage: Locator, x: float, y: float) -> tuple[float, float]:
    """Where a point of the picture is in the window."""
    box = stage.bounding_box()
    transform = stage.locator("svg > g").first.get_attribute("transform") or ""
    scale, _, _, _, left, top = map(float, re.findall(r"-?[\d.]+(?:e-?\d+)?", transform))
    assert box is not None
    return box["x"] + left + x * scale, box["y"] + top + y * scale


def move_box(page: Page, box: tuple[float, float, float, float], by: tuple[int, int]) -> None:
    """Select the box with a click, then drag it by pixels of the picture."""
    stage = page.locator("lh-editor .vw-stage")
    expect(stage.locator("svg > g").first).to_have_attribute("transform", re.compile("matrix"))
    middle = box[0] + box[2] / 2, box[1] + box[3] / 2
    start = on_screen(stage, *middle)
    end = on_screen(stage, middle[0] + by[0], middle[1] + by[1])
    page.mouse.click(*start)
    expect(page.locator(".ed-item[aria-pressed=true]")).to_have_count(1)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=4)
    page.mouse.move(*end, steps=4)
    page.mouse.up()
    expect(page.locator("lh-editor .save")).to_have_text("Saved")
    expect(page.locator("lh-editor")).to_contain_text("Review 1 edit and commit")


def lone_box(scene: parts.Scene) -> tuple[float, float, float, float]:
    """A box with room to move, in whose middle no other box lies."""
    for part in scene.parts:
        x, y, w, h = part.box
        middle = x + w / 2, y + h / 2
        others = [p.box for p in scene.parts if p.number != part.number]
        covered = any(a <= middle[0] <= a + c and b <= middle[1] <= b + d for a, b, c, d in others)
        if not covered and x > 10 and x + w < parts.WIDTH - 40 and y > 10 and y + h < parts.HEIGHT - 30:
            return part.box
    raise AssertionError("no such box in this scene")


def propose_moved_box(page: Page, scene: parts.Scene) -> None:
    page.get_by_role("button", name="Edit labels").click()
    expect(page.locator("#messages")).to_contain_text("a fork of your own")
    move_box(page, lone_box(scene), (24, 15))
    page.get_by_role("main").get_by_role("link", name="Review and commit", exact=True).click()
    expect(page.get_by_label("Message")).to_have_value("Move 1 annotation in 1 sample")
    expect(page.locator(".listbox")).to_contain_text(KEY)
    page.get_by_label("Details").fill("The box lay beside the part.")
    page.get_by_role("button", name="Commit and propose").click()
    expect(page.get_by_label("Title")).to_have_value("Move 1 annotation in 1 sample")
    page.get_by_role("button", name="Create pull request").click()
    expect(page.get_by_role("heading", name="Move 1 annotation in 1 sample #1")).to_be_visible()


def review_and_merge(page: Page) -> None:
    page.get_by_role("link", name="Pull requests").click()
    page.get_by_role("link", name="Move 1 annotation in 1 sample").click()
    page.get_by_role("link", name="Changes 1").click()
    expect(page.locator("lh-diff-viewer .vw-stage .tag")).to_contain_text("IoU")
    change = page.locator(".an[data-change='1']")
    expect(change).to_contain_text("Moved")
    expect(change).to_contain_text("24 px right, 15 px down")
    change.locator("summary").click()
    change.get_by_label("Comment on change 1").fill("Now it fits the part.")
    change.locator("form button", has_text="Comment").click()
    expect(page.locator(".an[data-change='1'] .thread")).to_contain_text("Now it fits the part.")
    page.get_by_role("link", name=re.compile("^Conversation")).click()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#messages")).to_contain_text("Your review is submitted")
    expect(page.get_by_text("No conflicts with main")).to_be_visible()
    page.get_by_role("button", name="Merge pull request").click()
    expect(page.locator("#merge-box")).to_contain_text("Merged by ada")


def look_back(page: Page) -> None:
    """From the merge to the commit, to the sample, to who set the box."""
    page.locator("#merge-box a.mono").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Merge pull request #1 from ben/belt")
    expect(page.get_by_role("region", name=KEY)).to_contain_text("24 px right")
    page.goto(f"/ada/belt/sample/main/{KEY}")
    page.get_by_text("Who set what").click()
    moved = page.locator(".blame tr").filter(has_text="ben")
    expect(moved).to_have_count(1)
    expect(moved).to_contain_text("shape")
    expect(moved).to_contain_text("Move 1 annotation in 1 sample")
    expect(page.locator(".blame tr").filter(has_text="ada").first).to_be_visible()
    page.get_by_role("link", name="History", exact=True).click()
    expect(page.locator(".hist-ev").first).to_contain_text("ben")
    expect(page.locator(".hist-ev").last).to_contain_text("ada")


@pytest.mark.usefixtures("worker")
def test_a_stranger_moves_a_box_and_the_owner_merges_it(
    open_page: OpenPage, mailoutbox: list[EmailMessage], wait_for: WaitFor, tmp_path: Path
) -> None:
    scenes = list(parts.scenes(6))
    archive = tmp_path / "belt.zip"
    archive.write_bytes(boxes_archive(scenes))
    owner, stranger = open_page(), open_page()
    sign_up(owner, "ada", mailoutbox, wait_for)
    create_by_import(owner, "belt", archive)
    expect(owner.locator(".gal .card")).to_have_count(len(scenes))
    sign_up(stranger, "ben", mailoutbox, wait_for)
    stranger.goto("/ada/belt")
    stranger.locator(".gal .card").filter(has_text=KEY).click()
    propose_moved_box(stranger, next(scene for scene in scenes if scene.name == KEY))
    owner.goto("/ada/belt")
    review_and_merge(owner)
    look_back(owner)
