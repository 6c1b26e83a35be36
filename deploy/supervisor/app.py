"""Our own processes on top of the engines: migrations, demonstration, worker, web."""

import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

from deploy.supervisor import state
from deploy.supervisor.options import ROOT, Options, Trouble, child_environment
from deploy.supervisor.service import Service, wait_ready
from deploy.supervisor.stack import Stack

BIN = Path(sys.executable).parent
QUEUES = "interactive,diffs,quality,maintenance"
TRANSFER = "transfer"
NICE = {"worker": "5", "transfer": "19"}
"""How far computations and imports stand back behind pages; while nobody asks for any they lose nothing."""


def site(options: Options) -> str:
    return f"http://127.0.0.1:{options.port}"


def environment(stack: Stack, options: Options) -> dict[str, str]:
    return {
        **stack.environment(),
        "SITE_URL": site(options),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics_folder(stack)),
    }


def metrics_folder(stack: Stack) -> Path:
    """Where web and workers count together: from zero at each start, as counters may."""
    folder = stack.run_folder / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def manage(services: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        cwd=ROOT,
        env=child_environment(services),
        capture_output=True,
        text=True,
        check=False,
    )


def migrate(services: dict[str, str]) -> None:
    done = manage(services, "migrate", "--no-input", "-v0")
    if done.returncode:
        raise Trouble(f"the migration of the database failed:\n{done.stdout}{done.stderr}")


def seed(stack: Stack, services: dict[str, str]) -> None:
    """Once per data folder. A demonstration that fails is told, and does not stand in the way."""
    if stack.state.seeded or "seed_demo" not in manage(services, "help", "--commands").stdout.split():
        return
    stack.say("up", "making the demonstration")
    done = manage(services, "seed_demo", "--password", stack.state.demo_password)
    if done.returncode:
        stack.say("up", f"the demonstration could not be made:\n{(done.stdout + done.stderr)[-4000:]}")
        return
    stack.state.seeded = True
    state.save(stack.data, stack.state)


def worker(stack: Stack, services: dict[str, str]) -> Service:
    command = [
        "nice", "-n", NICE["worker"], str(BIN / "celery"), "-q", "-A", "hub.celery", "worker", "-Q", QUEUES,
        "-c", "2", "-l", "WARNING", "-B", "-s", str(stack.data / "beat"), "--without-gossip", "--without-mingle",
    ]  # fmt: skip
    return stack.service("worker", command, environment=child_environment(services), folder=ROOT, grace=15.0)


def transfer(stack: Stack, services: dict[str, str]) -> Service:
    """Imports have workers of their own, which get the processor when nobody else wants it."""
    command = [
        "nice", "-n", NICE["transfer"], str(BIN / "celery"), "-q", "-A", "hub.celery", "worker", "-Q", TRANSFER,
        "-c", "2", "-l", "WARNING", "-n", "transfer@%h", "--without-gossip", "--without-mingle",
    ]  # fmt: skip
    return stack.service(
        "transfer", command, environment=child_environment(services), folder=ROOT, grace=15.0
    )


def web(stack: Stack, services: dict[str, str], options: Options) -> Service:
    command = [
        str(BIN / "granian"), "--interface", "wsgi", "--workers", "2", "--blocking-threads", "8",
        "--host", "127.0.0.1", "--port", str(options.port), "--respawn-failed-workers", "--log-level", "warning",
        "hub.wsgi:application",
    ]  # fmt: skip
    return stack.service("web", command, environment=child_environment(services), folder=ROOT)


def answers(options: Options) -> bool:
    with urllib.request.urlopen(f"{site(options)}/health?quick", timeout=10) as answer:  # noqa: S310
        return bool(answer.status == 200)


def start(stack: Stack, options: Options) -> None:
    services = environment(stack, options)
    migrate(services)
    state.tell_services(stack.data, services)
    if options.seed:
        seed(stack, services)
    stack.add(worker(stack, services))
    stack.add(transfer(stack, services))
    front = stack.add(web(stack, services, options))
    wait_ready(front, lambda: answers(options), stack.stopping)
