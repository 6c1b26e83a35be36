"""`platform/` is a source root. One file in the wrong place shadows the standard library, and only a fresh process
notices: pytest itself has imported the real module long before."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLATFORM = ROOT / "platform"


def fresh(*command: str) -> "subprocess.CompletedProcess[str]":
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=inherited, capture_output=True, text=True, check=False
    )


def test_it_is_no_package_and_has_no_loose_files() -> None:
    assert not (PLATFORM / "__init__.py").exists()
    assert list(PLATFORM.glob("*.py")) == []


def test_hub_is_its_only_child() -> None:
    assert [child.name for child in PLATFORM.iterdir() if child.name != "__pycache__"] == ["hub"]


def test_the_standard_library_keeps_its_module() -> None:
    done = fresh("-c", "import platform; print(platform.system())")
    assert (done.returncode, done.stdout.strip() != "") == (0, True), done.stderr


def test_a_fresh_manage_py_starts() -> None:
    done = fresh("manage.py", "check")
    assert done.returncode == 0, done.stderr
