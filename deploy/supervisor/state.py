"""The data folder: one run at a time, secrets made once, a file that tells other commands where the services are."""

import fcntl
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from deploy.supervisor.options import Trouble

STATE, SERVICES, LOCK = "state.json", "services.json", "lock"
JWT_KEYS = 4


@dataclass
class State:
    """What a data folder remembers between runs."""

    password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(50))
    s3_access_key: str = field(default_factory=lambda: "LH" + secrets.token_hex(9).upper())
    s3_secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(30))
    jwt: list[str] = field(default_factory=lambda: [secrets.token_hex(16) for _ in range(JWT_KEYS)])
    demo_password: str = field(default_factory=lambda: f"demo-{secrets.token_hex(4)}")
    seeded: bool = False
    ports: dict[str, int] = field(default_factory=dict)


def private(path: Path, text: str) -> None:
    """Written whole or not at all, readable by its owner only."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    fresh.replace(path)


def load(data: Path) -> State:
    try:
        return State(**json.loads((data / STATE).read_text()))
    except FileNotFoundError:
        return State()
    except (ValueError, TypeError) as error:
        raise Trouble(
            f"{data / STATE} cannot be read ({error}); move it away to start with new secrets"
        ) from error


def save(data: Path, state: State) -> None:
    private(data / STATE, json.dumps(asdict(state), indent=1))


def tell_services(data: Path, services: dict[str, str]) -> None:
    private(data / SERVICES, json.dumps(services, indent=1))


def lock(data: Path) -> IO[str]:
    """Held as long as the file is open, by the operating system: a killed run leaves nothing behind."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    held = (data / LOCK).open("a+")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.close()
        raise Trouble(
            f"LabelHub is already running on {data}. Stop it there with Ctrl-C, "
            "or choose another folder and port: LABELHUB_DATA=... PORT=... make up"
        ) from error
    return held
