"""A description in, a cover picture out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """`png` is a whole PNG file."""

    png: bytes
