# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Laws in words: their table, predictions by them, and why they do not speak (docs/laws.md). PRIVATE, can break at any time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._study.analysis.laws import SATURATES, Curve
from .._study.analysis.prediction import Prediction
from .._study.design.sizes import Size
from .._study.statistics import words
from .._study.statistics.law_choice import FEW_SIZES, ONE_SIZE, Band, HeldOut, Law, Parameter, Reason
from .answer import Answer
from .messages.catalogue import ENGLISH, Catalogue
from .tables import Table, heads

SHOWN = 2  # predictions of the largest size; of more only the one that is farthest off
MOST_PLACES = 9
COLUMNS = ("curve", "law", "parameters", "aicc", "knee", "peak", "held_out")
REFUSED = ("curve", "no_law")  # where no law speaks of any curve


def names(laws: Iterable[str], bounds: Iterable[Mapping[str, float]] = (), say: Catalogue = ENGLISH) -> str:
    """`Amdahl's law and the USL (k = 0)`; `bounds` has the parameters of each law that are at their bounds."""
    laws = list(laws)
    ends = [*bounds, *({} for _law in laws)]
    return say.listed([named(law, of, say) for law, of in zip(laws, ends, strict=False)])


def named(law: str, bounds: Mapping[str, float], say: Catalogue = ENGLISH) -> str:
    """`the USL`, or `the USL (k = 0)` where a parameter is at its bound."""
    name = say(f"by_law_{law}")
    ends = say.listed([f"{parameter} = {say.count(value)}" for parameter, value in bounds.items()])
    return say("by_law_at_bound", law=name, bounds=ends) if ends else name


def refusal(given: Reason, say: Catalogue = ENGLISH) -> str:
    """A clause that begins with a small letter and has no full stop."""
    if given.code == SATURATES:
        station = say(f"latency_{given.values['station']}", share=say.percent(given.values["share"]))
        return say(f"no_law_{given.code}", workers=given.values["workers"], station=station)
    told = {key: _shown(key, value, say) for key, value in given.values.items()}
    # By what the plural form goes.
    number = len(given.values["sizes"]) if given.code == FEW_SIZES else given.values.get("blocks")
    return say(f"no_law_{given.code}", n=number, **told)


def _shown(key: str, value: Any, say: Catalogue) -> str:
    if isinstance(value, (list, tuple)):
        return say.listed([str(one) for one in value])
    if isinstance(value, float) and key != "processors":
        return say.number(value)
    return say(f"by_law_{value}") if key == "law" else "" if value is None else say.count(value)


# --- the table --------------------------------------------------------------------------------------------------------


def table(answers: Iterable[Answer], say: Catalogue = ENGLISH) -> Table:
    """A row for each law that may speak, and for each curve without one; none where no curve has a second number of workers."""
    curves = [(given.group, curve) for given in answers for curve in given.curves]
    if all(curve.refusal and curve.refusal.code == ONE_SIZE for _group, curve in curves):
        curves = []
    rows = [row for group, curve in curves for row in _rows(_curve(group, curve), curve, say)]
    if not any(curve.laws for _group, curve in curves):
        return Table(REFUSED, heads(REFUSED, say), tuple((row[0], row[-1]) for row in rows))
    return Table(COLUMNS, heads(COLUMNS, say), tuple(rows))


def _curve(group: str, curve: Curve) -> str:
    ps = sorted({str(cell.spec.get("ps")) for cell in curve.cells}, key=lambda text: (len(text), text))
    return " ".join(filter(None, [group, curve.fixed, f"ps={'/'.join(ps)}"]))


def _rows(name: str, curve: Curve, say: Catalogue) -> list[tuple[str, ...]]:
    if curve.refusal:
        return [(name, say("law_none"), *[words.NONE] * 4, refusal(curve.refusal, say))]
    ps = curve.ps or int(curve.cells[0].spec.get("ps") or 1)
    return [
        (
            name,
            say(f"law_{law.name}"),
            "; ".join(_parameter(one, say) for one in law.parameters()),
            say.fixed(law.aicc, 1),
            _workers(law.knee(ps), say),
            _workers(law.peak(ps), say),
            _held_out(law, say),
        )
        for law in curve.laws
    ]


def _parameter(given: Parameter, say: Catalogue) -> str:
    key = f"parameter{'_seconds' if given.unit else ''}{'_at_bound' if given.at_bound else ''}"
    return say(key, name=given.name, **_figures(given.band, say))


def _figures(band: Band, say: Catalogue) -> dict[str, str]:
    """Down to the first digit of half the interval, two digits at least: a coherency is a ten-thousandth."""
    wanted = -words.magnitude((band.high - band.low) / 2) if band.high > band.low else 0
    digits = min(MOST_PLACES, max(0, wanted, 1 - words.magnitude(band.center)))
    return {name: "0" if not of else say.fixed(of, digits) for name, of in band._asdict().items()}


def _workers(band: Band, say: Catalogue) -> str:
    """A number of workers, of which there may be none."""
    if math.isinf(band.low):
        return say("band_none")
    low = say.number(band.low)
    if math.isinf(band.center):
        return say("band_none_below", low=low)
    if math.isinf(band.high):
        return say("band_open", center=say.number(band.center), low=low)
    digits = words.places(band.center, band.high - band.low)
    told: dict[str, Any] = {name: say.fixed(of, digits) for name, of in band._asdict().items()}
    return say("interval", **told)


def _held_out(law: Law, say: Catalogue) -> str:
    farthest_first = sorted(law.held_out, key=lambda one: -abs(math.log(one.measured / one.predicted.center)))
    shown: Sequence[HeldOut] = law.held_out if len(law.held_out) <= SHOWN else farthest_first[:1]
    told = [
        say(
            "held_out",
            cell=f"ps={one.ps} workers={one.workers}",
            by=one.by_workers,
            predicted=_seconds(one.predicted, say),
            measured=say.seconds(one.measured),
        )
        for one in shown
    ]
    rest = len(law.held_out) - len(shown)
    return "; ".join([*told, *([say("held_out_more", n=rest)] if rest else [])])


# --- predictions ------------------------------------------------------------------------------------------------------


def prediction(given: Prediction, currency: str, say: Catalogue = ENGLISH) -> str:
    """A sentence."""
    curve = given.curve.split()
    size = " ".join([*curve, *(one for one in _size(given.size) if one not in curve)])
    if given.refusal or given.seconds is None or given.steps_per_second is None:
        return say("prediction_refused", size=size, why=refusal(given.refusal, say) if given.refusal else "")
    told = {
        "time": _seconds(given.seconds, say),
        "speed": _band("band_speed", given.steps_per_second, say),
        "laws": names(given.laws, given.bounds, say),
    }
    if given.price:
        amounts: dict[str, Any] = {name: say.money(of) for name, of in given.price._asdict().items()}
        told["price"] = say("band_price", currency=currency, **amounts)
    if given.measured is not None:
        told["measured"] = say.seconds(given.measured)
    key = f"prediction{'_priced' if 'price' in told else ''}{'_measured' if 'measured' in told else ''}"
    return say(key, size=size, **told)


def _size(size: Size) -> list[str]:
    asked = {"nodes": size.nodes, "processors": size.processors, "ps": size.ps, "workers": size.workers}
    return [f"{key}={value:g}" for key, value in asked.items() if value is not None]


def _seconds(band: Band, say: Catalogue) -> str:
    return _band("band_seconds", band, say)


def _band(key: str, band: Band, say: Catalogue) -> str:
    digits = words.places(band.center, band.high - band.low)
    told: dict[str, Any] = {name: say.fixed(of, digits) for name, of in band._asdict().items()}
    return say(key, n=f"{band.center:,.{digits}f}", **told)
