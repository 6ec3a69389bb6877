# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lazy import of TensorFlow: names of its public API are imported on first use, and Keras only on request.

`import tensorflow` imports its whole public API twice (for version 1 as well), with Keras, TensorFlow Lite and their
dependencies: 2848 modules and 524 MB. The lazy import needs 1215 modules and 423 MB, and about half the time
(docs/performance.md). The packages of the API below `tensorflow` contain only lines of the form `from MODULE import NAME`; this
module parses them instead of running them. Every name stays available. Any other package is imported as usual.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

API = "tensorflow._api.v2."
# These packages run normally: they hold the names of `tf` itself, and code.
ROOTS = ("tensorflow._api.v2.compat", "tensorflow._api.v2.compat.v1")
IMPORT = re.compile(r"^from (\S+) import (\w+)(?: as (\w+))?", re.MULTILINE)
# An alias of TensorFlow in the trainer's modules, and the name that follows it.
USE = re.compile(r"\b(tf1?)\.(\w+(?:\.\w+)*)")

# Packages of the API by their names in `tensorflow`.
_packages: dict[str, ModuleType] = {}


class _Names(ModuleType):
    """A package of the API that has not run yet."""

    __loader__: _Loader

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            self.__loader__.import_name(self, name)
        return super().__getattribute__(name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__loader__.names()})


class _Loader(SourceFileLoader):
    _names: dict[str, tuple[str, str]] | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Names(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Import nothing before the first access to a name."""

    def names(self) -> dict[str, tuple[str, str]]:
        """Map each name of the package to its module and its name there."""
        if self._names is None:
            source = self.get_data(self.path).decode()
            self._names = {alias or name: (module, name) for module, name, alias in IMPORT.findall(source)}
        return self._names

    def import_name(self, module: ModuleType, name: str) -> None:
        """Import one name, or run the whole package if the parser has not found that name."""
        if name in self.names():
            where, there = self.names()[name]
            # From a package of the API only packages are imported, and getattr would load all names of it to find one.
            is_package = where.startswith(API)
            found = importlib.import_module(f"{where}.{there}" if is_package else where)
            setattr(module, name, found if is_package else getattr(found, there))
            # Importing `tensorflow.lite` or `tensorflow.distribute` replaces the API's package of the same name: undo that.
            for other, package in _packages.items():
                setattr(sys.modules["tensorflow"], other, package)
        elif "__ran__" not in vars(module):
            module.__dict__["__ran__"] = True
            super().exec_module(module)


class _Finder:
    def __init__(self) -> None:
        self.is_importing = False

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if self.is_importing and name.startswith("keras."):
            # TensorFlow tolerates a missing Keras here. A later import finds it.
            raise ModuleNotFoundError(f"{name} is put off", name=name)
        if not name.startswith(API) or name in ROOTS:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Make imports of TensorFlow lazy inside this context. Modules that are already imported stay as they are."""
    finder = _Finder()
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, finder)
    # Imports make almost no garbage, and collecting it would take a tenth of the time.
    gc.disable()
    finder.is_importing = True
    try:
        yield
        names = vars(sys.modules["tensorflow"])
        _packages.update({name: names[name] for name in names if isinstance(names[name], _Names)})
    finally:
        finder.is_importing = False
        gc.freeze()
        gc.enable()


def import_used() -> None:
    """Import every name of TensorFlow that the loaded modules of the trainer use, so that forked replicas share it."""
    import tensorflow.compat.v1 as tf

    with importing():
        for module in [module for name, module in sys.modules.items() if name.startswith("trainer.")]:
            for alias, name in set(USE.findall(inspect.getsource(module))):
                value = vars(module).get(alias, tf)
                for part in name.split("."):
                    value = getattr(value, part, None)
