# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take from an installed TensorFlow what no training reads: python3 prune.py FOLDER

Found by taking it away and training, saving, compiling with XLA and looking at it in TensorBoard afterwards. What no longer
works: building custom operations (headers) and the StableHLO converter.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

NEEDLESS = (
    "tensorflow/include",  # headers
    "tensorflow/xla_aot_runtime_src",
    "tensorflow/compiler/mlir/stablehlo/stablehlo_extension.so",
    "tensorflow/compiler/tf2xla/ops/_xla_ops.so",  # operations for hand-written XLA; jit_compile does not use them
    "clang",  # the compiler's library, which only the converters' tools load
    "libclang*",
    "pygments*",  # colours for source code; keras prints tables
    "tensorboard_data_server*",  # a faster reader of event files, which --load_fast=false does without
    "pip*",
    "setuptools*",
    "pkg_resources",
    "_distutils_hack",
    "distutils-precedence.pth",
    "wheel*",
    "bin",
    "**/tests",
    "**/*.pyi",
    "**/*.h",
    "**/__pycache__",
)
# Their symbol tables are a quarter of them. Not the libraries of numpy and h5py: patched after linking, they break.
STRIPPED = ("tensorflow/**/*.so", "tensorflow/*.so.*")


def prune(folder: Path) -> None:
    for pattern in NEEDLESS:
        for path in list(folder.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    # TensorBoard's own switch: it reads event files without TensorFlow, in 75 MB of memory instead of 530.
    if (compat := folder / "tensorboard/compat").is_dir():
        (compat / "notf.py").touch()
    if not shutil.which("strip"):
        print("prune: no strip in this image (Debian: binutils), so the image is 240 MB larger than it could be")
        return
    for pattern in STRIPPED:
        for path in folder.glob(pattern):
            subprocess.run(["strip", str(path)], check=True)


if __name__ == "__main__":
    prune(Path(sys.argv[1]))
