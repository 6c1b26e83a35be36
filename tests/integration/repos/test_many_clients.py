"""The small version of tests/real/many.py: clients of a live server on one branch."""

from __future__ import annotations

import pytest

from hub.accounts.services import create_token
from tests.factories import repos as make
from tests.real import many
from tests.real.api import Api

CLIENTS, COMMITS, SAMPLES = 8, 2, 12


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(600)
def test_many_clients_on_one_branch_lose_nothing(live_server: object) -> None:
    owner = make.user()
    base = str(live_server)
    clients = [Api(base, create_token(actor=owner, name=f"t{n}")[1]) for n in range(CLIENTS)]
    repository = many.prepare(clients[0], "busy", SAMPLES)
    outcome = many.run(clients, repository, SAMPLES, COMMITS)
    many.check(clients[0], repository, outcome, CLIENTS * COMMITS)
