"""Boxes as containers of a Docker engine.

`container` says purely what a box is there, `faults` what the engine's words mean, `engine` speaks to it, `stream`
carries the runner's protocol, `backend` puts them together. Importing this package costs nothing: the docker SDK is
imported when a backend first speaks to an engine.
"""

from .backend import DockerBackend

__all__ = ["DockerBackend"]
