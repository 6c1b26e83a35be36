"""Work shared among threads: answers in order, errors as they are."""

from __future__ import annotations

from threading import current_thread

import pytest

from repos.labelstore import threads
from repos.labelstore.digest import address_of
from repos.labelstore.threads import WORTH, mapped


@pytest.mark.parametrize("count", [0, 1, WORTH - 1, WORTH, WORTH + 1, 1000])
@pytest.mark.parametrize("processors", [1, 2, 3, 64])
def test_answers_come_in_the_order_of_the_items(
    monkeypatch: pytest.MonkeyPatch, count: int, processors: int
) -> None:
    monkeypatch.setattr(threads, "_processors", lambda: processors)
    raws = [b"%d" % n for n in range(count)]
    assert mapped(address_of, iter(raws)) == [address_of(raw) for raw in raws]


def test_others_help_with_many_items_and_not_with_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_processors", lambda: 3)
    assert len(set(mapped(lambda _: current_thread().name, range(WORTH)))) > 1
    assert mapped(lambda _: current_thread(), range(WORTH - 1)) == [current_thread()] * (WORTH - 1)


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_an_error_of_any_share_is_told(monkeypatch: pytest.MonkeyPatch, broken: int) -> None:
    monkeypatch.setattr(threads, "_processors", lambda: 3)

    def work(item: int) -> int:
        if item == broken:
            raise ValueError(item)
        return item

    with pytest.raises(ValueError, match=str(broken)):
        mapped(work, range(WORTH))
