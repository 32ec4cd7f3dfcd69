"""The small store that the training tests use."""

from tests.training.conftest import data, store

__all__ = ["data", "store"]
