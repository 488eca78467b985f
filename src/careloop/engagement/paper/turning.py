"""A page image is turned. The images are our own, made in `child`: nothing a stranger sent is decoded here."""

import io
from importlib import import_module
from typing import Any


def turned(image: bytes, turn: int) -> bytes:
    """The PNG, turned clockwise by 0, 90, 180 or 270 degrees."""
    if turn % 360 == 0:
        return image
    pictures: Any = import_module("PIL.Image")  # 3 MB that few processes need
    with pictures.open(io.BytesIO(image), formats=("PNG",)) as picture:
        kept = io.BytesIO()
        picture.rotate(-turn, expand=True).save(kept, "PNG", optimize=False)
        return kept.getvalue()
