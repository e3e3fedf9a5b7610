"""Pictures drawn by code, for simulated data sets: digits of strokes, and faces of an oval with a sign for each
attribute. They look like nobody."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Strokes of each digit, lines between places (x, y) from 0 to 1, y downwards.
_STROKES = (
    ((0.5, 0.1, 0.2, 0.3, 0.2, 0.7, 0.5, 0.9, 0.8, 0.7, 0.8, 0.3, 0.5, 0.1),),
    ((0.35, 0.25, 0.55, 0.1, 0.55, 0.9),),
    ((0.2, 0.25, 0.5, 0.1, 0.8, 0.3, 0.2, 0.9, 0.8, 0.9),),
    ((0.2, 0.15, 0.75, 0.15, 0.45, 0.45, 0.8, 0.65, 0.5, 0.9, 0.2, 0.8),),
    ((0.65, 0.9, 0.65, 0.1, 0.2, 0.6, 0.85, 0.6),),
    ((0.8, 0.1, 0.3, 0.1, 0.25, 0.45, 0.7, 0.5, 0.75, 0.75, 0.5, 0.9, 0.2, 0.85),),
    ((0.7, 0.1, 0.3, 0.4, 0.2, 0.7, 0.5, 0.9, 0.75, 0.7, 0.5, 0.5, 0.25, 0.65),),
    ((0.2, 0.1, 0.8, 0.1, 0.4, 0.9), (0.35, 0.5, 0.7, 0.5)),
    ((0.5, 0.5, 0.25, 0.3, 0.5, 0.1, 0.75, 0.3, 0.5, 0.5, 0.2, 0.7, 0.5, 0.9, 0.8, 0.7, 0.5, 0.5),),
    ((0.75, 0.35, 0.5, 0.5, 0.25, 0.3, 0.5, 0.1, 0.75, 0.3, 0.7, 0.6, 0.55, 0.9),),
)
_CHUNK = 200  # pictures that are drawn at a time


def draw_digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Handwriting of a kind: strokes turned, sheared, moved and scaled at random, of random width, blotched.

    Returns:
        `(count, 28, 28)` uint8, and `(count,)` digits, as many of each as of any other, within one.
    """
    random = np.random.default_rng((seed, 28))
    digits = random.permutation(np.arange(count) % 10)
    pictures = np.zeros((count, 28, 28), dtype=np.uint8)
    for digit, strokes in enumerate(_STROKES):
        rows = np.flatnonzero(digits == digit)
        begins, ends = _list_segments(strokes)
        for first in range(0, len(rows), _CHUNK):
            own = rows[first : first + _CHUNK]
            pictures[own] = _draw_strokes(begins, ends, len(own), random)
    return pictures, digits


def _list_segments(strokes: Sequence[Sequence[float]]) -> tuple[np.ndarray, np.ndarray]:
    places = [np.array(stroke).reshape(-1, 2) - 0.5 for stroke in strokes]
    return np.concatenate([each[:-1] for each in places]), np.concatenate([each[1:] for each in places])


def _draw_strokes(begins: np.ndarray, ends: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    angle, shear = random.normal(0, 0.12, (2, count))
    scale = random.normal(0.72, 0.06, (count, 1, 1)) * np.exp(random.normal(0, 0.08, (count, 1, 2)))
    turn = np.stack([np.cos(angle), -np.sin(angle) + shear, np.sin(angle), np.cos(angle)], -1).reshape(-1, 2, 2)
    move = 0.5 + random.normal(0, 0.03, (count, 1, 2))
    wobble = random.normal(0, 0.03, (2, count, len(begins), 2))
    start, stop = ((each @ turn) * scale + move + shift for each, shift in zip((begins, ends), wobble, strict=True))
    grid = (np.stack(np.meshgrid(np.arange(28), np.arange(28)), -1).reshape(-1, 2) + 0.5) / 28
    along = stop - start
    length = (along**2).sum(-1)[:, None] + 1e-9
    away = (grid[None, :, None] - start[:, None]).astype(np.float32)
    along = along.astype(np.float32)
    share = ((away * along[:, None]).sum(-1) / length).clip(0, 1)
    distance = np.sqrt(((away - share[..., None] * along[:, None]) ** 2).sum(-1)).min(-1)
    width = random.normal(0.045, 0.01, (count, 1)).clip(0.02, 0.08)
    ink = (1 - (distance - width) / 0.03).clip(0, 1) + random.normal(0, 0.03, distance.shape)
    return np.round(ink.clip(0, 1) * 255).astype(np.uint8).reshape(count, 28, 28)


def draw_faces(signs: np.ndarray, size: int, seed: int, strength: float = 0.12) -> np.ndarray:
    """Ovals of some colour before a background of another, on which every column of `signs` `(count, signs)`, zeros and
    ones, has a spot of its own place, width and colour; then noise.

    Returns:
        `(count, 3, size, size)` uint8.
    """
    random = np.random.default_rng((seed, 3))
    count, kinds = signs.shape
    across, down = np.meshgrid((np.arange(size) + 0.5) / size, (np.arange(size) + 0.5) / size)
    # The spots are the same whatever the rows.
    of_spots = np.random.default_rng(3)
    spots = np.empty((kinds, 3, size, size), dtype=np.float32)
    for spot in spots:
        (x, y), width = of_spots.uniform(0.2, 0.8, 2), of_spots.uniform(0.06, 0.15)
        spot[:] = np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * width**2))
        spot *= of_spots.choice((-1.0, 1.0), 3)[:, None, None]
    outside = ((across - 0.5) / 0.34) ** 2 + ((down - 0.5) / 0.42) ** 2 - 1
    oval = (1 / (1 + np.exp(8 * outside))).astype(np.float32)
    pictures = np.empty((count, 3, size, size), dtype=np.uint8)
    for first in range(0, count, _CHUNK):
        own = signs[first : first + _CHUNK]
        skin, behind = random.uniform(0.25, 0.9, (2, len(own), 3, 1, 1)).astype(np.float32)
        drawn = behind + (skin - behind) * oval
        drawn += strength * np.tensordot(own.astype(np.float32) - 0.5, spots, 1)
        drawn += 0.08 * random.standard_normal(drawn.shape, dtype=np.float32)
        pictures[first : first + _CHUNK] = np.round(drawn.clip(0, 1) * 255)
    return pictures
