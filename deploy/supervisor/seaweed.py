"""SeaweedFS in one process (`weed mini`) as the S3 store: no telemetry, loopback only, every port closed by a key."""

import json
import tempfile
from pathlib import Path

import boto3
from botocore.config import Config

from deploy.supervisor.state import State, private

BUCKET = "labelhub"
JWT_SECTIONS = ("signing", "signing.read", "filer_signing", "filer_signing.read")
# Near its limit the runtime collects garbage all the time: under 256 MiB deleting took eight times the processor.
MEMORY = {"GOMEMLIMIT": "512MiB"}
# A throw-away store has memory to spare. One thread instead of many that wake each other saves a fifth.
CARELESS = {"GOMEMLIMIT": "768MiB", "GOMAXPROCS": "1"}


def folder(data: Path) -> Path:
    return data / "s3"


def configure(data: Path, state: State) -> Path:
    """The keys of its inner ports (security.toml in its working folder) and of S3; gives the latter's file."""
    folder(data).mkdir(exist_ok=True)
    pairs = zip(JWT_SECTIONS, state.jwt, strict=True)
    private(folder(data) / "security.toml", "".join(f'[jwt.{name}]\nkey = "{key}"\n' for name, key in pairs))
    identity = {
        "name": "labelhub",
        "credentials": [{"accessKey": state.s3_access_key, "secretKey": state.s3_secret_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    file = data / "s3.json"
    private(file, json.dumps({"identities": [identity]}))
    return file


def command(weed: Path, data: Path, state: State) -> list[str]:
    ports = state.ports
    return [
        str(weed), "-logtostderr=true", "-v=-1", "mini", f"-dir={folder(data)}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        "-master.telemetry=false", f"-master.port={ports['master']}", f"-master.port.grpc={ports['master_grpc']}",
        f"-volume.port={ports['volume']}", f"-volume.port.grpc={ports['volume_grpc']}",
        f"-filer.port={ports['filer']}", f"-filer.port.grpc={ports['filer_grpc']}",
        f"-s3.port={ports['s3']}", f"-s3.port.grpc={ports['s3_grpc']}",
        f"-admin.port={ports['admin']}", f"-admin.port.grpc={ports['admin_grpc']}", "-admin.ui=false",
        f"-admin.password={state.s3_secret_key}", f"-s3.config={configure(data, state)}", "-webdav=false",
        "-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.preStopSeconds=0", f"-bucket={BUCKET}",
    ]  # fmt: skip


def endpoint(state: State) -> str:
    return f"http://127.0.0.1:{state.ports['s3']}"


def ready(state: State) -> bool:
    """It accepts connections long before it stores anything: only an object written and read again counts."""
    client = boto3.client(
        "s3",
        endpoint_url=endpoint(state),
        aws_access_key_id=state.s3_access_key,
        aws_secret_access_key=state.s3_secret_key,
        region_name="us-east-1",
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            retries={"max_attempts": 0},
            connect_timeout=2,
            read_timeout=5,
        ),
    )
    client.put_object(Bucket=BUCKET, Key=".ready", Body=b"1")
    return client.get_object(Bucket=BUCKET, Key=".ready")["Body"].read() == b"1"


def remove_sockets(state: State) -> None:
    """A killed weed leaves sockets in the temporary folder; ours are known by their ports."""
    for port in state.ports.values():
        for found in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{port}.sock"):
            found.unlink(missing_ok=True)
