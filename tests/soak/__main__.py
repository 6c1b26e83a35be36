"""`make soak-kills [KILLS=200] [SEED=1]`: prints the figures as JSON; exit code 1 when anything was lost."""

from __future__ import annotations

import argparse
import json
import sys

from tests.soak.platform import SoakPlatform
from tests.soak.storm import storm

parser = argparse.ArgumentParser(prog="tests.soak")
parser.add_argument("--kills", type=int, default=200)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--minutes", type=float, default=600.0)
options = parser.parse_args()
with SoakPlatform() as platform:
    outcome = storm(platform, options.kills, options.seed, options.minutes)
print(json.dumps(outcome.document, indent=1))
sys.exit(0 if outcome.is_good else 1)
