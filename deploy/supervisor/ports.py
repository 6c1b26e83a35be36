"""Ports: chosen once, remembered in the state, chosen again only if somebody else took one."""

import socket

NAMES = (
    "postgres", "valkey", "master", "master_grpc", "volume", "volume_grpc", "filer", "filer_grpc", "s3", "s3_grpc",
    "admin", "admin_grpc",
)  # fmt: skip
ADMIN_GRPC = 10_000  # weed mini's worker dials the admin port plus this, whatever the flag says


def in_use(port: int) -> bool:
    """Whether nobody else could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def free(count: int) -> list[int]:
    """All held at once while choosing, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


def admin_port() -> int:
    while True:
        [port] = free(1)
        if port + ADMIN_GRPC <= 65_535 and not in_use(port + ADMIN_GRPC):
            return port


def choose(known: dict[str, int]) -> dict[str, int]:
    """The known ports if all of them are still free, else new ones."""
    if set(known) == set(NAMES) and not any(in_use(port) for port in known.values()):
        return known
    chosen = dict(zip(NAMES, free(len(NAMES)), strict=True))
    chosen["admin"] = admin_port()
    chosen["admin_grpc"] = chosen["admin"] + ADMIN_GRPC
    return chosen
