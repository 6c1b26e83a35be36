"""The three engines together. `make up` keeps them; a test run throws them away."""

import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path

from deploy.supervisor import children, locate, ports, postgres, seaweed, valkey
from deploy.supervisor.options import child_environment
from deploy.supervisor.service import Say, Service, end_orphan, wait_ready
from deploy.supervisor.state import State, load, save


@dataclass
class Stack:
    """Started in order, each ready before `start` returns; a copy of its state tells others where to find it."""

    data: Path
    say: Say
    durable: bool = True
    stopping: threading.Event = field(default_factory=threading.Event)
    hurry: threading.Event = field(default_factory=threading.Event)
    services: list[Service] = field(default_factory=list)
    state: State = field(default_factory=State)

    def start(self) -> None:
        """Under the lock of the data folder, which the caller holds."""
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self.run_folder, self.logs, self.data / "static"):
            folder.mkdir(exist_ok=True)
        self.state = load(self.data)
        self._end_orphans()
        self.state.ports = ports.choose(self.state.ports)
        save(self.data, self.state)
        postgres.initialise(self.data, self.state)
        database, broker, store = self._postgres(), self._valkey(), self._seaweed()
        wait_ready(database, lambda: postgres.ready(self.state), self.stopping)
        wait_ready(broker, lambda: valkey.ready(self.state), self.stopping)
        if store is not None:
            wait_ready(store, lambda: seaweed.ready(self.state), self.stopping)

    @property
    def run_folder(self) -> Path:
        return self.data / "run"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    def _end_orphans(self) -> None:
        """Before the ports are looked at: what a killed run left still holds them."""
        for name in ("web", "transfer", "worker", "s3", "valkey"):
            end_orphan(self.run_folder / f"{name}.pid", signal.SIGTERM, 5)
        end_orphan(self.run_folder / "postgres.pid", signal.SIGINT, 15)

    def add(self, service: Service) -> Service:
        self.services.append(service)
        service.start()
        return service

    def service(self, name: str, command: list[str], **more: object) -> Service:
        base = {"environment": child_environment({}), "folder": self.data, "run_folder": self.run_folder}
        return Service(name, command, say=self.say, **{**base, **more})  # type: ignore[arg-type]

    def _postgres(self) -> Service:
        return self.add(
            self.service(
                "postgres",
                postgres.command(self.data, self.state.ports["postgres"], self.durable),
                stop_signal=signal.SIGINT,  # fast shutdown; SIGTERM would wait for idle clients
                grace=20.0,
                prepare=children.ordinary_user(signal.SIGINT),
            )
        )

    def _valkey(self) -> Service:
        return self.add(
            self.service("valkey", valkey.command(self.data, self.state.ports["valkey"], self.durable))
        )

    def _seaweed(self) -> Service | None:
        weed = locate.weed()
        if weed is None:
            self.say("up", "no SeaweedFS for this machine: blobs are kept in a folder")
            (self.data / "blobs").mkdir(exist_ok=True)
            return None
        return self.add(
            self.service(
                "s3",
                seaweed.command(weed, self.data, self.state),
                environment=child_environment(seaweed.MEMORY if self.durable else seaweed.CARELESS),
                folder=seaweed.folder(self.data),
                grace=4.0,
                prepare=children.plain(
                    signal.SIGKILL
                ),  # lingers on SIGTERM; what it has answered for is on disk
                log_file=self.logs / "s3.log",  # it is chatty
            )
        )

    def environment(self) -> dict[str, str]:
        """What hub.env reads."""
        found = {
            "LABELHUB_DATA": str(self.data),
            "SECRET_KEY": self.state.secret_key,
            "DATABASE_URL": postgres.url(self.state),
            "REDIS_URL": valkey.url(self.state),
        }
        if locate.weed() is None:
            return {**found, "BLOB_DIR": str(self.data / "blobs")}
        return {
            **found,
            "S3_ENDPOINT_URL": seaweed.endpoint(self.state),
            "S3_BUCKET": seaweed.BUCKET,
            "S3_ACCESS_KEY": self.state.s3_access_key,
            "S3_SECRET_KEY": self.state.s3_secret_key,
        }

    def stop(self) -> None:
        """In reverse: nobody loses a service that it still uses."""
        self.stopping.set()
        for service in reversed(self.services):
            service.stop(self.hurry)
        self.services.clear()
        if self.state.ports:
            seaweed.remove_sockets(self.state)
