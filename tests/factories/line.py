"""A line to a real service that a test can cut and mend, as networks do."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from urllib.parse import urlsplit


class Line:
    """Forwards 127.0.0.1:port to the service at `address`. `cut()` refuses, `hang()` takes calls and stays silent."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._far = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._calls: list[socket.socket] = []
        self._lock = threading.Lock()
        self._state = "whole"
        threading.Thread(target=self._answer, daemon=True).start()

    def cut(self) -> None:
        self._change("cut")

    def hang(self) -> None:
        self._change("silent")

    def mend(self) -> None:
        self._change("whole")

    def _change(self, state: str) -> None:
        with self._lock:
            self._state = state
            for call in self._calls:
                with contextlib.suppress(OSError):
                    call.shutdown(socket.SHUT_RDWR)
            self._calls.clear()

    def _answer(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._state == "cut":
                    near.close()
                    continue
                self._calls.append(near)
                if self._state == "silent":
                    continue
                far = socket.create_connection(self._far)
                self._calls.append(far)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_carry, args=(one, other), daemon=True).start()

    def __enter__(self) -> Line:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.cut()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    with contextlib.suppress(OSError):
        other.shutdown(socket.SHUT_WR)
