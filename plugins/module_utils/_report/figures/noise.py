# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each run over the median of its cell by block, the drift between blocks, the calibration kernel. PRIVATE, can break at any time."""

from __future__ import annotations

from typing import Any

from ..._study.analysis import model
from ..._study.analysis.noise import Noise
from ..._study.records.record import Record
from ..messages.catalogue import Catalogue
from .figure import NOISE, TOLD, Figure, Part, finish, layer, looks, measured
from .lines import DOTS, run_layers, run_told, thinned

TICKS = 10  # blocks with a tick of their own


def figures(noise: Noise, say: Catalogue) -> list[Figure]:
    """None with a single block: there is nothing to compare it with."""
    if len(noise.blocks) < 2:
        return []
    lines = [say("line_blocks"), *([say("line_kernel")] if noise.kernel else [])]
    cells = {id(run): cell for cell, run, _share in noise.runs}
    drawn = thinned([(run, share) for _cell, run, share in noise.runs], DOTS)
    runs = [_run_row(cells[id(run)], run, share, lines[0], say) for run, share in drawn]
    rows = [_row(block, share, lines[0], "tip_noise_line", say) for block, share in noise.blocks.items()]
    rows += [_row(block, share, lines[-1], "tip_noise_kernel", say) for block, share in noise.kernel.items()]
    blocks = sorted(noise.blocks)
    ticks: Part = {"values": blocks} if len(blocks) <= TICKS else {"tickMinStep": 1}
    scale = {"domain": [blocks[0] - 0.5, blocks[-1] + 0.5], "nice": False, "zero": False}
    x = measured("x", title=say("axis_block"), axis={**ticks, "grid": False, "format": "d"}, scale=scale)
    y = measured(
        "y", title=say("axis_noise"), axis={"format": "%", "tickCount": 6}, scale={"zero": False, "padding": 10}
    )
    color, shape = looks("line", lines)
    line = {"type": "line", "strokeWidth": 1.5, "aria": False}
    point = {"type": "point", "size": 60, "filled": True, "opacity": 1}
    layers = [
        *run_layers(runs, x=x, y=y, color=color),
        layer("drift", rows, line, x=x, y=y, color=color),
        layer("blocks", rows, point, x=x, y=y, color=color, shape=shape, description=TOLD),
    ]
    caption = " ".join([say("caption_noise"), *([say("caption_kernel")] if noise.kernel else [])])
    if len(runs) < len(noise.runs):
        caption += f" {say('caption_thinned', drawn=len(runs), runs=len(noise.runs))}"
    title, spec = say("title_noise"), finish(layers)
    return [
        Figure(name="noise", title=title, caption=caption, spec=spec, section=NOISE, runs=len(runs), data="runs.csv")
    ]


def _run_row(cell: model.Cell, run: Record, share: float, line: str, say: Catalogue) -> dict[str, Any]:
    seconds = say.seconds(run.timing("train_seconds"))
    told = run_told(say, cell, run, say("tip_noise_run", time=seconds, change=_change(say, share)))
    return {"x": run.block, "y": share, "line": line, "verdict": run.verdict, "told": told}


def _row(block: int, share: float, line: str, key: str, say: Catalogue) -> dict[str, Any]:
    return {"x": block, "y": share, "line": line, "told": say(key, block=block, change=_change(say, share))}


def _change(say: Catalogue, share: float) -> str:
    """In percent, with its sign, but no -0."""
    return say.figures(f"{round(100 * (share - 1), 1) + 0.0:+.1f}")
