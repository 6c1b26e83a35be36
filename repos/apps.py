from django.apps import AppConfig


class ReposConfig(AppConfig):
    name = "repos"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from hub.web import counters
        from repos.services import events, statistics
        from repos.services.imports import open_jobs

        counters.register("jobs", open_jobs)
        events.listen(statistics.FOLLOW, queue=statistics.QUEUE)
