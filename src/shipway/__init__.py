"""Shipway: from git push to production on AWS ECS, and always able to show why."""

__version__ = "0.1.0"
