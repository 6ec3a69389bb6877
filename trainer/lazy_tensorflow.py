# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TensorFlow in half the time: names of its public API are imported when they are used, and Keras is not.

`import tensorflow` imports its whole public API, twice (that of version 1 as well), with Keras, TensorFlow Lite and what these
need. The packages of the API below `tensorflow` hold nothing but lines of the form `from MODULE import NAME`; here they are
read and not run. Every name is still there, and a package that looks otherwise is imported as ever.
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
# Run as they are: they hold the names of `tf` itself, and code.
ROOTS = ("tensorflow._api.v2.compat", "tensorflow._api.v2.compat.v1")
IMPORT = re.compile(r"^from (\S+) import (\w+)(?: as (\w+))?", re.MULTILINE)
# What stands for TensorFlow in the trainer's modules, and a name of it there.
USE = re.compile(r"\b(tf1?)\.(\w+(?:\.\w+)*)")

# Of the API, by their names in `tensorflow`.
_packages: dict[str, ModuleType] = {}


class _Names(ModuleType):
    """A package of the API, not yet run."""

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
        """Nothing before a name is asked for."""

    def names(self) -> dict[str, tuple[str, str]]:
        """Name in the package -> module and name there."""
        if self._names is None:
            source = self.get_data(self.path).decode()
            self._names = {alias or name: (module, name) for module, name, alias in IMPORT.findall(source)}
        return self._names

    def import_name(self, module: ModuleType, name: str) -> None:
        """Import one name, or all when it is not among those that were read."""
        if name in self.names():
            where, there = self.names()[name]
            # Of packages of the API come packages only, and a `from` would ask them for what they hold.
            is_package = where.startswith(API)
            found = importlib.import_module(f"{where}.{there}" if is_package else where)
            setattr(module, name, found if is_package else getattr(found, there))
            # A package that lies beside one of the API by the same name (lite, distribute) takes its place when imported.
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
            # TensorFlow does without it when it cannot be imported; whoever asks for it later gets it.
            raise ModuleNotFoundError(f"{name} is put off", name=name)
        if not name.startswith(API) or name in ROOTS:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """While TensorFlow is imported, or more of it. What was imported otherwise before stays as it is."""
    finder = _Finder()
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, finder)
    # Hardly anything that an import makes is ever garbage, and looking through it takes a tenth of the time.
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
    """Import what the trainer's modules imported so far name of TensorFlow: forked replicas then have it."""
    import tensorflow.compat.v1 as tf

    with importing():
        for module in [module for name, module in sys.modules.items() if name.startswith("trainer.")]:
            for alias, name in set(USE.findall(inspect.getsource(module))):
                value = vars(module).get(alias, tf)
                for part in name.split("."):
                    value = getattr(value, part, None)
