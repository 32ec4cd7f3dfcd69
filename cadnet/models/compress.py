"""Smaller models: fewer channels in the backbone (structured pruning), convolutions of lower rank.

Pruning is torch-pruning's (Fang et al. 2023, DepGraph), by the magnitude of the weights (Li et al.
2017); factorisation that of a convolution's k × k kernels into r of them and a mixing 1 × 1
convolution, from the truncated SVD of its weights (scheme 2 of Zhang et al. 2016).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cadnet.models.base import FaceModel
from cadnet.schema import Compress


def compress(model: FaceModel, how: Compress, size: int) -> None:
    """Make a trained model smaller where it stands; what it says changes, so it is trained on.

    Args:
        size: px of its pictures.
    """
    if how.method == "rank":
        for name, convolution in _factorable(model):
            _replace(model, name, factorised(convolution, how.keep))
    else:
        _prune(model.backbone, how.keep, size)


def rebuild(model: FaceModel, state: dict[str, Tensor]) -> None:
    """Give the layers of an uncompressed model the shapes that a compressed one's weights have.

    Raises:
        KeyError: the weights are of another architecture.
    """
    for name, layer in list(model.named_modules()):
        if isinstance(layer, nn.Conv2d) and f"{name}.0.weight" in state:
            _replace(model, name, _pair(layer, len(state[f"{name}.0.weight"])))
        elif isinstance(layer, nn.Conv2d) and layer.weight.shape != state[f"{name}.weight"].shape:
            outputs, inputs = state[f"{name}.weight"].shape[:2]
            _replace(
                model, name, _like(layer, inputs * layer.groups, outputs, layer.bias is not None)
            )
        elif isinstance(layer, nn.BatchNorm2d):
            channels = len(state[f"{name}.weight"])
            if channels != layer.num_features:
                _replace(model, name, nn.BatchNorm2d(channels, layer.eps, layer.momentum))


def factorised(convolution: nn.Conv2d, keep: float) -> nn.Sequential:
    """The nearest pair of convolutions of a rank: a share of the full one."""
    weight = convolution.weight.detach()
    matrix = weight.flatten(1)
    rank = max(1, round(keep * min(matrix.shape)))
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    root = values[:rank].sqrt()
    pair = _pair(convolution, rank)
    first, second = pair[0], pair[1]
    assert isinstance(first, nn.Conv2d)
    assert isinstance(second, nn.Conv2d)
    with torch.no_grad():
        first.weight.copy_((root[:, None] * right[:rank]).view(rank, *weight.shape[1:]))
        second.weight.copy_((left[:, :rank] * root)[:, :, None, None])
        if convolution.bias is not None and second.bias is not None:
            second.bias.copy_(convolution.bias)
    return pair


def _factorable(model: nn.Module) -> list[tuple[str, nn.Conv2d]]:
    """Convolutions over more than a point; not the first, whose three inputs leave no rank to
    save."""
    return [
        (name, layer)
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Conv2d) and layer.kernel_size != (1, 1) and layer.in_channels > 3
    ]


def _pair(layer: nn.Conv2d, rank: int) -> nn.Sequential:
    mixing = nn.Conv2d(rank, layer.out_channels, 1, bias=layer.bias is not None)
    return nn.Sequential(_like(layer, layer.in_channels, rank, bias=False), mixing)


def _like(layer: nn.Conv2d, inputs: int, outputs: int, bias: bool) -> nn.Conv2d:
    """A convolution of the same kind between other numbers of channels."""
    return nn.Conv2d(
        inputs,
        outputs,
        layer.kernel_size,  # type: ignore[arg-type]
        stride=layer.stride,  # type: ignore[arg-type]
        padding=layer.padding,  # type: ignore[arg-type]
        dilation=layer.dilation,  # type: ignore[arg-type]
        groups=layer.groups,
        bias=bias,
    )


def _replace(model: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    old = model.get_submodule(name)
    where = next((tensor.device for tensor in old.state_dict().values()), None)
    setattr(model.get_submodule(parent), last, layer.to(where).train(old.training))


def _prune(backbone: nn.Module, keep: float, size: int) -> None:
    """Fewer channels everywhere but at the end, where the blocks behind it take theirs."""
    import torch_pruning

    *_, last = backbone.get_submodule("layer4").children()
    where = next(backbone.parameters()).device
    pruner = torch_pruning.pruner.BasePruner(
        backbone,
        torch.zeros(1, 3, size, size, device=where),
        importance=torch_pruning.importance.MagnitudeImportance(p=2),
        pruning_ratio=1 - keep,
        ignored_layers=[last.get_submodule("conv3" if hasattr(last, "conv3") else "conv2")],
        root_module_types=[nn.Conv2d],
    )
    pruner.step()
