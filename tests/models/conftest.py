"""The small store that the training tests use."""

from tests.training.conftest import store

__all__ = ["store"]
