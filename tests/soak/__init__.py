"""`make soak-kills`: the real processes of a platform killed at random instants while people commit, merge and import and the
store is collected and compacted; afterwards everything that was acknowledged has to be there, and nothing by half."""
