"""A Chromium for the browser tests, without downloading a build that no registry carries."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.supervisor import locate
from deploy.supervisor.options import Trouble

FOLDER = Path(__file__).resolve().parent / "browser" / "chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LAUNCH_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic",
]  # fmt: skip


def find_chromium() -> str | None:
    """CHROMIUM, the PATH, then npm's (Linux on x86-64 only)."""
    chosen = os.environ.get("CHROMIUM")
    on_path = next(filter(None, map(shutil.which, NAMES)), None)
    return chosen or on_path or from_npm()


def from_npm() -> str | None:
    """Installed from the lock beside its script on the first use; the script unpacks it and prints its path."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return None
    try:
        npm, node_folder = locate.npm()
    except Trouble:
        return None
    environment = {**os.environ, "PATH": f"{node_folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    if not (FOLDER / "node_modules").exists():
        command = [*npm, "ci", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=FOLDER, env=environment, check=True, capture_output=True)
    found = subprocess.run(
        ["node", "path.mjs"], cwd=FOLDER, env=environment, check=True, capture_output=True, text=True
    )
    return found.stdout.strip()
