"""Named Hypothesis profiles: `HYPOTHESIS_PROFILE=thorough` before a release, `default` otherwise.

No deadlines: on a shared machine they fail tests for the weather.
"""

import os

from hypothesis import settings

settings.register_profile("default", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
