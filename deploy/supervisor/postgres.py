"""PostgreSQL: a cluster of our own, TCP on the loopback only, a generated password."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import psycopg

from deploy.supervisor import children, locate
from deploy.supervisor.options import Trouble
from deploy.supervisor.state import State, private

USER = DATABASE = "labelhub"
# A throw-away cluster may lose everything in a crash of the machine, and is three times faster for it.
_CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")
CARELESS = [f"-c{setting}" for setting in _CARELESS]


def cluster(data: Path) -> Path:
    return data / "postgres"


def initialise(data: Path, state: State) -> None:
    """Made beside its place and moved there whole, so that a broken start leaves no half cluster."""
    if (cluster(data) / "PG_VERSION").exists():
        return
    fresh, password = data / "postgres.new", data / "postgres.password"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(cluster(data), ignore_errors=True)
    fresh.mkdir(mode=0o700)
    private(password, state.password)
    if children.must_give_away():
        data.chmod(0o711)
        os.chown(fresh, children.NOBODY, children.NOBODY)
        os.chown(password, children.NOBODY, children.NOBODY)
    locale = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"
    made = subprocess.run(
        [
            str(locate.postgres_folder() / "initdb"), "-D", str(fresh), "-U", USER, "--auth=scram-sha-256",
            f"--pwfile={password}", "--encoding=UTF8", f"--locale={locale}", "--no-instructions", "--no-sync",
        ],
        cwd=data, capture_output=True, text=True, check=False,
        preexec_fn=children.ordinary_user(signal.SIGINT),
    )  # fmt: skip
    password.unlink()
    if made.returncode:
        raise Trouble(f"initdb failed:\n{made.stderr.strip()}")
    fresh.rename(cluster(data))


def command(data: Path, port: int, durable: bool) -> list[str]:
    return [
        str(locate.postgres_folder() / "postgres"), "-D", str(cluster(data)), "-h", "127.0.0.1", "-p", str(port),
        "-c", "unix_socket_directories=", "-c", "log_min_messages=warning", "-c", "log_checkpoints=off",
        *([] if durable else CARELESS),
    ]  # fmt: skip


def url(state: State, database: str = DATABASE) -> str:
    return (
        f"postgres://{USER}:{quote(state.password, safe='')}@127.0.0.1:{state.ports['postgres']}/{database}"
    )


def ready(state: State) -> bool:
    """Answers, and has our database."""
    with psycopg.connect(url(state, "postgres"), connect_timeout=2, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}")
    return True
