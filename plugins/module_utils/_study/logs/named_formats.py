# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of the logs that frameworks write by themselves; each remembers one log. PRIVATE, can break at any time.

Bars tell their own duration, often in whole seconds: the clock in front of a line counts, else the time at which it came, else that.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from ..._common.errors import InputError
from ..._common.fields import count, finite
from .events import Event, Reader, number
from .line_prefixes import stripped
from .lines import LONGEST_LINE

_VALUE = r"[-+]?(?:\d[\d.]*(?:e[-+]?\d+)?|nan|inf)"
_LOSS = ("loss", "train_loss", "train/loss", "training_loss")
# Of a test set. A bar's plain `accuracy` is one of training.
_ACCURACY = re.compile(r"(?:val|valid|validation|test|eval)[_/](?:\w+_)?(?:acc|accuracy)(?:_epoch)?")
_PLAIN_ACCURACY = re.compile(r"(?:\w+_)?(?:acc|accuracy)")


def _fields(said: Mapping[str, Any], *, plain: bool = False) -> dict[str, float]:
    """Loss and accuracy by our names."""
    found: dict[str, float] = {}
    for name, value in said.items():
        told = number(value) if isinstance(value, str) else value
        if not isinstance(told, (int, float)) or isinstance(told, bool):
            continue
        if name in _LOSS:
            found.setdefault("loss", float(told))
        elif _ACCURACY.fullmatch(name) or (plain and _PLAIN_ACCURACY.fullmatch(name)):
            found["accuracy"] = float(told)
    return found


def _event(name: str, fields: dict[str, Any], *, step: int | None = None, mono: float | None = None) -> Event:
    told = fields if step is None else {"global_step": step, **fields}
    return Event(name, "worker", 0, None, mono, told)


class Named(ABC):
    """A reader of one log: the lines of its first process, without what stands before them."""

    # When the next line came, where that is known.
    arrived: float | None = None
    # Bars and dictionaries are shorter; a search in a longer line could take seconds.
    longest = 2048

    def __call__(self, line: bytes) -> Event | None:
        text, wall, mono, rank = stripped(line.decode("utf-8", "replace"))
        text = text.strip()
        event = None if rank or len(text) > self.longest else self.read(text)
        if event is None or event.wall is not None:
            return event
        if wall is not None or mono is not None:
            event.wall, event.mono = wall, mono
        elif self.arrived is not None:
            event.wall, event.mono = self.arrived, None
        return event

    @abstractmethod
    def read(self, text: str) -> Event | None: ...


class _Bars:
    """Steps and seconds over bars that each begin again."""

    def __init__(self) -> None:
        self.steps = self.seconds = 0.0
        self._n = self._elapsed = 0.0
        self._about = ""

    def take(self, n: float, elapsed: float | None, about: str) -> None:
        if n < self._n or about != self._about:
            self.steps, self.seconds = self.steps + self._n, self.seconds + self._elapsed
            self._elapsed = 0.0
        self._n, self._about = n, about
        # A last line that is more exact may seem to be earlier.
        self._elapsed = max(self._elapsed, elapsed or 0.0) if elapsed is not None else self._elapsed

    @property
    def step(self) -> int:
        return int(self.steps + self._n)

    @property
    def clock(self) -> float:
        return self.seconds + self._elapsed


class Keras(Named):
    """`Epoch 1/5`, then `1875/1875 [====] - 4s 2ms/step - loss: 0.29`, as Model.fit of Keras 2 and 3 prints them."""

    _EPOCH = re.compile(r"Epoch (\d{1,9})/\d{1,9}(?: - )?(?=\d|$)")
    _BAR = re.compile(
        r"(\d{1,12})/(\d{1,12})(?: \[[=>.]*\]| [━╸╺]+)?(?: -)? (?:ETA: )?(\d[\d:]*(?:us|ms|s)?(?:/step)?)(.*)"
    )
    _PER_STEP = re.compile(r"(\d{1,9})(us|ms|s)/(?:step|epoch|sample)")
    _METRIC = re.compile(rf"([\w/]+): ({_VALUE})(?= -|$|\s)")
    _UNITS: ClassVar[dict[str, float]] = {"s": 1.0, "ms": 1e-3, "us": 1e-6}

    def __init__(self) -> None:
        self._bars = _Bars()
        self._total = 0
        self._last = 0
        self._trains = False
        self._epoch = ""

    def read(self, text: str) -> Event | None:
        if epoch := self._EPOCH.match(text):
            self._epoch, self._trains, self._last = epoch[0], True, 0
            text = text[epoch.end() :]
        drawn = self._BAR.match(text)
        if drawn is None or not self._epoch:
            return None
        n, total = int(drawn[1]), int(drawn[2])
        metrics = dict(self._METRIC.findall(drawn[4]))
        if not self._trains or (self._total and total != self._total) or n < self._last:
            # A bar of evaluate(), or of predict().
            self._trains = False
            fields = {key: value for key, value in _fields(metrics, plain=True).items() if key == "accuracy"}
            return _event("eval", fields) if n == total and fields else None
        self._total, self._last = total, n
        if per_step := self._PER_STEP.search(drawn[3] + drawn[4]):
            elapsed: float | None = self._elapsed(n, total, drawn[3], int(per_step[1]), self._UNITS[per_step[2]])
        else:
            elapsed = None
        self._bars.take(n, elapsed, self._epoch)
        fields = _fields(metrics)
        return _event("progress", fields, step=self._bars.step, mono=self._bars.clock)

    @staticmethod
    def _elapsed(n: int, total: int, told: str, per_step: int, unit: float) -> float:
        """Whole seconds of the bar, or whole units of a step. The last line alone tells the former; a step's leave the first step out."""
        whole = re.fullmatch(r"(\d{1,9})s", told)
        if n == total and whole and (int(whole[1]) >= 10 or int(whole[1]) > per_step):
            return float(whole[1])
        return n * per_step * unit


class Tqdm(Named):
    """`100%|████| 938/938 [00:12<00:00, 75.31it/s, loss=0.3]`: the first kind of bar is the training."""

    _BAR = re.compile(
        r"(?:(?P<about>[^|]*?):? *)?(?:\d{1,3}%)?\|[^|]*\| *(?P<n>\d{1,12})/(?P<total>\d{1,12}|\?) "
        r"\[(?P<elapsed>(?:\d+:)?\d{1,2}:\d\d)<[^,\]]*, *(?P<rate>[\d.]+|\?)(?P<per>s/\w+| ?\w+/s)(?P<rest>[^\]]*)\]?"
    )
    _METRIC = re.compile(rf"([\w/]+)=({_VALUE})")

    def __init__(self) -> None:
        self._bars = _Bars()
        self._kind: tuple[str, str] | None = None

    def read(self, text: str) -> Event | None:
        drawn = self._BAR.match(text) if "[" in text and "|" in text else None
        if drawn is None or not self._is_training(drawn):
            return None
        n = int(drawn["n"])
        self._bars.take(n, self._elapsed(n, drawn), drawn["about"] or "")
        fields = _fields(dict(self._METRIC.findall(drawn["rest"])))
        return _event("progress", fields, step=self._bars.step, mono=self._bars.clock)

    def _is_training(self, drawn: re.Match[str]) -> bool:
        kind = (re.sub(r"\d+(?:/\d+)?", "", drawn["about"] or "").strip(), drawn["total"])
        self._kind = self._kind or kind
        return kind == self._kind

    @staticmethod
    def _elapsed(n: int, drawn: re.Match[str]) -> float:
        seconds = 0.0
        for part in drawn["elapsed"].split(":"):
            seconds = 60 * seconds + int(part)
        rate = number(drawn["rate"])
        if rate and drawn["total"] == drawn["n"]:
            # Of a bar that is closed the rate is the mean of all: it is more exact than whole seconds.
            exact = n * rate if drawn["per"].startswith("s/") else n / rate
            return exact if abs(exact - seconds) <= 1.0 + seconds / 50 else seconds
        return seconds


class Lightning(Tqdm):
    """The bar of an epoch: `Epoch 0: 100%|████| 938/938 [00:12<00:00, 75.31it/s, v_num=0, train_loss=0.3]`."""

    def _is_training(self, drawn: re.Match[str]) -> bool:
        return re.fullmatch(r"Epoch \d+", drawn["about"] or "") is not None


class HuggingFace(Tqdm):
    """Trainer's bar, and its dictionaries: `{'loss': 0.5, 'learning_rate': 4e-05, 'epoch': 0.27}`."""

    _PAIR = re.compile(rf"'(\w+)': '?({_VALUE})'?")

    def _is_training(self, drawn: re.Match[str]) -> bool:
        """Bars of data and checkpoints say what they are about."""
        return not drawn["about"] and super()._is_training(drawn)

    def read(self, text: str) -> Event | None:
        if not (text.startswith("{'") and "'epoch':" in text):
            return super().read(text)
        said = dict(self._PAIR.findall(text))
        if "train_runtime" in said:
            return _event("elapsed", {"seconds": number(said["train_runtime"])})
        fields = _fields(said)
        return _event("eval", fields) if fields else None


class MlLog(Named):
    """MLPerf's lines. A step is a `step_num`, or an epoch where the log counts none."""

    TOKEN = ":::MLLOG "
    longest = LONGEST_LINE
    _CLOCKED = ("run_start", "epoch_start", "epoch_stop", "block_stop", "eval_accuracy", "train_loss", "tracked_stats")

    def __init__(self) -> None:
        self._started: float | None = None
        self._step = 0

    def read(self, text: str) -> Event | None:
        start = text.find(self.TOKEN)
        said = _json(text[start + len(self.TOKEN) :]) if start >= 0 else None
        if said is None:
            return None
        key, wall = said.get("key"), finite(said.get("time_ms"))
        about = said.get("metadata")
        told = about if isinstance(about, dict) else {}
        wall = None if wall is None else wall / 1000
        if key == "run_start":
            self._started = wall
        elif key == "run_stop" and self._started is not None and wall is not None:
            return _event("elapsed", {"seconds": round(wall - self._started, 3)})
        if key not in self._CLOCKED:
            return None
        step = self._step_of(key, told)
        value = finite(said.get("value"))
        fields = (
            {} if value is None else {"eval_accuracy": {"accuracy": value}, "train_loss": {"loss": value}}.get(key, {})
        )
        event = _event("eval" if key == "eval_accuracy" else "progress", fields, step=step)
        event.wall = wall
        return event

    def _step_of(self, key: str, told: Mapping[str, Any]) -> int:
        said = next(
            (told[name] for name in ("step_num", "step", "samples_count") if name in told), told.get("epoch_num")
        )
        found = _whole(said)
        first, epochs = _whole(told.get("first_epoch_num")), _whole(told.get("epoch_count"))
        if key == "block_stop" and first is not None:
            found = first + (epochs or 1) - 1
        # An epoch that begins is not done.
        if found is not None and not (key == "epoch_start" and said == told.get("epoch_num")):
            self._step = max(self._step, found)
        return self._step


FIELDS = {
    "step": ("global_step", "step", "iteration", "iter", "num_updates"),
    "time": ("time", "timestamp", "ts", "wall_time", "created"),
    "loss": ("loss", "train_loss", "train/loss"),
    "accuracy": ("accuracy", "val_accuracy", "eval_accuracy", "test_accuracy", "val_acc", "val/accuracy"),
}


class JsonLines(Named):
    """One JSON object a line."""

    longest = LONGEST_LINE

    def __init__(self, names: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._names = {**FIELDS, **(names or {})}

    def read(self, text: str) -> Event | None:
        said = _json(text) if text.startswith("{") else None
        if said is None:
            return None
        told = {ours: _found(said, names) for ours, names in self._names.items()}
        step = _whole(told["step"])
        fields = {name: float(told[name]) for name in ("loss", "accuracy") if _is_number(told[name])}
        if step is None and "accuracy" not in fields:
            return None
        event = _event("eval" if step is None else "progress", fields, step=step)
        event.wall = _seconds(told["time"])
        return event


def _json(text: str) -> dict[str, Any] | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _whole(value: Any) -> int | None:
    """Also of 3.0, as some write a step."""
    return count(int(value)) if finite(value) is not None else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _found(said: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """The first that is there; a dot leads into an object."""
    for name in names:
        if name in said:
            return said[name]
        value: Any = said
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def _seconds(told: Any) -> float | None:
    if isinstance(told, str):
        try:
            return datetime.fromisoformat(told).timestamp()
        except ValueError:
            return finite(number(told))
    return finite(told)


def json_reader(text: str) -> Callable[[], Reader]:
    """`json:step=iteration,time=ts` with names of the user's own."""
    given = [part.strip().partition("=") for part in text.removeprefix("json:").split(",")]
    for ours, equals, name in given:
        if ours not in FIELDS or not equals or not name:
            raise InputError(
                f"training_log_format is {text!r}, whose part {ours + equals + name!r} is not known: give json, or names such as"
                f" json:step=iteration,time=ts ({', '.join(FIELDS)})"
            )
    names = {ours: (name,) for ours, _equals, name in given}
    return lambda: JsonLines(names)


NAMED: dict[str, Callable[[], Reader]] = {
    "keras": Keras,
    "tqdm": Tqdm,
    "lightning": Lightning,
    "huggingface": HuggingFace,
    "mllog": MlLog,
    "json": JsonLines,
}
