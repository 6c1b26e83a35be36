"""Celery: late acknowledgement and redelivery, so that a killed worker loses nothing and a task may run twice."""

from kombu import Exchange, Queue

from hub.env import ENVIRONMENT

LONGEST_TASK = 60 * 60  # seconds; a message of a worker that vanished comes back a little later than this

QUEUES = ("interactive", "diffs", "quality", "transfer", "maintenance")

CELERY_BROKER_URL = ENVIRONMENT.redis_url
CELERY_TASK_IGNORE_RESULT = True  # what comes of work is in the database: jobs and computations
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": LONGEST_TASK + 300,
    # A page that sends a message waits this long at most; a worker waits for messages in shorter steps (kombu: 1 s).
    "socket_timeout": 5.0,
    "socket_connect_timeout": 2.0,
}
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker as long as it takes
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = LONGEST_TASK
CELERY_TASK_SOFT_TIME_LIMIT = LONGEST_TASK - 60
CELERY_TASK_ALWAYS_EAGER = ENVIRONMENT.tasks_inline
CELERY_TASK_EAGER_PROPAGATES = False
CELERY_TASK_DEFAULT_QUEUE = "interactive"
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in QUEUES]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
