"""Training and prediction jobs."""


class TrainingError(Exception):
    """Training cannot start or go on; the message says why and what to do."""
