"""What detectors that were trained on photographs see in the built-in faces.

Two steps, because MediaPipe wants an environment of its own:

    python benchmarks/realism.py draw faces.npz
    python3.11 -m venv /path/to/judges
    /path/to/judges/bin/pip install mediapipe==0.10.21 dlib-bin face-recognition-models \\
        "setuptools<81"
    /path/to/judges/bin/python benchmarks/realism.py judge faces.npz

Of faces without occluders and with a yaw below 45°: how many are found, and how far the detector's
points are from ours, over the 51 inner points, in percent of the inter-ocular distance.
"""

import argparse

import numpy as np

# MediaPipe's mesh vertices for the inner points 17 to 67 of the 68.
MESH = [
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 168, 197, 5, 4, 98, 97, 2, 326, 327,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
]  # fmt: skip
PARTS = {"brows": (0, 10), "nose": (10, 19), "eyes": (19, 31), "mouth": (31, 51)}


def draw(path: str, count: int) -> None:
    """Faces of the styles of 300W, without occluders."""
    from dataclasses import replace

    from cadnet.data.synthetic.faces import render
    from cadnet.data.synthetic.styles import HARD, MILD

    images, landmarks = [], []
    for i in range(4 * count):
        style = replace((MILD, HARD)[i % 2], occluded=0.0)
        face = render(np.random.default_rng([i, 45]), style, 256)
        if abs(face.pose[0]) < 45 and len(images) < count:
            images.append(face.image)
            landmarks.append(face.landmarks)
    np.savez_compressed(path, images=np.stack(images), landmarks=np.stack(landmarks))
    print(f"{len(images)} faces in {path}")


def facemesh():
    """MediaPipe's FaceMesh: picture → (51, 2) px, or None."""
    import mediapipe

    mesh = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True)

    def find(image):
        found = mesh.process(image).multi_face_landmarks
        if not found:
            return None
        points = found[0].landmark
        height, width = image.shape[:2]
        return np.array([(points[i].x * width - 0.5, points[i].y * height - 0.5) for i in MESH])

    return find


def dlib68():
    """dlib's frontal detector and its 68-point predictor: picture → (51, 2) px, or None."""
    import dlib
    import face_recognition_models

    detector = dlib.get_frontal_face_detector()
    predictor = dlib.shape_predictor(face_recognition_models.pose_predictor_model_location())

    def find(image):
        boxes = detector(image, 1)
        if not boxes:
            return None
        return np.array([(p.x, p.y) for p in predictor(image, boxes[0]).parts()])[17:]

    return find


def judge(path: str) -> None:
    """Print each detector's findings."""
    with np.load(path) as file:
        images, landmarks = file["images"], file["landmarks"]
    unit = np.linalg.norm(landmarks[:, 36] - landmarks[:, 45], axis=1)
    for name, make in (("MediaPipe FaceMesh", facemesh), ("dlib 68 points", dlib68)):
        find = make()
        found = {i: points for i, image in enumerate(images) if (points := find(image)) is not None}
        index = np.array(list(found))
        off = np.stack(list(found.values())) - landmarks[index, 17:]
        error = 100 * np.linalg.norm(off, axis=2) / unit[index, None]
        parts = ", ".join(
            f"{part} {np.median(error[:, a:b]):.1f}" for part, (a, b) in PARTS.items()
        )
        print(
            f"{name}: {100 * len(found) / len(images):.1f} % of {len(images)} faces found, median "
            f"error {np.median(error.mean(axis=1)):.2f} % ({parts})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("draw", "judge"))
    parser.add_argument("file")
    parser.add_argument("--count", type=int, default=300)
    options = parser.parse_args()
    if options.step == "draw":
        draw(options.file, options.count)
    else:
        judge(options.file)


if __name__ == "__main__":
    main()
