"""The front end, built when its sources have changed since the last build, never otherwise."""

import fcntl
import hashlib
import os
import subprocess
import time
from pathlib import Path

from deploy.supervisor import locate
from deploy.supervisor.options import ROOT, Trouble, child_environment
from deploy.supervisor.service import Say

FOLDER = ROOT / "frontend"
NOT_SOURCES = frozenset({"node_modules", "dist", "templates", "tests", "demo"})
KEPT_SECONDS = 7 * 24 * 3600
MANIFEST = FOLDER / "dist" / ".vite" / "manifest.json"


def digest(files: list[Path]) -> str:
    total = hashlib.sha256()
    for file in sorted(files):
        total.update(f"{file.relative_to(FOLDER)}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def sources() -> list[Path]:
    tops = [
        top for top in FOLDER.iterdir() if top.name not in NOT_SOURCES and not top.name.startswith(".built")
    ]
    return [file for top in tops for file in ([top] if top.is_file() else top.rglob("*")) if file.is_file()]


def remembered(mark: Path) -> str:
    return mark.read_text() if mark.exists() else ""


def run_npm(*arguments: str) -> None:
    command, folder = locate.npm()
    environment = child_environment({})
    environment["PATH"] = f"{folder}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        [*command, *arguments], cwd=FOLDER, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Trouble(f"npm {' '.join(arguments)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def build(say: Say) -> None:
    """One build at a time for this checkout, whoever asks."""
    if not (FOLDER / "package.json").exists():
        say("up", "no front end yet: pages come without styles and scripts")
        return
    (FOLDER / "node_modules").mkdir(exist_ok=True)
    with (FOLDER / "node_modules" / ".build-lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        install(say)
        build_once(say)


def install(say: Say) -> None:
    mark = FOLDER / "node_modules" / ".labelhub-installed"
    wanted = digest([FOLDER / "package.json", FOLDER / "package-lock.json"])
    if remembered(mark) == wanted:
        return
    say("up", "installing the packages of the front end")
    run_npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
    mark.write_text(wanted)


def build_once(say: Say) -> None:
    mark = FOLDER / "node_modules" / ".labelhub-built"
    wanted = digest(sources())
    if remembered(mark) == wanted and MANIFEST.exists():
        return
    say("up", "building the front end")
    run_npm("run", "build")
    forget_old()
    mark.write_text(wanted)


def forget_old() -> None:
    """Parts of builds that nobody has open any more: not of the present one, and a week old."""
    present = MANIFEST.read_text()
    for file in (FOLDER / "dist" / "assets").glob("*"):
        if file.name not in present and file.stat().st_mtime < time.time() - KEPT_SECONDS:
            file.unlink(missing_ok=True)
