from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "reviews"

    def ready(self) -> None:
        from hub.web import counters
        from repos.services import purge
        from repos.upkeep import roots
        from reviews.selectors.kept import commits_kept
        from reviews.selectors.pulls import count_open
        from reviews.services.rewritten import commits_rewritten

        counters.register("pulls", count_open)
        purge.listen(commits_rewritten)
        roots.register(commits_kept)
