# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples (MNIST, Fashion-MNIST or synthetic) as bytes in memory, and their order in training."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import os
import struct
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
from numpy.random import default_rng

from trainer import fetch
from trainer.config import ConfigError, DataConfig, data_config, data_parser
from trainer.fetch import DataError, Split

IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
FASHION_MNIST_OF_DEBIAN = Path("/usr/share/datasets/fashion-mnist")
PIXEL_MAX = 255
# SHA-256 of the published files, unpacked.
IDX_DIGESTS = {
    "mnist": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    )
}
# `content_digest` of the published MNIST: train images, train labels, test images, test labels.
KNOWN_DIGESTS = {"mnist": "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"}
TEST_SHARE = 6  # one synthetic test example for every six training examples, as in MNIST


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Images as rows of bytes, and the class number of each."""

    shape: tuple[int, int, int]
    classes: int
    train: Split
    test: Split

    @property
    def train_examples(self) -> int:
        return len(self.train[1])

    def floats(self, split: Split) -> Split:
        """Return pixels from 0 to 1 and one-hot labels, as the thesis feeds them."""
        images, labels = split
        return np.divide(images, PIXEL_MAX, dtype=np.float32), np.eye(self.classes, dtype=np.float32)[labels]


class Batches:
    """An endless order of examples: every pass over the data is a new permutation, and a batch may span two passes."""

    def __init__(self, examples: int, batch_size: int, *, seed: int | None) -> None:
        self._examples = examples
        self._batch_size = batch_size
        self._random = default_rng(seed)
        self._order = np.empty(0, np.int32)

    def take(self, batches: int) -> np.ndarray:
        """Return the indices of the next batches, one batch per row."""
        needed = batches * self._batch_size
        while len(self._order) < needed:
            self._order = np.concatenate([self._order, self._random.permutation(self._examples).astype(np.int32)])
        taken, self._order = self._order[:needed], self._order[needed:]
        return taken.reshape(batches, self._batch_size)


@cache
def load(config: DataConfig) -> Dataset:
    """Return the dataset, downloaded if necessary. The cache lets forked replicas share one copy."""
    return synthetic(config) if config.dataset == "synthetic" else _stored(config)[0]


@cache
def load_floats(config: DataConfig) -> tuple[Split, Split]:
    """Return train and test as floats, cached as well. They are four times as large as bytes, so only `thesis` loads them."""
    dataset = load(config)
    return dataset.floats(dataset.train), dataset.floats(dataset.test)


def prepare(config: DataConfig) -> bool:
    """Put the checked dataset into its folder; return whether it was missing. Concurrent calls are safe."""
    return config.dataset != "synthetic" and _stored(config)[1]


def _stored(config: DataConfig) -> tuple[Dataset, bool]:
    store = store_path(config)
    with _locked(store.with_suffix(".lock")):
        if made := not store.is_file():
            write_store(store, _published(config))
        return read_store(store, config.dataset), made


def _published(config: DataConfig) -> tuple[Split, Split]:
    folder = idx_folder(config)
    if folder is not None:
        return read_idx_folder(folder, config.dataset)
    if config.dataset == "mnist":
        return fetch.fetch_mnist()
    raise DataError(
        f"{config.data_dir} (--data_dir) holds no idx files of fashion_mnist ({', '.join(IDX_FILES)}, also .gz);"
        f" Debian's package dataset-fashion-mnist carries them in {FASHION_MNIST_OF_DEBIAN}"
    )


def store_path(config: DataConfig) -> Path:
    return Path(config.data_dir) / f"{config.dataset}.npz"


def write_store(path: Path, splits: tuple[Split, Split]) -> None:
    """Write beside the target and rename, so that a reader sees the whole file or none."""
    arrays = dict(zip(_NAMES, (*splits[0], *splits[1]), strict=True))
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        arrays["digest"] = np.array(content_digest(list(arrays.values())))
        with draft.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise DataError(
            f"{path.parent} (--data_dir) cannot be written: {error.strerror}; make room there, or name another folder"
        ) from error
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


_NAMES = ("train_images", "train_labels", "test_images", "test_labels")


def read_store(path: Path, dataset: str) -> Dataset:
    remedy = f"delete {path} and prepare it again with `python -m trainer.data --dataset {dataset}`"
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays, stored = [file[name] for name in _NAMES], str(file["digest"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as a dataset ({error}); {remedy}") from error
    seen, expected = content_digest(arrays), KNOWN_DIGESTS.get(dataset, stored)
    if seen != expected:
        raise DataError(f"{path} holds data with the SHA-256 {seen}, but {expected} was expected; {remedy}")
    return Dataset(shape=(28, 28, 1), classes=10, train=(arrays[0], arrays[1]), test=(arrays[2], arrays[3]))


def content_digest(arrays: Sequence[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def idx_folder(config: DataConfig) -> Path | None:
    """Find the four idx files in the folder itself or in one named after the dataset."""
    root, name = Path(config.data_dir), config.dataset
    candidates = [root, root / name, root / name.replace("_", "-"), root / f"dataset-{name.replace('_', '-')}"]
    if name == "fashion_mnist":
        candidates.append(FASHION_MNIST_OF_DEBIAN)
    for folder in candidates:
        if all(_idx_file(folder, file) for file in IDX_FILES):
            return folder
    return None


def _idx_file(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def read_idx_folder(folder: Path, dataset: str) -> tuple[Split, Split]:
    digests = IDX_DIGESTS.get(dataset, (None,) * len(IDX_FILES))
    files = zip((cast("Path", _idx_file(folder, name)) for name in IDX_FILES), digests, strict=True)
    arrays = [read_idx(path, expected=digest) for path, digest in files]
    for images, labels in (arrays[:2], arrays[2:]):
        if images.ndim != 3 or images.shape[1:] != (28, 28) or labels.shape != images.shape[:1] or not len(labels):
            raise DataError(
                f"the idx files in {folder} hold arrays of {images.shape} and {labels.shape},"
                " but must hold images of 28x28 and as many labels"
            )
        if labels.max() > 9:
            raise DataError(f"the idx files in {folder} hold the label {labels.max()}, but labels must be 0 to 9")
    flat = [array.reshape(len(array), -1) if array.ndim == 3 else array for array in arrays]
    return (flat[0], flat[1]), (flat[2], flat[3])


def read_idx(path: Path, *, expected: str | None = None) -> np.ndarray:
    """Read a file in the format of the original MNIST: magic number, sizes, bytes. `expected` is its digest, unpacked."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if expected is not None:
            fetch.check_digest(str(path), content, expected, "replace it by the published file")
        zeros, kind, dimensions = struct.unpack_from(">HBB", content)
        sizes = struct.unpack_from(f">{dimensions}I", content, 4)
        if zeros or kind != 8:
            raise ValueError("its magic number is not that of bytes")
        return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(sizes)
    except (OSError, EOFError, ValueError, struct.error) as error:
        raise DataError(f"{path} is not an idx file of bytes ({error}); replace it by the published one") from error


def synthetic(config: DataConfig) -> Dataset:
    """Make one random picture per class and add equal noise: a network learns it, but not within a few steps."""
    random = default_rng(config.synthetic_seed)
    pixels = int(np.prod(config.synthetic_shape))
    centres = random.integers(0, PIXEL_MAX + 1, (config.synthetic_classes, pixels))

    def split(examples: int) -> Split:
        labels = random.integers(0, config.synthetic_classes, examples).astype(np.uint8)
        noise = random.integers(0, PIXEL_MAX + 1, (examples, pixels), dtype=np.uint8)
        return ((centres[labels] + noise) // 2).astype(np.uint8), labels

    return Dataset(
        shape=config.synthetic_shape,
        classes=config.synthetic_classes,
        train=split(config.synthetic_examples),
        test=split(max(1, config.synthetic_examples // TEST_SHARE)),
    )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time check and prepare the data. The kernel releases the lock of a process that dies."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")  # appending keeps the content if the file is not ours
    except OSError as error:
        if any(path.parent.glob("*.npz")):  # nobody writes into a read-only folder, so it needs no lock
            yield
            return
        raise DataError(
            f"{path.parent} (--data_dir) cannot be written: {error.strerror}; name another folder"
        ) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main(argv: Sequence[str]) -> int:
    """Prepare a dataset; print `fetched` when it was not there and `present` when it was."""
    try:
        config = data_config(data_parser("python -m trainer.data").parse_args(argv))
        print(f"{'fetched' if prepare(config) else 'present'}: {config.dataset} in {config.data_dir}")
    except (ConfigError, DataError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
