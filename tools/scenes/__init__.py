"""The moving pictures of the sample clips: a function a scene, `draw(canvas, at, length, **options)`.

`at` is the time since the scene began and `length` how long it lasts, in seconds; the canvas is WIDTH x HEIGHT pixels.
A scene depends on nothing else, so each frame can be drawn alone and comes out the same each time.
"""

from . import beauty, fashion, food, technology, travel
from .brush import HEIGHT, WIDTH

__all__ = ["HEIGHT", "SCENES", "WIDTH"]

SCENES = {**technology.SCENES, **food.SCENES, **beauty.SCENES, **fashion.SCENES, **travel.SCENES}
