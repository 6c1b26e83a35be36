"""The three engines: PostgreSQL, Redis and an S3 store; mail."""

from hub.env import ENVIRONMENT

DATABASES = {"default": ENVIRONMENT.database}

REDIS_URL = ENVIRONMENT.redis_url
REDIS_PATIENCE = 1.0  # seconds that a page waits for Redis, once; see hub.cache and hub.celery
CACHES = {
    "default": {
        "BACKEND": "hub.cache.ForgivingRedisCache",
        "LOCATION": ENVIRONMENT.cache_url,
        "OPTIONS": {"socket_timeout": REDIS_PATIENCE, "socket_connect_timeout": REDIS_PATIENCE},
    },
}
# Not in the cache as well: signing out must hold while the cache is away, and be no trouble then.
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# repos/storage reads these and opens the only client. Without an endpoint or with BLOB_DIR, blobs live on disk.
S3_ENDPOINT_URL = ENVIRONMENT.s3_endpoint_url
S3_PUBLIC_URL = ENVIRONMENT.s3_public_url
S3_BUCKET = ENVIRONMENT.s3_bucket
S3_PREFIX = ENVIRONMENT.s3_prefix
S3_REGION = ENVIRONMENT.s3_region
S3_ACCESS_KEY = ENVIRONMENT.s3_access_key
S3_SECRET_KEY = ENVIRONMENT.s3_secret_key
BLOB_DIR = ENVIRONMENT.blob_dir
DERIVED_BYTES = ENVIRONMENT.derived_bytes
# Nodes that a process no longer holds: in a Redis of its own that may evict, else in a folder of this machine.
NODE_CACHE_URL = ENVIRONMENT.node_cache_url
NODE_DISK_CACHE_BYTES = ENVIRONMENT.node_disk_cache_bytes
# Media above one part is sent to the store in parts of this size; the largest that is taken so.
MEDIA_PART_BYTES = ENVIRONMENT.media_part_bytes
MEDIA_LARGEST_BYTES = ENVIRONMENT.media_largest_bytes
METRICS_TOKEN = ENVIRONMENT.metrics_token

DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024  # one commit of operations as JSON; media is streamed
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 10_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

EMAIL_BACKEND = ENVIRONMENT.email["EMAIL_BACKEND"]
EMAIL_HOST = ENVIRONMENT.email["EMAIL_HOST"]
EMAIL_PORT = ENVIRONMENT.email["EMAIL_PORT"]
EMAIL_HOST_USER = ENVIRONMENT.email["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = ENVIRONMENT.email["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = ENVIRONMENT.email["EMAIL_USE_TLS"]
EMAIL_USE_SSL = ENVIRONMENT.email["EMAIL_USE_SSL"]
