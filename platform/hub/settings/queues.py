"""Celery: late acknowledgement and redelivery, so that a killed worker loses nothing and a task may run twice."""

from kombu import Exchange, Queue

from hub.env import ENVIRONMENT

LONGEST_TASK = 60 * 60  # seconds; a message of a worker that vanished comes back a little later than this

QUEUES = ("interactive", "diffs", "quality", "transfer", "maintenance")

CELERY_BROKER_URL = ENVIRONMENT.redis_url
CELERY_RESULT_BACKEND = ENVIRONMENT.redis_url
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": LONGEST_TASK + 300}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_RESULT_EXPIRES = 24 * 60 * 60
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TRACK_STARTED = True
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
