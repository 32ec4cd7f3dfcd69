"""Training and prediction jobs."""


class TrainingError(Exception):
    """Training cannot start or go on; the message says why and what to do."""


# An epoch's error and accuracy on the faces held out, in percent.
VALIDATION = "validation_nrmse_mean_io"
ACCURACY = "validation_accuracy"
