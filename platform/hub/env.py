"""The only reader of the environment.

A value is looked up in the process's environment first, then in the file that `make up` leaves in the data folder
while its services run, so that a plain `manage.py` command finds the same database, broker and store by itself.
"""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dj_database_url
from environs import Env

ROOT = Path(__file__).resolve().parents[2]
SERVICES_FILE = "services.json"
LEAST_PART_MB = 5  # S3 refuses smaller parts


def remembered(data: Path) -> dict[str, str]:
    """What `make up` wrote for `data`; nothing if it never ran there, or belongs to somebody else."""
    try:
        found = json.loads((data / SERVICES_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items()}


@dataclass(frozen=True)
class Environment:
    """Everything the project takes from outside, typed."""

    data: Path
    debug: bool
    secret_key: str
    secret_key_given: bool
    allowed_hosts: list[str]
    trusted_origins: list[str]
    site_url: str
    secure: bool
    database: dict[str, Any]
    redis_url: str
    cache_url: str
    s3_endpoint_url: str
    s3_public_url: str
    s3_bucket: str
    s3_prefix: str
    derived_bytes: int
    s3_region: str
    s3_access_key: str
    s3_secret_key: str
    blob_dir: str
    email: dict[str, Any]
    email_from: str
    open_signup: bool
    log_format: str
    log_level: str
    tasks_inline: bool
    metrics_token: str
    metrics_folder: str
    node_cache_url: str
    node_disk_cache_bytes: int
    media_part_bytes: int
    media_largest_bytes: int


def read() -> Environment:
    env = Env()
    data = Path(env.str("LABELHUB_DATA", "") or ROOT / ".data").absolute()
    known = remembered(data)
    redis_url = env.str("REDIS_URL", known.get("REDIS_URL", "redis://127.0.0.1:6379/0"))
    site_url = env.str("SITE_URL", known.get("SITE_URL", "http://127.0.0.1:8000")).rstrip("/")
    secret_key = env.str("SECRET_KEY", known.get("SECRET_KEY", ""))
    endpoint = env.str("S3_ENDPOINT_URL", known.get("S3_ENDPOINT_URL", ""))
    return Environment(
        data=data,
        debug=env.bool("DEBUG", False),
        secret_key=secret_key or secrets.token_urlsafe(50),
        secret_key_given=bool(secret_key),
        allowed_hosts=env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"]),
        trusted_origins=env.list("CSRF_TRUSTED_ORIGINS", [site_url]),
        site_url=site_url,
        secure=site_url.startswith("https://"),
        database=database(env, known),
        redis_url=redis_url,
        cache_url=env.str("CACHE_URL", "") or next_database(redis_url),
        s3_endpoint_url=endpoint,
        s3_public_url=env.str("S3_PUBLIC_URL", endpoint),
        s3_bucket=env.str("S3_BUCKET", known.get("S3_BUCKET", "labelhub")),
        s3_prefix=env.str("S3_PREFIX", ""),
        derived_bytes=env.int("DERIVED_BYTES", 8 * 2**30),
        s3_region=env.str("S3_REGION", "us-east-1"),
        s3_access_key=env.str("S3_ACCESS_KEY", known.get("S3_ACCESS_KEY", "")),
        s3_secret_key=env.str("S3_SECRET_KEY", known.get("S3_SECRET_KEY", "")),
        blob_dir=env.str("BLOB_DIR", known.get("BLOB_DIR", "")),
        email=mail(env),
        email_from=env.str("EMAIL_FROM", "LabelHub <noreply@localhost>"),
        open_signup=env.bool("OPEN_SIGNUP", True),
        log_format=env.str("LOG_FORMAT", "console"),
        log_level=env.str("LOG_LEVEL", "INFO"),
        tasks_inline=env.bool("TASKS_INLINE", False),
        metrics_token=env.str("METRICS_TOKEN", ""),
        metrics_folder=env.str("PROMETHEUS_MULTIPROC_DIR", ""),
        node_cache_url=env.str("NODE_CACHE_URL", ""),
        node_disk_cache_bytes=env.int("NODE_DISK_CACHE_MB", 2048) * 2**20,
        media_part_bytes=max(LEAST_PART_MB, env.int("MEDIA_PART_MB", 64)) * 2**20,
        media_largest_bytes=env.int("MEDIA_LARGEST_GB", 50) * 2**30,
    )


def database(env: Env, known: dict[str, str]) -> dict[str, Any]:
    """Persistent connections, checked before use: a restarted database costs nobody an error page."""
    url = env.str("DATABASE_URL", known.get("DATABASE_URL", "postgres://labelhub@127.0.0.1:5432/labelhub"))
    found: dict[str, Any] = dict(dj_database_url.parse(url))
    return {**found, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}


def mail(env: Env) -> dict[str, Any]:
    """Without EMAIL_URL mail is printed, so that a confirmation link can be followed from the log."""
    return {
        "EMAIL_HOST": "",
        "EMAIL_PORT": 25,
        "EMAIL_HOST_USER": "",
        "EMAIL_HOST_PASSWORD": "",
        "EMAIL_USE_TLS": False,
        "EMAIL_USE_SSL": False,
        **env.dj_email_url("EMAIL_URL", "console://"),
    }


def next_database(redis_url: str) -> str:
    """The cache's database: the one after the broker's, never the same, for a cache may be emptied."""
    base, _, number = redis_url.rpartition("/")
    return f"{base}/{int(number) + 1}" if number.isdigit() else f"{redis_url.rstrip('/')}/1"


ENVIRONMENT = read()
