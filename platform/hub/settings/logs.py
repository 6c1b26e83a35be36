"""Structured logs on standard output: plain on a terminal, JSON with LOG_FORMAT=json; lines carry the request id."""

from typing import Any

import structlog

from hub.env import ENVIRONMENT

SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
RENDER: list[Any] = (
    [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    if ENVIRONMENT.log_format == "json"
    else [
        structlog.dev.ConsoleRenderer(
            colors=False,
            pad_event_to=0,
            # The default prints local variables: thousands of lines, and what people sent, in the log of one fault.
            exception_formatter=structlog.dev.plain_traceback,
        )
    ]
)

structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *SHARED,
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "foreign_pre_chain": SHARED,
            "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *RENDER],
        }
    },
    "handlers": {
        "out": {"class": "logging.StreamHandler", "formatter": "structured", "stream": "ext://sys.stdout"}
    },
    "root": {"handlers": ["out"], "level": ENVIRONMENT.log_level},
    "loggers": {
        "django": {"level": "INFO"},
        "django.server": {"level": "WARNING"},
        "botocore": {"level": "WARNING"},
        "boto3": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
    },
}
