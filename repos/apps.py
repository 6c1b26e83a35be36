from django.apps import AppConfig


class ReposConfig(AppConfig):
    name = "repos"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from hub import warm
        from hub.web import counters
        from repos.services import events, statistics
        from repos.services.imports import open_jobs
        from repos.storage import configured

        counters.register("jobs", open_jobs)
        warm.at_start(configured.blob_store)
        warm.at_start(configured.second_cache)
        events.listen(statistics.FOLLOW, queue=statistics.QUEUE)
