"""What happens by the clock. `python -m celery beat` and a worker with -B read it."""

from hub.celery import app

HOUR = 60 * 60.0
DAY = 24 * HOUR

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
    "send-kept-messages": {
        "task": "housekeeping.send_kept",
        "schedule": 10.0,
        # of many that pile up while the broker is away one is enough
        "options": {"queue": "interactive", "expires": 10.0},
    },
    "keep-imports-going": {
        "task": "imports.keep_going",
        "schedule": 60.0,
        "options": {"queue": "maintenance"},
    },
    "keep-uploads-going": {
        "task": "media.keep_going",
        "schedule": 300.0,
        "options": {"queue": "maintenance"},
    },
    "collect-expired": {
        "task": "store.collect_expired",
        "schedule": HOUR,
        "options": {"queue": "maintenance"},
    },
    "compact": {"task": "store.compact", "schedule": 6 * HOUR, "options": {"queue": "maintenance"}},
    "collect": {"task": "store.collect", "schedule": DAY, "options": {"queue": "maintenance"}},
}
