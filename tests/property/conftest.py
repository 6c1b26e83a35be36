"""Named Hypothesis profiles: `HYPOTHESIS_PROFILE=thorough` for `make laws`, `fuzz` for `make fuzz`, `mutation` for
`make mutation` (the same examples each time, and no search for the smallest), `default` otherwise: other examples on
each run, and twice as many as the mutants are noticed with. A test takes its share of them: tests/property/effort.py.

No deadlines and no check of how fast inputs are made: on a shared machine they fail tests for the weather.
"""

import os

from hypothesis import HealthCheck, Phase, settings

WEATHER = (HealthCheck.too_slow,)

settings.register_profile("default", deadline=None, suppress_health_check=WEATHER, max_examples=50)
settings.register_profile("thorough", deadline=None, suppress_health_check=WEATHER, max_examples=1000)
settings.register_profile("fuzz", deadline=None, suppress_health_check=WEATHER, max_examples=1000)
settings.register_profile(
    "mutation",
    deadline=None,
    suppress_health_check=WEATHER,
    max_examples=25,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
