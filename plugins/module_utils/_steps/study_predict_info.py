# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what sizes that were not measured would need, from the ledger of a study. PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._common.context import Context
from .._common.errors import InputError, StepError
from .._common.format import listed
from .._kubernetes.open_ledger import LEDGER_ARG_SPEC, recorded
from .._report import document, law_words
from .._report.messages.catalogue import ENGLISH
from .._study.analysis import model
from .._study.analysis.prediction import Prediction, predict
from .._study.design import inputs
from .._study.design.sizes import Size, sizes_of
from .._study.statistics.law_choice import Band
from .._study.statistics.words import number, places

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **LEDGER_ARG_SPEC,
    "study_dir": {"type": "path", "required": True},
    # Raw, so that what a user wrote comes back in our sentence and not in Ansible's.
    "predict": {"type": "raw", "required": True},
    "prices": {"type": "dict", "default": {}},
    "currency": {"type": "str", "default": "USD"},
    "select": {"type": "str", "default": ""},
}


def execute(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Read-only; says a sentence for each prediction."""
    folder = Path(params["study_dir"])
    try:
        sizes = sizes_of("predict", params["predict"])
        prices = inputs.prices("report_prices", params["prices"])
        records, warnings = recorded(params, check_mode=context.check_mode)
        study = model.study_of(
            records, folder.name, prices=prices, currency=params["currency"], selected=params["select"]
        )
        found = predict(study, sizes)
    except InputError as error:
        raise StepError(f"{error}.") from error
    if not found and (target := next((cell.target for cell in study.measured if cell.target is not None), None)):
        raise StepError(
            f"study {folder.name!r} trains to the accuracy {target:g} (training_target_accuracy), but laws are about a fixed number of steps: give another"
            " report_study, or a report_select with other runs."
        )
    if not found:
        raise StepError(f"study {folder.name!r} has no run that counts: run its sweep first.")
    sentences = [_sentence(one, study.currency) for one in found]
    for sentence in sentences:
        context.say(sentence)
    return {
        "changed": False,
        "predictions": [_told(one, sentence, study) for one, sentence in zip(found, sentences, strict=True)],
        "refused": sum(one.refusal is not None for one in found),
        "msg": " ".join(sentences),
        **warnings,
    }


def _told(given: Prediction, sentence: str, study: model.Study) -> dict[str, Any]:
    price = document.band_of(given.price)
    return {
        **vars(given.size),
        "curve": given.curve,
        "laws": list(given.laws),
        "train_seconds": document.band_of(given.seconds),
        "steps_per_second": document.band_of(given.steps_per_second),
        "price": price and {**price, "currency": study.currency},
        "measured_seconds": given.measured,
        "refusal": document.refusal_of(given.refusal),
        "words": sentence,
    }


def _sentence(given: Prediction, currency: str) -> str:
    name = " ".join(filter(None, [given.curve, _name(given.size)]))
    if given.refusal or given.seconds is None or given.steps_per_second is None:
        return f"{name}: no prediction, {law_words.refusal(given.refusal) if given.refusal else ''}."
    parts = [_figure(given.seconds, "s"), _figure(given.steps_per_second, "steps/s")]
    if given.price:
        center, low, high = map(ENGLISH.money, given.price)
        parts.append(f"{center} {currency} ({low}-{high})")
    if given.measured is not None:
        parts.append(f"measured {number(given.measured)} s")
    return f"{name}: {', '.join(parts)}, by {listed(list(map(law_words.named, given.laws, given.bounds)))}."


def _name(size: Size) -> str:
    asked = {"nodes": size.nodes, "processors": size.processors, "ps": size.ps, "workers": size.workers}
    return " ".join(f"{key}={value:g}" for key, value in asked.items() if value is not None)


def _figure(band: Band, unit: str) -> str:
    digits = places(band.center, band.high - band.low)
    low, center, high = (f"{value:,.{digits}f}" for value in (band.low, band.center, band.high))
    return f"{center} {unit} ({low}-{high})"
