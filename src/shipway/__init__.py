"""Shipway: from git push to production on AWS ECS, and always able to show why."""
