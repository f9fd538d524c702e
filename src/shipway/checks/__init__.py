"""Which checks a service declares, in which order they may run, and what their results say."""
