# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers with their units, lists, and counted things. PRIVATE, can break at any time."""

from __future__ import annotations

from . import Texts

TEXTS: Texts = {
    "en": {
        "list": "{before} and {last}",
        "moment": "{year}-{month}-{day} {hour}:{minute} UTC",
        "percent": "{value} %",
        "percents": "{low}-{high} %",
        "seconds": "{value} s",
        "price": "{amount} {currency}",
        "speed": {"one": "{n} step/s", "other": "{n} steps/s"},
        "times": "{n} times",
        "interval": "{center} ({low}-{high})",
        "interval_unknown": "{center}",
        "against_percent": "{center} % ({low} to {high})",
        "against_percent_unknown": "{center} %",
        "against_times": "{times} ({low}-{high})",
        "against_times_unknown": "{times}",
        "cells": {"one": "{n} cell", "other": "{n} cells"},
        "recorded_runs": {"one": "{n} recorded run", "other": "{n} recorded runs"},
    },
    "pl": {
        "list": "{before} i {last}",
        "moment": "{day}.{month}.{year}, {hour}:{minute} UTC",
        "percent": "{value}%",
        "percents": "{low}–{high}%",
        "seconds": "{value} s",
        "price": "{amount} {currency}",
        "speed": {"one": "{n} krok/s", "few": "{n} kroki/s", "many": "{n} kroków/s", "other": "{n} kroku/s"},
        "times": {"one": "{n} raz", "few": "{n} razy", "many": "{n} razy", "other": "{n} raza"},
        "interval": "{center} ({low}–{high})",
        "interval_unknown": "{center}",
        "against_percent": "{center}% (od {low} do {high})",
        "against_percent_unknown": "{center}%",
        "against_times": "{times} ({low}–{high})",
        "against_times_unknown": "{times}",
        "cells": {"one": "{n} konfiguracja", "few": "{n} konfiguracje", "many": "{n} konfiguracji"},
        "recorded_runs": {
            "one": "{n} zapisany przebieg",
            "few": "{n} zapisane przebiegi",
            "many": "{n} zapisanych przebiegów",
        },
    },
}
