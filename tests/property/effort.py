"""How many examples a law is tried with: a share of what the profile in use asks for."""

from hypothesis import settings

FEWEST = 10


def examples(percent: int) -> int:
    """Percent of the profile's number: more for what is cheap, fewer for what takes long, never less than FEWEST."""
    return max(FEWEST, settings().max_examples * percent // 100)
