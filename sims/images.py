"""Images of shape (3, 32, 32) for Figure 1, from three sources, and their labels.

- ``gaussian``: every entry is drawn from N(0, 1) on its own.
- ``photographs``: patches of the two colour photographs that ship with scikit-learn. Each photograph is cut into bands
  of 64 columns, in turn for training and for testing, so that no pixel serves both; a patch is drawn uniformly from
  those that lie within one band. Patches of one part overlap.
- ``cifar10``: CIFAR-10 in its binary version, from a folder of the user's: training images are drawn without
  repetition, test images from the test batch.

Photographs and CIFAR-10 are standardised: each channel has mean 0 and variance 1 over the training pixels.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from theory.validate import finite_array, generator, integer

__all__ = ["CHANNELS", "CIFAR10", "PARTS", "SIDE", "SOURCES", "available", "cifar10_files", "digest", "draw", "labels"]

CHANNELS = 3
SIDE = 32
SOURCES = ("gaussian", "photographs", "cifar10")
PARTS = ("train", "test")
CIFAR10 = "ORBITGAP_CIFAR10"
"""The environment variable that names the folder with CIFAR-10."""
PHOTOGRAPHS = ("china.jpg", "flower.jpg")
BAND = 2 * SIDE
BATCHES = {"train": tuple(f"data_batch_{i}.bin" for i in range(1, 6)), "test": ("test_batch.bin",)}
ENTRIES = CHANNELS * SIDE * SIDE
RECORD = 1 + ENTRIES
"""Bytes of one image of CIFAR-10: its class, then the channels red, green and blue, each row by row."""


def available() -> tuple[str, ...]:
    """The sources that can be drawn from: CIFAR-10 is one if the environment variable ``ORBITGAP_CIFAR10`` is set.

    Raises:
        ValueError: it names no folder with CIFAR-10.

    Example:
        >>> available()[:2]
        ('gaussian', 'photographs')
    """
    if not os.environ.get(CIFAR10):
        return SOURCES[:2]
    for part in PARTS:
        cifar10_files(os.environ[CIFAR10], part)
    return SOURCES


def draw(source: str, part: str, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Images from a source, independent and of one law; of CIFAR-10 no image is drawn twice in one call.

    Args:
        source: one of `SOURCES`.
        part: ``train`` or ``test``.
        n: how many, at least 0.
        rng: draws them.

    Returns:
        Shape (n, 3, 32, 32).

    Raises:
        ValueError: an argument out of range, or a folder of CIFAR-10 that is not set, missing or damaged.

    Example:
        >>> draw("photographs", "test", 5, np.random.default_rng(0)).shape
        (5, 3, 32, 32)
    """
    n, rng = integer("n", n, 0), generator("rng", rng)
    if part not in PARTS:
        raise ValueError(f"part: got {part!r}, want one of {', '.join(PARTS)}")
    if source == "gaussian":
        return rng.standard_normal((n, CHANNELS, SIDE, SIDE), dtype=np.float32)
    if source == "photographs":
        return _patches(part, n, rng)
    if source == "cifar10":
        return _cifar10_images(part, n, rng)
    raise ValueError(f"source: got {source!r}, want one of {', '.join(SOURCES)}")


def digest() -> str:
    """A hash of the images of CIFAR-10 that this process draws from, or "" if ``ORBITGAP_CIFAR10`` is not set.

    Raises:
        ValueError: it names no folder with CIFAR-10.
    """
    directory = os.environ.get(CIFAR10)
    return _cifar10_digest(directory) if directory else ""


def labels(images: ArrayLike) -> NDArray[np.float32]:
    """+1 where the first channel has the larger l2 norm than the second, else -1.

    Args:
        images: shape (n, channels, height, width), at least two channels.

    Raises:
        ValueError: another shape, or entries that are not finite.

    Example:
        >>> labels([[[[1.0]], [[2.0]], [[5.0]]], [[[-2.0]], [[1.0]], [[0.0]]]]).tolist()
        [-1.0, 1.0]
    """
    x = finite_array("images", images, (None, None, None, None))
    if x.shape[1] < 2:
        raise ValueError(f"images: got {x.shape[1]} channels, want at least 2")
    first, second = (np.einsum("nij,nij->n", c, c, dtype=np.float64) for c in (x[:, 0], x[:, 1]))
    return np.where(first > second, np.float32(1), np.float32(-1))


def cifar10_files(directory: str | Path, part: str) -> tuple[Path, ...]:
    """The files of CIFAR-10's binary version; their sizes are checked.

    Raises:
        ValueError: one is missing, or is not made of whole images.
    """
    folder = Path(directory)
    files = tuple(folder / name for name in BATCHES[part])
    for file in files:
        if not file.is_file():
            raise ValueError(
                f"{CIFAR10}: got {str(folder)!r} without {file.name}, want CIFAR-10's binary version there"
            )
        size = file.stat().st_size
        if size == 0 or size % RECORD:
            raise ValueError(f"{CIFAR10}: got {str(file)!r} of {size} bytes, want images of {RECORD} bytes each")
    return files


def _patches(part: str, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    photographs = _photographs()
    height, width = photographs.shape[2:]
    which = rng.integers(len(photographs), size=n)
    band = 2 * rng.integers(width // BAND // 2, size=n) + PARTS.index(part)
    top = rng.integers(height - SIDE + 1, size=n)
    left = BAND * band + rng.integers(BAND - SIDE + 1, size=n)
    windows = sliding_window_view(photographs, (SIDE, SIDE), axis=(2, 3))
    return windows[which, :, top, left]


@cache
def _photographs() -> NDArray[np.float32]:
    """Shape (2, 3, height, width), standardised."""
    from sklearn.datasets import load_sample_image  # slow to import, and only needed here

    pixels: Any = np.stack([load_sample_image(name) for name in PHOTOGRAPHS]).transpose(0, 3, 1, 2).astype(np.float64)
    width = pixels.shape[3] // (2 * BAND) * (2 * BAND)
    training = pixels[..., :width].reshape(*pixels.shape[:3], -1, 2, BAND)[..., 0, :]
    mean, deviation = (f(training, axis=(0, 2, 3, 4)).reshape(-1, 1, 1) for f in (np.mean, np.std))
    standard: NDArray[np.float32] = ((pixels - mean) / deviation).astype(np.float32)
    return standard


def _cifar10_images(part: str, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    directory = os.environ.get(CIFAR10)
    if not directory:
        raise ValueError(f"{CIFAR10}: not set, want a folder with CIFAR-10's binary version")
    mean, deviation = _cifar10_scale(directory)
    pixels = _cifar10_pixels(directory, part)
    integer("n", n, 0, len(pixels))
    return (pixels[rng.choice(len(pixels), n, replace=False)] - mean) / deviation


@cache
def _cifar10_pixels(directory: str, part: str) -> NDArray[np.uint8]:
    """Shape (images, 3, 32, 32)."""
    records = np.concatenate([np.fromfile(file, np.uint8) for file in cifar10_files(directory, part)])
    records = records.reshape(-1, RECORD)
    if records[:, 0].max() > 9:
        raise ValueError(f"{CIFAR10}: got class {records[:, 0].max()} in {directory!r}, want 0 to 9: it is damaged")
    return records[:, 1:].reshape(-1, CHANNELS, SIDE, SIDE)


@cache
def _cifar10_digest(directory: str) -> str:
    """Of what is in memory, which is what is drawn, whatever is done to the files later."""
    content = hashlib.sha256()
    for part in PARTS:
        pixels = _cifar10_pixels(directory, part)
        content.update(f"{part}\0{len(pixels)}\0".encode())
        for image in pixels:  # each is contiguous, all of them are not
            content.update(image)
    return content.hexdigest()


@cache
def _cifar10_scale(directory: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of each channel over the training pixels, of shape (3, 1, 1)."""
    pixels = _cifar10_pixels(directory, "train")
    # Sums of bytes and of their squares are exact in 64-bit integers and need no copy in floating point.
    histograms = [np.bincount(pixels[:, c].reshape(-1), minlength=256) for c in range(CHANNELS)]
    levels = np.arange(256)
    mean = np.array([h @ levels / h.sum() for h in histograms])
    variance = np.array([h @ levels**2 / h.sum() for h in histograms]) - mean**2
    if not (variance > 0).all():
        raise ValueError(f"{CIFAR10}: got a channel of one colour in {directory!r}, want photographs: it is damaged")
    shape = (CHANNELS, 1, 1)
    return mean.reshape(shape).astype(np.float32), np.sqrt(variance).reshape(shape).astype(np.float32)
