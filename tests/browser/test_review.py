"""Parts of a review in a real browser: a conflict decided, the keys of the diff viewer, pages without script."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import scene as stage
from tests.browser.scene import Scene

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("inline_tasks"),
    pytest.mark.timeout(600),
]
OpenPage = Callable[..., Page]


@pytest.fixture
def scene(inline_tasks: None, transactional_db: None) -> Scene:
    return stage.build()


def test_two_people_move_one_box_and_the_conflict_is_decided(scene: Scene, open_page: OpenPage) -> None:
    pull = f"/mirela/parts/pull/{scene.conflicting.number}"
    page = open_page(scene.owner, pull)
    expect(page.get_by_role("button", name="Merge pull request")).to_be_disabled()
    page.get_by_role("link", name="Solve conflicts").click()
    conflict = page.locator("form.conflict").filter(has_text="geometry").first
    sides = conflict.locator(".side-choice")
    expect(sides).to_have_count(3)
    expect(sides.locator("b")).to_have_text(["Before", "main", "jonas:both"])
    expect(conflict.locator("lh-viewer .vw-stage svg .ln")).to_have_count(3)
    told = [side.inner_text() for side in sides.all()]
    assert len(set(told)) == 3, "base, ours and theirs are three different boxes"
    for _ in range(page.locator("form.conflict").count()):
        waiting = page.locator("form.conflict").filter(has=page.get_by_role("button", name="Decide"))
        waiting.first.get_by_label("jonas:both").check()
        waiting.first.get_by_role("button", name="Decide").click()
    expect(page.get_by_text(re.compile(r"^0 of \d+ to decide"))).to_be_visible()
    page.goto(pull)
    page.get_by_role("button", name="Merge pull request").click()
    expect(page.locator("#merge-box")).to_contain_text("Merged by mirela")


def test_the_diff_viewer_is_worked_with_keys_alone(scene: Scene, open_page: OpenPage) -> None:
    page = open_page(scene.owner, f"/mirela/parts/pull/{scene.proposal.number}/changes")
    viewer = page.locator("lh-diff-viewer")
    modes = viewer.get_by_role("group", name="How to compare").get_by_role("button")
    for key, name in (("2", "Side by side"), ("3", "Swipe"), ("4", "Blink"), ("1", "Overlay")):
        page.keyboard.press(key)
        expect(modes.and_(page.locator("[aria-pressed=true]"))).to_have_text(name)
    page.keyboard.press("n")
    expect(page.locator(".an[aria-current=true]")).to_have_attribute("data-change", "1")
    page.keyboard.press("p")
    expect(page.locator(".an[aria-current=true]")).to_have_count(1)
    page.keyboard.press("?")
    help_of_keys = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(help_of_keys).to_contain_text("mark the sample viewed")
    page.keyboard.press("Escape")
    expect(help_of_keys).to_have_count(0)
    page.keyboard.press("c")
    expect(page.locator(".an[aria-current=true]").get_by_label("Comment on change")).to_be_visible()
    queue = page.locator(".qi")
    first = queue.nth(0).locator("b").inner_text()
    page.keyboard.press("j")
    expect(queue.nth(1)).to_have_attribute("aria-current", "true")
    page.keyboard.press("k")  # whether the viewer of the new page listens already or not
    expect(page.locator(".qi[aria-current=true] b")).to_have_text(first)
    page.keyboard.press("v")
    expect(page.locator(".prog")).to_contain_text("1 of 9 viewed")


def keys_pressed_before_the_viewer_is_there_are_carried_out(scene: Scene, open_page: OpenPage) -> None:
    page = open_page(scene.owner)
    held: list[Route] = []
    page.route("**/lh-diff-viewer-*.js", lambda route: held.append(route))
    page.goto(f"/mirela/parts/pull/{scene.proposal.number}/changes", wait_until="domcontentloaded")
    viewer = page.locator("lh-diff-viewer")
    expect(viewer).to_have_attribute("aria-busy", "true")
    page.keyboard.press("2")
    page.keyboard.press("n")
    expect(viewer.locator(".vw-stage")).to_have_count(0)
    assert len(held) == 1
    held[0].continue_()
    expect(viewer.get_by_role("button", name="Side by side")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".an[aria-current=true]")).to_have_attribute("data-change", "1")
    expect(viewer).not_to_have_attribute("aria-busy", re.compile(".*"))


def a_viewer_that_cannot_be_fetched_is_told(scene: Scene, open_page: OpenPage) -> None:
    page = open_page(scene.owner)
    page.route("**/lh-diff-viewer-*.js", lambda route: route.abort())
    page.goto(f"/mirela/parts/pull/{scene.proposal.number}/changes")
    expect(page.get_by_role("alert")).to_contain_text("Load the page again")
    expect(page.locator("lh-diff-viewer")).to_contain_text("they are listed beside it")
    expect(page.locator("lh-diff-viewer")).not_to_have_attribute("aria-busy", re.compile(".*"))


def what_is_read_needs_no_script(scene: Scene, open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    page.goto("/mirela/parts")
    cards = page.locator(".gal .card")
    expect(cards).to_have_count(24)
    expect(cards.first.locator("svg .ln").first).to_be_visible()
    expect(page.get_by_role("heading", name="Factory parts")).to_be_visible()
    cards.first.click()
    picture = page.locator("lh-viewer img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") == 640
    expect(page.locator("tr[data-annotation-id]").first).to_be_visible()
    page.goto(f"/mirela/parts/pull/{scene.proposal.number}")
    expect(page.get_by_text("Is the shadow part of it?")).to_be_visible()
    expect(page.get_by_text("approved these changes")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Changes")).click()
    expect(page.locator(".qi")).to_have_count(9)
    expect(page.locator(".an .k").first).to_be_visible()
    expect(page.get_by_text(re.compile("change.* of this sample"))).to_be_visible()


def test_scripts_that_are_late_away_or_off(scene: Scene, open_page: OpenPage) -> None:
    """Three readers of one scene, none of whom changes it: making it takes longer than what each does."""
    keys_pressed_before_the_viewer_is_there_are_carried_out(scene, open_page)
    a_viewer_that_cannot_be_fetched_is_told(scene, open_page)
    what_is_read_needs_no_script(scene, open_page)
