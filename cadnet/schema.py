"""What an experiment is: its data, its model, its training. Types alone, which jobs depend on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Dataset = Literal[
    "300w", "menpo", "cofw", "cofw68", "aflw", "300vw", "affectnet", "ckplus", "jaffe", "ised"
]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class Strict(BaseModel):
    """Unknown keys, other types and numbers that are not finite are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Backbone(Strict):
    depth: Literal[18, 34, 50]
    width: Positive
    output_stride: Literal[8, 16, 32]
    weights: Literal["scratch", "imagenet"]

    @model_validator(mode="after")
    def _imagenet_is_full_width(self) -> Backbone:
        if self.weights == "imagenet" and self.width != 1:
            raise ValueError("ImageNet weights exist for width 1.0 alone")
        return self


class DGB(Strict):
    channels: Count
    reduced: Count
    iterations: Count
    attention: Literal["criss_cross", "non_local", "spatial"]
    frames: Count

    @model_validator(mode="after")
    def _clips_are_crossed(self) -> DGB:
        if self.frames > 1 and self.attention != "criss_cross":
            raise ValueError("frames: only attention criss_cross is for clips; must be 1")
        return self


class ADB(Strict):
    threshold: Share
    steepness: Positive
    drop: Annotated[float, Field(ge=0, lt=1)]
    reduction: Count


class LLB(Strict):
    rank: Count


class Expressions(Strict):
    classes: Annotated[int, Field(ge=2, le=8)]
    dropout: Annotated[float, Field(ge=0, lt=1)]


class Heatmap(Strict):
    channels: Count
    sigma: Annotated[float, Field(ge=0.5)]
    weight: Positive


class Transformer(Strict):
    channels: Annotated[int, Field(ge=4, multiple_of=4)]
    heads: Count
    feedforward: Count
    encoder_layers: Count
    decoder_layers: Count

    @model_validator(mode="after")
    def _whole_heads(self) -> Transformer:
        if self.channels % self.heads:
            raise ValueError("channels must be a multiple of heads")
        return self


class Occlusion(Strict):
    """What the occlusion-adaptive networks have in common."""

    channels: Count
    reduced: Count
    rank: Count
    nuclear: NotNegative


class ODN(Occlusion):
    reduction: Count


class OADN(Occlusion):
    reduction: Count


class ADODN(Occlusion):
    dropout: ADB


class Model(Strict):
    name: Literal["cadnet", "heatmap", "transformer", "odn", "oadn", "adodn"]
    backbone: Backbone
    pool: Count
    dgb: DGB | None
    adb: ADB | None
    llb: LLB | None
    landmarks: bool
    fer: Expressions | None
    # Options of the models that CAD-Net is compared with, each under its model's name.
    heatmap: Heatmap | None
    transformer: Transformer | None
    odn: ODN | None
    oadn: OADN | None
    adodn: ADODN | None

    @model_validator(mode="after")
    def _own_options_alone(self) -> Model:
        compared = ("heatmap", "transformer", "odn", "oadn", "adodn")
        if self.name in compared and getattr(self, self.name) is None:
            raise ValueError(f"name {self.name} needs the options {self.name}")
        foreign = [key for key in compared if key != self.name]
        if self.name != "cadnet":
            foreign += ["dgb", "adb", "llb", "fer"]
            if not self.landmarks:
                raise ValueError(f"landmarks: {self.name} gives nothing else; must be true")
        if unused := [key for key in foreign if getattr(self, key) is not None]:
            raise ValueError(f"name {self.name} does not use {', '.join(unused)}: must be null")
        return self

    @model_validator(mode="after")
    def _says_something(self) -> Model:
        if not self.landmarks and not self.fer:
            raise ValueError("a model without landmarks needs fer")
        if not self.landmarks and self.llb:
            raise ValueError("llb regresses landmarks: null where landmarks is false")
        return self


class Loss(Strict):
    lambda_fer: NotNegative
    lambda_u: NotNegative
    lambda_v: NotNegative
    gamma_drop: NotNegative
    gamma_final: NotNegative


class Augment(Strict):
    rotation: Annotated[float, Field(ge=0, le=180)]
    scale: Annotated[list[Positive], Field(min_length=2, max_length=2)]
    translation: NotNegative
    flip: Share
    occlusion: Share
    colour: Annotated[float, Field(ge=0, lt=1)]

    @model_validator(mode="after")
    def _ordered(self) -> Augment:
        if self.scale[0] > self.scale[1]:
            raise ValueError("scale must be [low, high]")
        return self


class Train(Strict):
    epochs: Count
    batch_size: Annotated[int, Field(ge=2)]
    learning_rate: Positive
    momentum: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: NotNegative
    schedule: Literal["step", "cosine"]
    step_epochs: Count
    warmup_epochs: Annotated[int, Field(ge=0)]
    threads: Count
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "float32", "bfloat16"]
    channels_last: bool
    compile: bool
    clip_gradient: Positive | None
    keep: Literal["last", "best"]
    loss: Loss
    augment: Augment


class Compress(Strict):
    """How a trained model is made smaller: a share of its channels is kept, or of the rank of its
    convolutions."""

    method: Literal["channels", "rank"]
    keep: Annotated[float, Field(gt=0, lt=1)]


class Experiment(Strict):
    """One row of the paper: its data and its complete, resolved model and training."""

    title: str
    architecture: str
    start_from: str | None = None
    """The experiment whose trained model of the same seed is the start."""
    compress: Compress | None = None
    """How that model is made smaller before it is trained on."""
    tuned: bool = False
    """Whether its loss weights are those that the search chose."""
    train_on: Dataset
    test_on: Annotated[list[Dataset], Field(min_length=1)]
    model: Model
    train: Train

    @model_validator(mode="after")
    def _something_to_compress(self) -> Experiment:
        if self.compress and not self.start_from:
            raise ValueError("compress makes a trained model smaller: say which by start_from")
        return self
