"""What the caller may choose, by environment."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Trouble(Exception):
    """A sentence for the person at the terminal; the run ends with it."""


@dataclass(frozen=True)
class Options:
    data: Path
    port: int
    seed: bool = True


def read() -> Options:
    port = os.environ.get("PORT", "") or "8000"
    if not port.isdigit() or not 1 <= int(port) <= 65535:
        raise Trouble(f"PORT={port} is not a port")
    data = Path(os.environ.get("LABELHUB_DATA", "") or ROOT / ".data").absolute()
    return Options(data=data, port=int(port), seed=os.environ.get("LABELHUB_SEED", "1") != "0")


def child_environment(services: dict[str, str]) -> dict[str, str]:
    """Our own environment (certificates, proxies, PATH), the services, and the two source roots."""
    return {
        **os.environ,
        **services,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform")]),
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "hub.settings",
    }
