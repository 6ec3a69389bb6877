# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Laws, their parameters, why they do not speak, and predictions. PRIVATE, can break at any time."""

from __future__ import annotations

from . import Texts

TEXTS: Texts = {
    "en": {
        "laws_heading": "Laws of the training time",
        "column_curve": "curve",
        "column_law": "law",
        "column_parameters": "parameters (95 % CI)",
        "column_aicc": "AICc",
        "column_knee": "knee [workers] (95 % CI)",
        "column_peak": "peak [workers] (95 % CI)",
        "column_held_out": "the largest size, predicted without it; or why no law speaks",
        "column_no_law": "why no law speaks",
        "law_none": "none",
        "law_amdahl": "Amdahl",
        "law_usl": "USL (Gunther)",
        "law_queueing": "queueing",
        "law_ps_aware": "workers and ps",
        "by_law_amdahl": "Amdahl's law",
        "by_law_usl": "the USL",
        "by_law_queueing": "the queueing law",
        "by_law_ps_aware": "the ps-aware regression",
        "by_law_at_bound": "{law} ({bounds})",
        "parameter": "{name} = {center} ({low}-{high})",
        "parameter_at_bound": "{name} = {center} ({low}-{high}, at its bound)",
        "parameter_seconds": "{name} = {center} s ({low}-{high})",
        "parameter_seconds_at_bound": "{name} = {center} s ({low}-{high}, at its bound)",
        "band_open": "{center} ({low} or more)",
        "band_none": "none",
        "band_none_below": "none ({low} or more)",
        "band_seconds": "{center} s ({low}-{high})",
        "band_speed": {"one": "{n} step/s ({low}-{high})", "other": "{n} steps/s ({low}-{high})"},
        "band_price": "{center} {currency} ({low}-{high})",
        "held_out": "{cell} by up to {by} workers: {predicted}, measured {measured}",
        "held_out_more": {"one": "{n} more prediction holds", "other": "{n} more predictions hold"},
        "prediction": "{size}: {time}, {speed}, by {laws}.",
        "prediction_priced": "{size}: {time}, {speed}, {price}, by {laws}.",
        "prediction_measured": "{size}: {time}, {speed}, measured {measured}, by {laws}.",
        "prediction_priced_measured": "{size}: {time}, {speed}, {price}, measured {measured}, by {laws}.",
        "prediction_refused": "{size}: no prediction, {why}.",
        "no_law_one_size": "only one number of workers was measured ({sizes}), and a law needs {needed}",
        "no_law_few_sizes": {
            "one": "only {n} number of workers was measured ({sizes}), and a law needs {needed}",
            "other": "only {n} numbers of workers were measured ({sizes}), and a law needs {needed}",
        },
        "no_law_few_blocks": {
            "one": "ps={ps} workers={workers} has {n} valid run, and a law needs {needed} of each cell",
            "other": "ps={ps} workers={workers} has {n} valid runs, and a law needs {needed} of each cell",
        },
        "no_law_equal_times": "all times are {seconds} s, with {sizes} workers alike: they tell nothing of what workers share",
        "no_law_missed": (
            "these data do not tell what happens beyond {workers} workers: by the times of up to {by} workers and {law},"
            " {workers} workers take {center} s ({low}-{high}), and {measured} s were measured (ps={ps})"
        ),
        "no_law_no_law": "no law can be fitted to these runs",
        "no_law_beyond": "workers is {workers}, and laws speak up to {most}, 4 times the largest number measured ({largest})",
        "no_law_below": "workers is {workers}, and laws speak from a quarter of the smallest number measured ({smallest})",
        "no_law_no_ps": "ps is {ps}, and the laws that may speak know of ps={known} only",
        "no_law_no_steps": "its records do not tell how many steps a run makes",
        "no_law_no_nodes": "nodes is {nodes}, and nodes={known} were measured: no law tells of others",
        "no_law_no_queueing": (
            "processors is {processors}, and only the queueing law tells of other processors, which does not hold here"
        ),
        "no_law_saturates": "with {workers} workers something would be full that is full in no measured size ({station})",
        "no_law_no_processors": "processors is {processors}, and the processors of the nodes were not measured",
    },
    "pl": {
        "laws_heading": "Prawa czasu uczenia",
        "column_curve": "krzywa",
        "column_law": "prawo",
        "column_parameters": "parametry (95% PU)",
        "column_aicc": "AICc",
        "column_knee": "kolano [workery] (95% PU)",
        "column_peak": "minimum czasu [workery] (95% PU)",
        "column_held_out": "największy rozmiar przewidziany bez niego lub powód braku prawa",
        "column_no_law": "powód braku prawa",
        "law_none": "brak",
        "law_amdahl": "Amdahla",
        "law_usl": "USL (Gunthera)",
        "law_queueing": "kolejek",
        "law_ps_aware": "workerów i ps",
        "by_law_amdahl": "prawa Amdahla",
        "by_law_usl": "prawa USL",
        "by_law_queueing": "prawa kolejek",
        "by_law_ps_aware": "regresji workerów i ps",
        "by_law_at_bound": "{law} ({bounds})",
        "parameter": "{name} = {center} ({low}–{high})",
        "parameter_at_bound": "{name} = {center} ({low}–{high}, na granicy)",
        "parameter_seconds": "{name} = {center} s ({low}–{high})",
        "parameter_seconds_at_bound": "{name} = {center} s ({low}–{high}, na granicy)",
        "band_open": "{center} ({low} lub więcej)",
        "band_none": "brak",
        "band_none_below": "brak ({low} lub więcej)",
        "band_seconds": "{center} s ({low}–{high})",
        "band_speed": {
            "one": "{n} krok/s ({low}–{high})",
            "few": "{n} kroki/s ({low}–{high})",
            "many": "{n} kroków/s ({low}–{high})",
            "other": "{n} kroku/s ({low}–{high})",
        },
        "band_price": "{center} {currency} ({low}–{high})",
        "held_out": "{cell} na podstawie do {by} workerów: {predicted}, zmierzono {measured}",
        "held_out_more": {
            "one": "{n} kolejne przewidywanie jest trafne",
            "few": "{n} kolejne przewidywania są trafne",
            "many": "{n} kolejnych przewidywań jest trafnych",
        },
        "prediction": "{size}: {time}, {speed}, według {laws}.",
        "prediction_priced": "{size}: {time}, {speed}, {price}, według {laws}.",
        "prediction_measured": "{size}: {time}, {speed}, zmierzono {measured}, według {laws}.",
        "prediction_priced_measured": "{size}: {time}, {speed}, {price}, zmierzono {measured}, według {laws}.",
        "prediction_refused": "{size}: brak przewidywania, {why}.",
        "no_law_one_size": "zmierzono tylko jedną liczbę workerów ({sizes}), a prawo potrzebuje {needed}",
        "no_law_few_sizes": {
            "one": "zmierzono tylko {n} liczbę workerów ({sizes}), a prawo potrzebuje {needed}",
            "few": "zmierzono tylko {n} liczby workerów ({sizes}), a prawo potrzebuje {needed}",
            "many": "zmierzono tylko {n} liczb workerów ({sizes}), a prawo potrzebuje {needed}",
        },
        "no_law_few_blocks": {
            "one": "konfiguracja ps={ps} workers={workers} ma {n} ważny przebieg, a prawo potrzebuje {needed} w każdej konfiguracji",
            "few": "konfiguracja ps={ps} workers={workers} ma {n} ważne przebiegi, a prawo potrzebuje {needed} w każdej konfiguracji",
            "many": "konfiguracja ps={ps} workers={workers} ma {n} ważnych przebiegów, a prawo potrzebuje {needed} w każdej konfiguracji",
        },
        "no_law_equal_times": (
            "wszystkie czasy wynoszą {seconds} s przy każdej liczbie workerów ({sizes}): nic nie mówią o tym, co workery dzielą"
        ),
        "no_law_missed": (
            "te dane nie mówią, co dzieje się powyżej {workers} workerów: na podstawie czasów do {by} workerów i {law} czas dla"
            " {workers} workerów to {center} s ({low}–{high}), a zmierzono {measured} s (ps={ps})"
        ),
        "no_law_no_law": "żadnego prawa nie da się dopasować do tych przebiegów",
        "no_law_beyond": "workers to {workers}, a prawa sięgają do {most}, czterokrotności największej zmierzonej liczby ({largest})",
        "no_law_below": "workers to {workers}, a prawa sięgają od jednej czwartej najmniejszej zmierzonej liczby ({smallest})",
        "no_law_no_ps": "ps to {ps}, a prawa, którym wolno mówić, znają tylko ps={known}",
        "no_law_no_steps": "zapisy nie mówią, ile kroków ma uruchomienie",
        "no_law_no_nodes": "nodes to {nodes}, a zmierzono nodes={known}: o innych żadne prawo nie mówi",
        "no_law_no_queueing": (
            "processors to {processors}, a o innych procesorach mówi tylko prawo kolejek, które tu nie obowiązuje"
        ),
        "no_law_saturates": (
            "przy liczbie workerów {workers} byłoby w pełni obciążone coś, co nie jest w pełni obciążone w żadnym zmierzonym"
            " rozmiarze ({station})"
        ),
        "no_law_no_processors": "processors to {processors}, a procesorów węzłów nie zmierzono",
    },
}
