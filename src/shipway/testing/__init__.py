"""Fakes and builders, shipped so that a service's own tests can have a whole world in memory."""
