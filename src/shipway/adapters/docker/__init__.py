"""The Docker Engine through its command line: building, pushing, and looking into images."""

from shipway.adapters.docker.engine import DockerEngine

__all__ = ["DockerEngine"]
