"""dlib's 68-point regression trees (Kazemi and Sullivan 2014), as face-recognition-models ships."""

import dlib
import face_recognition_models
import numpy as np
from common import faces, report

pictures, boxes = faces()
predict = dlib.shape_predictor(face_recognition_models.pose_predictor_model_location())
squares = [dlib.rectangle(int(x), int(y), int(x + w), int(y + h)) for x, y, w, h in boxes]


def one(i: int) -> np.ndarray:
    shape = predict(pictures[i], squares[i])
    return np.array([(p.x, p.y) for p in shape.parts()])


assert one(0).shape == (68, 2)
report(one, lambda: [one(i) for i in range(len(pictures))], len(pictures))
