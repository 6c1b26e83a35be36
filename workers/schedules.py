"""What happens by the clock. `python -m celery beat` and a worker with -B read it."""

from hub.celery import app

HOUR = 60 * 60.0

app.conf.beat_schedule = {
    "forget": {"task": "housekeeping.forget", "schedule": HOUR, "options": {"queue": "maintenance"}},
    "sweep-derived": {
        "task": "housekeeping.sweep_derived",
        "schedule": 24 * HOUR,
        "options": {"queue": "maintenance"},
    },
    "sweep-deleted": {"task": "repos.sweep_deleted", "schedule": HOUR, "options": {"queue": "maintenance"}},
    "finish-redactions": {
        "task": "repos.finish_redactions",
        "schedule": 300.0,
        "options": {"queue": "maintenance"},
    },
    "keep-imports-going": {
        "task": "imports.keep_going",
        "schedule": 60.0,
        "options": {"queue": "maintenance"},
    },
}
