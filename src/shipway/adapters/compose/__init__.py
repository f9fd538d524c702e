"""Compose, v2 or 1.29: found by its version, run apart from all others, always torn down."""

from shipway.adapters.compose.labels import identity
from shipway.adapters.compose.runner import Compose

__all__ = ["Compose", "identity"]
