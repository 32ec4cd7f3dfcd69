"""Built-in faces in the official layouts of AffectNet, CK+, JAFFE and (ours) ISED."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from cadnet.data.synthetic.expressions import emotion
from cadnet.data.synthetic.faces import draw
from cadnet.data.synthetic.scene import Scene, Subject, scene, subject
from cadnet.data.synthetic.styles import PORTRAIT, SPONTANEOUS, STUDIO, WILD, generator
from cadnet.data.synthetic.write import encode
from cadnet.faces import EXPRESSIONS

# AffectNet's valence and arousal, about where its publication's figure has each emotion.
_AFFECT = {
    "neutral": (0.0, 0.0), "happy": (0.7, 0.2), "sad": (-0.6, -0.3), "surprise": (0.2, 0.7),
    "fear": (-0.3, 0.8), "disgust": (-0.7, 0.4), "anger": (-0.5, 0.7), "contempt": (-0.6, 0.3),
}  # fmt: skip
_CK_CODES = ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sad", "surprise")
_CK_FRAMES = 8  # of a sequence, from rest to the full expression
_JAFFE_CODES = {
    "AN": "anger", "DI": "disgust", "FE": "fear", "HA": "happy", "NE": "neutral", "SA": "sad",
    "SU": "surprise",
}  # fmt: skip
_JAFFE_SUBJECTS = ("KA", "KL", "KM", "KR", "MK", "NA", "NM", "TM", "UY", "YM")
_ISED_FOLDERS = {
    "disgust": "disgust",
    "happiness": "happy",
    "sadness": "sad",
    "surprise": "surprise",
}


def _close_up(picture: Scene, scale: float, height: float = 0.47) -> Scene:
    """The same, nearer: half the face's width is ``scale`` of the picture's side."""
    return replace(picture, scale=scale, centre=(picture.centre[0], height))


def _with(picture: Scene, name: str, strength: float, rng: np.random.Generator) -> Scene:
    """The same with another expression."""
    return replace(picture, expression=name, units=emotion(name, rng, strength=strength))


def write_affectnet(root: Path, *, counts: dict[str, int], seed: int, size: int) -> None:
    """AffectNet's newer layout; ``counts`` has ``train`` and ``validation``, both with as many
    faces of each expression. The original's training part is mostly happy and neutral: of the few
    faces drawn here a dozen would then show contempt, too few to learn from."""
    for part, folder in (("train", "train_set"), ("validation", "val_set")):
        images, annotations = root / folder / "images", root / folder / "annotations"
        images.mkdir(parents=True)
        annotations.mkdir()
        for i in range(counts[part]):
            rng = generator(seed, "affectnet", part, i)
            code = i % 8
            style = replace(WILD, expressions={EXPRESSIONS[code]: 1.0})
            face = draw(_close_up(scene(rng, style), float(rng.uniform(0.29, 0.33))), size)
            (images / f"{i}.jpg").write_bytes(encode(face.image, ".jpg"))
            valence, arousal = np.clip(
                np.array(_AFFECT[face.expression]) + rng.normal(0, 0.1, 2), -1, 1
            )
            texts = {"exp": str(code), "val": f"{valence:.3f}", "aro": f"{arousal:.3f}"}
            for kind, text in texts.items():
                np.save(annotations / f"{i}_{kind}.npy", np.array(text))
            np.save(annotations / f"{i}_lnd.npy", face.landmarks.reshape(-1))


def write_ckplus(root: Path, *, counts: dict[str, int], seed: int, size: int) -> None:
    """CK+: sequences from rest to the full expression, seven a subject, and one without a label."""
    (part,) = counts
    labelled = counts[part] // 3
    for number in range(labelled + labelled // 7):
        person, take = divmod(number, 8)
        rng = generator(seed, "ckplus", number)
        who = subject(generator(seed, "ckplus-subject", person))
        code = take + 1  # 1 to 7; the eighth has no label
        name = _CK_CODES[code % 8]
        full = emotion(name, rng, strength=float(rng.uniform(0.8, 1.2)))
        base = scene(rng, STUDIO, who)
        place = Path(f"S{person + 5:03d}", f"{take + 1:03d}")
        for kind in ("cohn-kanade-images", "Landmarks", "Emotion"):
            (root / kind / place).mkdir(parents=True)
        for frame in range(_CK_FRAMES):
            rise = frame / (_CK_FRAMES - 1)
            units = {unit: (left * rise, right * rise) for unit, (left, right) in full.items()}
            face = draw(replace(base, expression=name, units=units), size)
            stem = f"{place.parts[0]}_{place.parts[1]}_{frame + 1:08d}"
            (root / "cohn-kanade-images" / place / f"{stem}.png").write_bytes(
                encode(face.image, ".png")
            )
            lines = "\n".join(f"  {x:.7e}  {y:.7e}" for x, y in face.landmarks)
            (root / "Landmarks" / place / f"{stem}_landmarks.txt").write_text(f"{lines}\n")
        if code < 8:
            (root / "Emotion" / place / f"{stem}_emotion.txt").write_text(f"   {code:.7e}\n")


def _woman(rng: np.random.Generator) -> Subject:
    while True:
        who = subject(rng)
        if who.look.long and not who.look.beard:
            return who


def write_jaffe(root: Path, *, counts: dict[str, int], seed: int, size: int) -> None:
    """JAFFE: ten women, seven expressions, grey, always 256 px (``size`` has no say)."""
    people = [_woman(generator(seed, "jaffe-subject", name)) for name in _JAFFE_SUBJECTS]
    for i in range(counts["images"]):
        take, rest = divmod(i, 70)
        who, code = rest % 10, list(_JAFFE_CODES)[rest // 10]
        rng = generator(seed, "jaffe", i)
        picture = _close_up(scene(rng, PORTRAIT, people[who]), 0.29, 0.5)
        face = draw(_with(picture, _JAFFE_CODES[code], float(rng.uniform(0.6, 1.1)), rng), 256)
        name = f"{_JAFFE_SUBJECTS[who]}.{code}{take + 1}.{i + 1}.tiff"
        (root / name).write_bytes(encode(face.image[..., 0], ".tiff"))


def write_ised(root: Path, *, counts: dict[str, int], seed: int, size: int) -> None:
    """ISED: weak expressions of fifty people at most."""
    for folder in _ISED_FOLDERS:
        (root / folder).mkdir()
    for i in range(counts["images"]):
        folder = list(_ISED_FOLDERS)[i % 4]
        person, rng = i // 4 % 50, generator(seed, "ised", i)
        who = subject(generator(seed, "ised-subject", person))
        picture = _close_up(scene(rng, SPONTANEOUS, who), 0.31)
        face = draw(_with(picture, _ISED_FOLDERS[folder], float(rng.uniform(0.25, 0.7)), rng), size)
        name = f"S{person + 1:02d}_{i + 1:03d}.jpg"
        (root / folder / name).write_bytes(encode(face.image, ".jpg"))
