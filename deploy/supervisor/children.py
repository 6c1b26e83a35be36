"""How a child process starts: never as root where that is refused, and never outliving the supervisor.

On Linux a child asks the kernel for a signal when its parent dies (PR_SET_PDEATHSIG), also when the parent is killed.
The request is made after a change of credentials, which would clear it.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

LINUX = sys.platform == "linux"
NOBODY = 65_534
_NEW_USER_NAMESPACE = 0x1000_0000
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None

Preparation = Callable[[], None]


def follow_parent(sent: signal.Signals) -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(sent), 0, 0, 0)


def plain(sent: signal.Signals = signal.SIGTERM) -> Preparation:
    return lambda: follow_parent(sent)


def is_root() -> bool:
    return os.geteuid() == 0


def namespaces_allowed() -> bool:
    """Tried in a child, for there is no way back; a container usually refuses."""
    if _libc is None or not is_root():
        return False
    pid = os.fork()
    if pid == 0:
        os._exit(1 if _libc.unshare(_NEW_USER_NAMESPACE) else 0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


NAMESPACES = namespaces_allowed()


def must_give_away() -> bool:
    """Whether the data of a service that refuses root has to belong to nobody."""
    return is_root() and not NAMESPACES


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def _seem_ordinary(uid: int, gid: int) -> None:
    """Root outside, user 1000 inside: nothing needs another owner, and closed parent folders stay closed."""
    if _libc is None or _libc.unshare(_NEW_USER_NAMESPACE):
        os._exit(97)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"1000 {uid} 1")
    _write("/proc/self/gid_map", f"1000 {gid} 1")


def ordinary_user(sent: signal.Signals) -> Preparation:
    """For PostgreSQL, which refuses to run as root."""
    uid, gid = os.getuid(), os.getgid()

    def prepare() -> None:
        if uid == 0 and NAMESPACES:
            _seem_ordinary(uid, gid)
        elif uid == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        follow_parent(sent)

    return prepare


def identity(pid: int) -> str:
    """What tells a process from a later one with the same number; empty if there is none (or no /proc)."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else f"{boot} {fields[19]}"
