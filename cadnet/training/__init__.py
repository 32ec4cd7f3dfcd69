"""Training and prediction jobs."""


class TrainingError(Exception):
    """Training cannot start or go on; the message says why and what to do."""


VALIDATION = "validation_nrmse_mean_io"  # an epoch's error on the faces held out, in percent
