# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A study beside others. PRIVATE, can break at any time."""

from __future__ import annotations

from . import Texts

TEXTS: Texts = {
    "en": {
        "compared_cell": "{cell}: {verdict}, {ratio} times the time of {baseline} ({runs}, 95 % CI {low}-{high})",
        "compared_cell_unknown": "{cell}: {verdict}, {ratio} times the time of {baseline} ({runs})",
        "compared_cell_calibrated": (
            "{cell}: {verdict}, {ratio} times the time of {baseline} ({runs}, 95 % CI {low}-{high}), in times of the calibration"
            " kernel (measured {measured})"
        ),
        "compared_cell_calibrated_unknown": (
            "{cell}: {verdict}, {ratio} times the time of {baseline} ({runs}), in times of the calibration kernel (measured"
            " {measured})"
        ),
        "compared_runs": {"one": "{here} and {n} run", "other": "{here} and {n} runs"},
        "compared_slower": "slower",
        "compared_faster": "faster",
        "compared_same": "same",
        "compared_cannot_tell": "cannot tell",
        "not_compared": "{why}: not compared with {baseline}",
        "unlike": "{cell} has {field} {here} here and {there} there",
        "unlike_censored": "{cell} did not reach the target accuracy in {here} of {of_here} runs here and in {there} of {of_there} there",
        "unlike_none": "none",
        "compared_all": "{study} against {baselines}: {counts} (same: within {margin})",
        "count_slower": {"one": "{n} slower", "other": "{n} slower"},
        "count_faster": {"one": "{n} faster", "other": "{n} faster"},
        "count_same": {"one": "{n} same", "other": "{n} same"},
        "count_cannot_tell": {"one": "{n} cannot tell", "other": "{n} cannot tell"},
        "count_not_compared": {"one": "{n} not compared", "other": "{n} not compared"},
    },
    "pl": {
        "compared_cell": "{cell}: {verdict}, {ratio} czasu z badania {baseline} ({runs}, 95% PU {low}–{high})",
        "compared_cell_unknown": "{cell}: {verdict}, {ratio} czasu z badania {baseline} ({runs})",
        "compared_cell_calibrated": (
            "{cell}: {verdict}, {ratio} czasu z badania {baseline} ({runs}, 95% PU {low}–{high}), w czasach programu"
            " kalibracyjnego (zmierzono {measured})"
        ),
        "compared_cell_calibrated_unknown": (
            "{cell}: {verdict}, {ratio} czasu z badania {baseline} ({runs}), w czasach programu kalibracyjnego (zmierzono"
            " {measured})"
        ),
        "compared_runs": {
            "one": "{here} i {n} przebieg",
            "few": "{here} i {n} przebiegi",
            "many": "{here} i {n} przebiegów",
        },
        "compared_slower": "wolniejsza",
        "compared_faster": "szybsza",
        "compared_same": "równie szybka",
        "compared_cannot_tell": "nierozstrzygnięte",
        "not_compared": "{why}: bez porównania z badaniem {baseline}",
        "unlike": "{cell} ma {field} {here} tutaj, a {there} tam",
        "unlike_censored": (
            "{cell} nie osiąga docelowej dokładności w {here} z {of_here} przebiegów tutaj i w {there} z {of_there} tam"
        ),
        "unlike_none": "brak",
        "compared_all": "{study} względem {baselines}: {counts} (równie szybka: w granicach {margin})",
        "count_slower": {"one": "{n} wolniejsza", "few": "{n} wolniejsze", "many": "{n} wolniejszych"},
        "count_faster": {"one": "{n} szybsza", "few": "{n} szybsze", "many": "{n} szybszych"},
        "count_same": {"one": "{n} równie szybka", "few": "{n} równie szybkie", "many": "{n} równie szybkich"},
        "count_cannot_tell": {
            "one": "{n} nierozstrzygnięta",
            "few": "{n} nierozstrzygnięte",
            "many": "{n} nierozstrzygniętych",
        },
        "count_not_compared": {
            "one": "{n} bez porównania",
            "few": "{n} bez porównania",
            "many": "{n} bez porównania",
        },
    },
}
