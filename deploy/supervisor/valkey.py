"""Valkey: broker, results, cache. What was queued survives a kill."""

from pathlib import Path

import redis

from deploy.supervisor import locate
from deploy.supervisor.state import State

DATABASES = 128  # one pair for each worker of a test run


def command(data: Path, port: int, durable: bool) -> list[str]:
    folder = data / "valkey"
    folder.mkdir(exist_ok=True)
    return [
        str(locate.valkey()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "",
        "--appendonly", "yes" if durable else "no", "--databases", str(DATABASES),
        "--maxmemory-policy", "noeviction", "--loglevel", "warning",
    ]  # fmt: skip


def url(state: State, number: int = 0) -> str:
    return f"redis://127.0.0.1:{state.ports['valkey']}/{number}"


def ready(state: State) -> bool:
    with redis.Redis(host="127.0.0.1", port=state.ports["valkey"], socket_timeout=2) as client:
        return bool(client.ping())
