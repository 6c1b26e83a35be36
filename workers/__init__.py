"""The Celery side. Imported by nobody; tasks are sent by name (hub.celery)."""
