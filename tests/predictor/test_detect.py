"""dlib's detector at all sizes, and its boxes as training saw faces."""

import cv2
import numpy as np
import pytest

from cadnet.data.sources.ibug import read_pts
from cadnet.faces import tight_box
from cadnet.predictor import open_picture
from cadnet.predictor.detect import dlib_detector


@pytest.fixture(scope="module")
def detect():
    return dlib_detector()


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (300, 300)])
def test_no_face_no_box(detect, shape):
    assert detect(np.full((*shape, 3), 200, np.uint8)) == []


def test_boxes_of_real_faces_fit_their_landmarks(detect, real_data):
    centres, sides, found = [], [], 0
    faces = sorted((real_data / "300w" / "afw").glob("*.jpg"))[::6]
    for file in faces:
        x, y, width, height = tight_box(read_pts(file.with_suffix(".pts"), 68))
        longer = max(width, height)
        for left, top, side, _ in detect(open_picture(file)):
            dx, dy = left + side / 2 - x - width / 2, top + side / 2 - y - height / 2
            if max(abs(dx), abs(dy)) < longer / 2:
                centres.append((dx / longer, dy / longer))
                sides.append(side / longer)
                found += 1
                break
    assert found >= 0.8 * len(faces)
    assert np.abs(np.median(centres, axis=0)).max() < 0.05
    assert abs(np.median(sides) - 1) < 0.06


def test_a_large_picture_has_the_same_faces(detect, real_data):
    picture = open_picture(real_data / "dlib-faces" / "2008_002506.jpg")
    large = cv2.resize(picture, None, fx=8, fy=8, interpolation=cv2.INTER_LINEAR)
    small_boxes, large_boxes = np.array(detect(picture)), np.array(detect(large))
    assert len(small_boxes) == len(large_boxes) == 3
    side = small_boxes[:, 2].mean()
    assert np.abs(large_boxes / 8 - small_boxes).max() < 0.3 * side
