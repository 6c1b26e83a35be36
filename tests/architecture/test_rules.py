"""Rules that no linter knows: one place for the environment, one for boto3, locks without hosts, pure packages."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("platform", "repos", "reviews", "workers")
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-bootstrap.lock")
LARGEST_FILE = 500  # lines; STYLE.md: what spoils a codebase is its tail


def modules() -> Iterator[Path]:
    for folder in PRODUCT:
        yield from (path for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts)


def imported(path: Path) -> set[str]:
    """The top-level names that a module imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def named(paths: Iterator[Path]) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in paths)


def test_boto3_lives_in_one_module() -> None:
    assert len(named(path for path in modules() if "boto3" in imported(path))) <= 1


def test_the_environment_is_read_in_one_module() -> None:
    reads = re.compile(r"os\.environ\b(?!\.setdefault\(\"DJANGO_SETTINGS_MODULE\")|os\.getenv|\bEnv\(\)")
    assert named(path for path in modules() if reads.search(path.read_text())) == ["platform/hub/env.py"]


def test_no_file_is_a_burden() -> None:
    assert named(path for path in modules() if len(path.read_text().splitlines()) > LARGEST_FILE) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_python_locks_pin_hashes_and_name_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    pins = re.findall(r"^[A-Za-z0-9._-]+==", text, re.MULTILINE)
    assert pins
    assert len(re.findall(r"==[^\n]*\\\n\s+--hash=sha256:", text)) == len(pins)


def test_npm_locks_name_no_registry() -> None:
    for lock in [*ROOT.glob("frontend/package-lock.json"), *ROOT.glob("tests/browser/*/package-lock.json")]:
        packages = json.loads(lock.read_text())["packages"]
        assert [
            name for name, entry in packages.items() if "resolved" in entry and not entry.get("link")
        ] == []


def test_pure_code_starts_without_django() -> None:
    names = [
        name
        for name in ("repos.labelstore", "repos.annotations", "repos.quality", "repos.formats")
        if (ROOT / Path(*name.split("."))).is_dir()
    ]
    code = (
        "import importlib, pkgutil, sys\n"
        f"for name in {names!r}:\n"
        "    package = importlib.import_module(name)\n"
        "    for module in pkgutil.walk_packages(package.__path__, name + '.'):\n"
        "        importlib.import_module(module.name)\n"
        "print(sorted({'django', 'celery', 'boto3', 'psycopg', 'redis', 'hub'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_requests_stay_in_the_edge() -> None:
    """Below api/, web/ and hf/ nobody has heard of HTTP."""
    edges = {"api", "web", "hf"}
    inner = (
        path
        for path in modules()
        if not edges & set(path.parts) and (ROOT / "platform") not in path.parents and "urls" not in path.stem
    )
    assert (
        named(path for path in inner if re.search(r"^\s*(from|import) django\.http", path.read_text(), re.M))
        == []
    )
