"""Trained models in people's hands: any picture in, landmarks and expressions out.

from cadnet import predictor

model = predictor.load("results/cadnet_fer")
faces = model.predict("photo.jpg")
predictor.draw("photo.jpg", faces).save("overlay.png")
"""

from cadnet.predictor.draw import draw
from cadnet.predictor.model import FacePrediction, Predictor, load
from cadnet.predictor.pictures import PredictionError, open_picture

__all__ = ["FacePrediction", "PredictionError", "Predictor", "draw", "load", "open_picture"]
