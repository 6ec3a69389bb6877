# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""runc for a machine that lacks CAP_SYS_RESOURCE: asks for no more than the machine can give.

Without it `docker run --privileged` ends with "unable to apply caps". The specification of each container and of each
process that joins one loses the capability, limits above ours and scores below ours; then runc takes over.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

CAPABILITY = "CAP_SYS_RESOURCE"


def lower(process: dict[str, Any]) -> None:
    """Take from an OCI process object what this machine may not grant."""
    for names in (process.get("capabilities") or {}).values():
        if CAPABILITY in names:
            names.remove(CAPABILITY)
    for limit in process.get("rlimits") or []:
        number = getattr(resource, limit["type"], None)
        if number is None:
            continue
        most = resource.getrlimit(number)[1]
        if most != resource.RLIM_INFINITY:
            limit["hard"] = min(limit["hard"], most)
            limit["soft"] = min(limit["soft"], limit["hard"])
    if process.get("oomScoreAdj") is not None:
        ours = int(Path("/proc/self/oom_score_adj").read_text())
        process["oomScoreAdj"] = max(process["oomScoreAdj"], ours)


def value_of(words: list[str], *names: str) -> str | None:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in names:
            return following
        for name in names:
            if word.startswith(f"{name}="):
                return word.partition("=")[2]
    return None


def rewrite(path: Path, process_of: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    document = json.loads(path.read_text())
    lower(process_of(document))
    path.write_text(json.dumps(document))


def main(words: list[str]) -> None:
    if "create" in words or "run" in words:
        rewrite(Path(value_of(words, "--bundle", "-b") or ".") / "config.json", lambda spec: spec["process"])
    elif "exec" in words and (path := value_of(words, "--process", "-p")):
        rewrite(Path(path), lambda process: process)
    runc = shutil.which("runc") or "/usr/sbin/runc"
    os.execv(runc, [runc, *words])


if __name__ == "__main__":
    main(sys.argv[1:])
