"""Built-in videos in 300VW's layout: somebody moves, shows something, is hidden for a while."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from scipy.ndimage import gaussian_filter1d

from cadnet.data.sources.ibug import pts_text
from cadnet.data.sources.vw300 import VIDEOS
from cadnet.data.synthetic.faces import SyntheticFace, draw
from cadnet.data.synthetic.occluders import OCCLUDERS
from cadnet.data.synthetic.scene import Style, scene, shown
from cadnet.data.synthetic.shape import Points
from cadnet.data.synthetic.styles import HARD, MILD, STUDIO, generator

_RATE = 25  # frames a second
# Category 1 is well lit, 2 unconstrained, 3 hard.
_STYLES = {"train": MILD, "category1": STUDIO, "category2": MILD, "category3": HARD}


def _wander(rng: np.random.Generator, frames: int, spread: Points) -> Points:
    """Smooth motion (frames, len(spread)) around 0: noise over about half a second."""
    pad = 2 * _RATE
    noise = rng.standard_normal((frames + 2 * pad, len(spread)))
    smooth = gaussian_filter1d(noise, _RATE / 2, axis=0)[pad : pad + frames]
    moved: Points = smooth / 0.15 * spread
    return moved


def film(rng: np.random.Generator, style: Style, frames: int, size: int) -> Iterator[SyntheticFace]:
    """A video's frames: the head wanders, expressions come and go, an occluder passes."""
    base = scene(rng, replace(style, occluded=0.0, grey=0.0))
    pose = _wander(rng, frames, np.array([0.4 * style.yaw, 0.5 * style.pitch, 0.4 * style.roll]))
    place = _wander(rng, frames, np.array([0.015, 0.015]))
    name, units = shown(rng, style)
    level = 0.5 - 0.5 * np.cos(np.linspace(0, 2 * np.pi * max(1.0, frames / 60), frames))
    occluder = (str(rng.choice(list(OCCLUDERS))), int(rng.integers(1 << 31)))
    begin, hidden = rng.integers(frames), rng.random() < 2 * style.occluded
    for i in range(frames):
        yaw, pitch, roll = (a + b for a, b in zip(base.pose, pose[i], strict=True))
        passing = hidden and begin <= i < begin + frames // 3
        yield draw(
            replace(
                base,
                pose=(float(yaw), float(pitch), float(roll)),
                centre=(base.centre[0] + float(place[i, 0]), base.centre[1] + float(place[i, 1])),
                expression=name,
                units={
                    unit: (left * float(level[i]), right * float(level[i]))
                    for unit, (left, right) in units.items()
                },
                occluders=(occluder,) if passing else (),
                photograph=base.photograph + i,
            ),
            size,
        )


def write_300vw(root: Path, *, counts: dict[str, int], seed: int, size: int, frames: int) -> None:
    """``<id>/vid.avi`` with ``<id>/annot/000001.pts`` …; ``counts`` are videos by part."""
    for part, count in counts.items():
        for number in VIDEOS[part][:count]:
            folder = root / f"{number:03d}"
            (folder / "annot").mkdir(parents=True)
            with av.open(str(folder / "vid.avi"), "w") as container:
                stream = container.add_stream("mjpeg", rate=Fraction(_RATE))
                stream.width = stream.height = size
                stream.pix_fmt = "yuvj444p"
                stream.codec_context.qmin = stream.codec_context.qmax = 3
                video = film(generator(seed, "300vw", number), _STYLES[part], frames, size)
                for i, face in enumerate(video, start=1):
                    picture = av.VideoFrame.from_ndarray(face.image, format="rgb24")
                    container.mux(stream.encode(picture))
                    (folder / "annot" / f"{i:06d}.pts").write_text(pts_text(face.landmarks))
                container.mux(stream.encode())
