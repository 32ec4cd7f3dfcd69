"""What a run starts from: its model, another experiment's weights, faces that can teach it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cadnet.data.batches import to_units
from cadnet.data.store import Store
from cadnet.models import MODELS, FaceModel
from cadnet.schema import Experiment
from cadnet.training import TrainingError


def build(store: Store, experiment: Experiment) -> FaceModel:
    """The experiment's model, with random weights and the training faces' mean shape."""
    shape = to_units(torch.from_numpy(store.landmarks[store.rows(split="train")]), store.size)
    return MODELS[experiment.model.name](experiment.model, mean_shape=shape.mean(0))


def start_from(model: FaceModel, tensors: dict[str, Tensor]) -> list[str]:
    """Takes over another experiment's weights; returns the names of those that stay as they were.

    The mean shape stays the training data's own, and with it what does not fit: a head for other
    landmarks, blocks that the other experiment has not.

    Raises:
        TrainingError: the backbones differ.
    """
    own = model.state_dict()
    fits = {
        name: tensor
        for name, tensor in tensors.items()
        if name in own and own[name].shape == tensor.shape and name != "mean_shape"
    }
    other = [name for name in own if name.startswith("backbone.") and name not in fits]
    if other:
        raise TrainingError(
            f"the model to start from has another backbone: {len(other)} tensors do not fit, the "
            f"first is {other[0]}"
        )
    model.load_state_dict(fits, strict=False)
    return [name for name in own if name not in fits and name != "mean_shape"]


def check_training_faces(store: Store, experiment: Experiment) -> None:
    """Raises ``TrainingError`` where a store cannot teach a model what it is to say."""
    name, rows = store.about["dataset"], store.rows(split="train")
    if len(rows) < 2:
        raise TrainingError(f"{name}: {len(rows)} training faces; needs 2 or more")
    if experiment.train.keep == "best" and not (store.split == "validation").any():
        raise TrainingError(
            f"{name}: has no held-out faces to find the best epoch by; train.keep must be last"
        )
    if experiment.model.landmarks and (
        unknown := int((~np.isfinite(store.landmarks[rows]).all(axis=(1, 2))).sum())
    ):
        raise TrainingError(
            f"{name}: {unknown} of {len(rows)} training faces have landmarks that their annotation "
            "does not give; train on a dataset that gives all of them"
        )
    if experiment.model.fer:
        labels = store.expression[rows]
        known = np.unique(labels[(labels >= 0) & (labels < experiment.model.fer.classes)])
        if len(known) < 2:
            raise TrainingError(
                f"{name}: its training faces show {len(known)} different expressions; a model "
                "that is to tell expressions apart needs 2 or more (model.fer: null is without)"
            )
