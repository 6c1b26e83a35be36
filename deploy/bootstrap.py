"""Build the virtual environment from a lock file; needs nothing but a Python.

Hashes are checked for every package, the installer included. uv is used because it is ten times faster;
where it has no wheel, pip does the same work.
"""

import argparse
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)


def run(*command: str | Path) -> bool:
    """Whether the command succeeded; its own output tells why not."""
    return subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode == 0


def create(folder: Path) -> None:
    """A fresh environment, with a sentence instead of a traceback where the system's Python is incomplete."""
    try:
        venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(folder)
    except (subprocess.CalledProcessError, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        sys.exit(f"cannot create {folder}: {error}\nOn Debian and Ubuntu: apt-get install python3-venv")


def name_sources(folder: Path) -> None:
    """The two source roots, for every program of the environment (celery, granian, pytest) and from every folder."""
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "labelhub-sources.pth").write_text(f"{ROOT}\n{ROOT / 'platform'}\n")


def install(folder: Path, lock: str) -> bool:
    python, uv = folder / "bin" / "python", folder / "bin" / "uv"
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes")
    if not uv.exists():
        run(*pip, "--only-binary", ":all:", "-r", "requirements-bootstrap.lock")
    quickly = (uv, "pip", "install", "--quiet", "--python", python, "--require-hashes")
    if uv.exists() and run(*quickly, "-r", lock):
        return True
    return run(*pip, "-r", lock)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("lock")
    arguments = parser.parse_args()
    if sys.version_info < OLDEST:
        sys.exit(f"LabelHub needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}")
    folder = (ROOT / arguments.folder).absolute()
    if not (folder / "bin" / "python").exists():
        create(folder)
    name_sources(folder)
    if not install(folder, arguments.lock):
        sys.exit(f"could not install {arguments.lock}")


if __name__ == "__main__":
    main()
