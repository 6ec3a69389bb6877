# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that launchers and loggers put before a line, and the time that they tell. PRIVATE, can break at any time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

_LEVEL = r"(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)"
# Each may stand behind another. `rank`: of the process that wrote the line; `utc`, `local`: its time.
_PREFIXES = tuple(
    map(
        re.compile,
        (
            # kubectl logs --prefix
            r"\[pod/[^/\]\s]+/[^/\]\s]+\] ",
            # docker compose logs
            r"[\w.-]+-\d+ +\| ",
            # kubectl logs --timestamps, and a kubelet's own file
            r"(?P<utc>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (?:std(?:out|err) [FP] )?",
            # mpirun --tag-output, of Open MPI 5 with the name of its session, --timestamp-output before it, and horovodrun
            r"(?P<ctime>\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4})?\[(?:[^\[\]@\s]+@)?1,(?P<rank>\d{1,6})\]<std(?:out|err)>: ?",
            # torchrun, and rank_zero loggers
            r"\[(?:default|trainer|rank)(?P<rank>\d{1,6})\]: ?",
            # srun --label
            r"(?P<rank>\d{1,6}): (?=:::MLLOG)",
            # absl
            r"[IWEF](?P<absl>\d{4} \d\d:\d\d:\d\d\.\d{6}) +\d+ [^\]\s]+:\d+\] ",
            # transformers
            rf"\[{_LEVEL}\|[^\]\s]+:\d+\] (?P<local>\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d[.,]\d+) >> ",
            # loguru
            rf"(?P<local>\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d[.,]\d+) \| {_LEVEL} *\| [^|\s]+ - ",
            # logging's asctime, as accelerate's and Hydra's examples set it up, and what follows it
            r"\[?(?P<local>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:[.,]\d+)?|\d\d/\d\d/\d{4} \d\d:\d\d:\d\d)\]?"
            rf"(?:[ :-]*(?:\[[\w.]+\]|{_LEVEL}\b|[\w.]+(?= - )))*[ :-]*",
            # logging.basicConfig()
            rf"{_LEVEL}:[\w.]+:",
        ),
    )
)
_MOST = 4
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"


class Stripped(NamedTuple):
    text: str
    # Seconds since 1970, and those of a clock whose zero is not known.
    wall: float | None
    mono: float | None
    rank: int


def stripped(line: str) -> Stripped:
    wall = mono = None
    rank = 0
    for _turn in range(_MOST):
        found = next((match for one in _PREFIXES if (match := one.match(line))), None)
        if found is None:
            break
        told = found.groupdict()
        wall = _utc(told["utc"]) if told.get("utc") else wall
        mono = _local(told) if any(told.get(clock) for clock in ("absl", "ctime", "local")) else mono
        rank = int(told["rank"]) if told.get("rank") else rank
        line = line[found.end() :]
    return Stripped(line, wall, None if wall is not None else mono, rank)


def _utc(text: str) -> float | None:
    head, dot, rest = text.partition(".")
    digits = re.match(r"\d*", rest)[0] if dot else ""  # type: ignore[index]
    try:
        seconds = datetime.fromisoformat(head + rest[len(digits) :]).timestamp()
    except ValueError:
        return None
    return seconds + float(f"0.{digits or 0}")


def _local(told: dict[str, str]) -> float | None:
    """Of no year, or of an unknown zone: only differences mean something."""
    text = told.get("absl")
    try:
        if text:
            moment = datetime.strptime(f"2000{text}", "%Y%m%d %H:%M:%S.%f")
        elif text := told.get("ctime"):
            # By its number: names of months are those of the controller's language.
            month = _MONTHS.index(text[4:7]) // 3 + 1
            moment = datetime.strptime(f"{month} {text[8:]}", "%m %d %H:%M:%S %Y")
        elif "/" in (text := told["local"]):
            moment = datetime.strptime(text, "%m/%d/%Y %H:%M:%S")
        else:
            moment = datetime.fromisoformat(text.replace(",", "."))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC).timestamp()
