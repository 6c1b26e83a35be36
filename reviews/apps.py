from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "reviews"

    def ready(self) -> None:
        from hub.web import counters
        from reviews.selectors.pulls import count_open

        counters.register("pulls", count_open)
