"""How many examples a law is tried with: a share of what the profile in use asks for."""

from hypothesis import settings

FEWEST = 10


def examples(percent: int) -> int:
    """Percent of the profile's number: more for what is cheap, fewer for what takes long, never less than FEWEST."""
    return max(FEWEST, settings().max_examples * percent // 100)


costly = settings(max_examples=examples(50))
"""Half of the profile's examples, for laws that take a tenth of a second each."""

dear = settings(max_examples=examples(25))
"""A quarter, for laws whose examples are whole layers, half a second each."""
