"""The import of TensorFlow: nothing is missing, nothing needless is there, forked replicas import no more of it, memory is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.conftest import free_addresses
from trainer import lazy_tensorflow

ROOT = Path(__file__).resolve().parents[2]

# Every name of every package of the public API, and its kind: a function, a class, a number.
WALK = """
import json
from types import ModuleType
import tensorflow.compat.v1 as tf1
import tensorflow as tf
def walk(module, path, seen):
    for name in (name for name in dir(module) if not name.startswith("_")):
        value = getattr(module, name, None)
        found[path + name] = type(value).__name__
        if isinstance(value, ModuleType) and "/_api/" in getattr(value, "__file__", "") and value not in seen:
            walk(value, path + name + ".", seen | {value})
found = {}
walk(tf, "tf.", frozenset())
walk(tf1, "tf1.", frozenset())
print(json.dumps(found))
"""
KINDS = """
import json, sys
from functools import reduce
from trainer import lazy_tensorflow
with lazy_tensorflow.importing():
    import tensorflow.compat.v1 as tf1
import tensorflow as tf
names, roots = json.load(sys.stdin), {"tf": tf, "tf1": tf1}
def kind(name):
    root, *parts = name.split(".")
    return type(reduce(lambda value, part: getattr(value, part, None), parts, roots[root])).__name__
print(json.dumps({name: kind(name) for name in names}))
"""
LAZY = "from trainer import lazy_tensorflow\nwith lazy_tensorflow.importing():\n    import tensorflow.compat.v1 as tf"


def python(program: str, *arguments: str, given: str = "") -> Any:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT, input=given, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.full
def test_every_name_of_the_public_api_is_there() -> None:
    whole = python(WALK)
    assert len(whole) > 5000
    small = python(KINDS, given=json.dumps(list(whole)))
    modules = {"module", "TFModuleWrapper", "KerasLazyLoader", "_Names"}
    assert [n for n, kind in whole.items() if small[n] != kind and not {small[n], kind} <= modules] == []


def test_keras_is_imported_by_those_who_ask() -> None:
    imported, units = python(
        LAZY + "\nimport json, sys\nneedless = ('keras.src', 'tensorflow.lite', 'h5py')"
        "\nbefore = [name for name in needless if name in sys.modules]"
        "\nimport tensorflow\nmade = tensorflow.keras.layers.Dense(3)"
        "\nprint(json.dumps([before, made.units]))"
    )
    assert (imported, units) == ([], 3)


def test_what_is_no_list_of_imports_is_run(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("from os import sep\nhidden = 3 + 4\n")
    loader = lazy_tensorflow._Loader("made_up", str(tmp_path / "__init__.py"))
    module = lazy_tensorflow._Names("made_up")
    module.__loader__ = loader
    assert module.sep == "/"
    assert "hidden" not in vars(module)
    assert module.hidden == 7
    with pytest.raises(AttributeError, match="'made_up' has no attribute 'other'"):
        module.other  # noqa: B018 - reading it is the test


def test_dir_tells_names_that_are_not_imported_yet(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("from nowhere.at_all import thing as that # line: 7\n")
    module = lazy_tensorflow._Names("made_up")
    module.__loader__ = lazy_tensorflow._Loader("made_up", str(tmp_path / "__init__.py"))
    assert "that" in dir(module)


REPLICAS = """
import json, sys
from tests.trainer import forker
from trainer import __main__ as trainer
given = json.load(sys.stdin)
trainer.preload(given["flags"])
known, main = set(sys.modules), trainer.main
def main_and_tell(argv):
    code = main(argv)
    print("imported", json.dumps(sorted(set(sys.modules) - known)))
    return code
trainer.main = main_and_tell
print(json.dumps(forker.run(given["argvs"], given["logs"], 60)))
"""


@pytest.mark.parametrize(
    ("flags", "put_off"),
    [
        ([], set()),
        pytest.param(["--preset", "thesis"], set(), marks=pytest.mark.full),
        pytest.param(["--strategy", "sync_ps"], set(), marks=pytest.mark.full),
        # Imported by functions of TensorFlow's own.
        pytest.param(["--strategy", "tf2_ps"], {"tensorflow.python.data.ops.from_tensors_op"}, marks=pytest.mark.full),
        (["--strategy", "mirrored"], set()),
    ],
)
def test_forked_replicas_import_no_more_of_tensorflow(tmp_path: Path, flags: list[str], put_off: set[str]) -> None:
    first, second, third = free_addresses(3)
    hosts = ["--worker_hosts", f"{second},{third}"] + ([] if "mirrored" in flags else ["--ps_hosts", first])
    shared = ["--dataset", "synthetic", "--synthetic_examples", "100", "--train_steps", "20", "--threads", "1", *flags]
    places = [("ps", "0")] * ("mirrored" not in flags) + [("worker", "0"), ("worker", "1")]
    argvs = [["--job_name", job, "--task_index", index, *hosts, *shared] for job, index in places]
    logs = [str(tmp_path / f"{job}-{index}") for job, index in places]
    codes = python(REPLICAS, given=json.dumps({"flags": shared, "argvs": argvs, "logs": logs}))
    assert codes[-2:] == [0, 0]
    for log in logs[-2:]:
        told = Path(log).read_text().splitlines()[-1].removeprefix("imported ")
        assert {name for name in json.loads(told) if name.startswith("tensorflow.")} <= put_off


MAPPED = """
import ctypes, json, sys
from trainer import __main__ as trainer
class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in "a b c hblks d e f g h i".split()]
library = ctypes.CDLL(None)
library.mallinfo.restype, library.malloc.restype = Info, ctypes.c_void_p
if sys.argv[1] == "as a replica":
    trainer._import_tensorflow()
before = library.mallinfo().hblks
library.malloc(3 << 20)
print(json.dumps(library.mallinfo().hblks - before))
"""


@pytest.mark.parametrize(("how", "mapped"), [("as it is", 1), ("as a replica", 0)])
def test_a_replica_takes_large_tensors_from_memory_that_it_keeps(how: str, mapped: int) -> None:
    assert python(MAPPED, how) == mapped
