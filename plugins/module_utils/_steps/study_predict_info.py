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
from .._kubernetes.open_ledger import LEDGER_ARG_SPEC, recorded
from .._report import document, law_words
from .._report.messages.catalogue import Catalogue
from .._study.analysis import model
from .._study.analysis.prediction import Prediction, predict
from .._study.design import inputs
from .._study.design.sizes import sizes_of
from .._study.design.variables import LANGUAGES

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **LEDGER_ARG_SPEC,
    "study_dir": {"type": "path", "required": True},
    # Raw, so that what a user wrote comes back in our sentence and not in Ansible's.
    "predict": {"type": "raw", "required": True},
    "prices": {"type": "dict", "default": {}},
    "currency": {"type": "str", "default": "USD"},
    "select": {"type": "str", "default": ""},
    "language": {"type": "str", "choices": list(LANGUAGES), "default": "en"},
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
    say = Catalogue(params["language"])
    sentences = [law_words.prediction(one, study.currency, say) for one in found]
    for sentence in sentences:
        context.say(sentence)
    return {
        "changed": False,
        "predictions": [_told(one, sentence, study, say) for one, sentence in zip(found, sentences, strict=True)],
        "refused": sum(one.refusal is not None for one in found),
        "msg": " ".join(sentences),
        **warnings,
    }


def _told(given: Prediction, sentence: str, study: model.Study, say: Catalogue) -> dict[str, Any]:
    price = document.band_of(given.price)
    return {
        **vars(given.size),
        "curve": given.curve,
        "laws": list(given.laws),
        "train_seconds": document.band_of(given.seconds),
        "steps_per_second": document.band_of(given.steps_per_second),
        "price": price and {**price, "currency": study.currency},
        "measured_seconds": given.measured,
        "refusal": document.refusal_of(given.refusal, say),
        "words": sentence,
    }
