"""Results of checks, kept by key: on this machine, and through a `Remote` for the team."""
