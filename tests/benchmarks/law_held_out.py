"""The largest number of workers of real studies, predicted by all smaller ones.

The table of docs/laws.md. Usage: python tests/benchmarks/law_held_out.py STUDY_FOLDER...
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from ansible_collections.tfscale.study.plugins.module_utils._common.format import listed
from ansible_collections.tfscale.study.plugins.module_utils._report import law_words
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import laws, model


def rows(folder: Path) -> Iterator[str]:
    records = [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]
    study = model.study_of(records, folder.name)
    for _group, cells in study.groups():
        most = max(int(cell.spec["workers"]) for cell in cells)
        smaller = [cell for cell in cells if int(cell.spec["workers"]) < most]
        for curve in laws.curves_of(smaller):
            asked = {**curve.spec, "workers": most, "ps": curve.ps}
            for cell in [cell for cell in cells if cell.spec == asked]:
                yield " | ".join([folder.name, curve.fixed, f"ps={curve.ps}", _verdict(curve, cell, most)])


def _verdict(curve: laws.Curve, cell: model.Cell, most: int) -> str:
    sizes, seconds = listed([str(size) for size in curve.sizes]), cell.interval("train_seconds")
    measured = f"{seconds.center:.2f} s in {seconds.n} runs" if seconds else "nothing"
    band = curve.band(most)
    if band is None or seconds is None:
        reason = curve.silence(most)
        return f"by {sizes} workers: refused ({law_words.refusal(reason) if reason else ''}) | {most}: {measured}"
    names = law_words.names(law.name for law in curve.laws)
    verdict = "inside" if band.low <= seconds.center <= band.high else "OUTSIDE"
    return f"by {sizes} workers: {band.center:.2f} s ({band.low:.2f}-{band.high:.2f}), {names} | {most}: {measured} | {verdict}"


def main() -> None:
    for folder in map(Path, sys.argv[1:]):
        for row in rows(folder):
            print(row)


if __name__ == "__main__":
    main()
