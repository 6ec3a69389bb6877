# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Titles, axes, captions and tooltips of the figures. PRIVATE, can break at any time."""

from __future__ import annotations

from . import Texts

TEXTS: Texts = {
    "en": {
        "title_time_workers": "Training time against workers",
        "title_time_ps": "Training time against parameter servers",
        "title_time_nodes": "Training time against nodes",
        "title_speed_workers": "Speed against workers",
        "title_efficiency_workers": "Efficiency against workers",
        "title_parts": "Where the time of a run goes",
        "title_shares": "Where the time of the workers goes",
        "title_panel": "{title}, {panel}",
        "axis_workers": "workers",
        "axis_ps": "parameter servers",
        "axis_nodes": "nodes",
        "axis_time": "training time [s]",
        "axis_speed": "speed [global steps/s]",
        "axis_efficiency": "share of the ideal speed-up",
        "axis_parts": "median time of a run [s]",
        "axis_shares": "share of the training time",
        "caption_time": "Lower is better. Small dots: runs (hollow: suspect). Large marks: medians, bars: 95 % intervals.",
        "caption_speed": "Higher is better. Small dots: runs (hollow: suspect). Large marks: medians, bars: 95 % intervals.",
        "caption_ideal": "Dotted: speed in proportion to workers.",
        "caption_ceilings": "Long dashes: ceilings, where processors, ps or link are full.",
        "caption_efficiency": (
            "The part that is left of the ideal speed-up over the fewest workers of the same line: at 100 % twice the"
            " workers are twice as fast. Bars: 95 % intervals."
        ),
        "caption_parts": "Medians of start-up (deploy to start line), training (start line to last step) and the rest (evaluation, exit).",
        "caption_shares": (
            "Means over the runs of all workers' training time: the worker's own operations, waiting for the ps "
            "(parameters and gradients on their way, and in step for the other workers), input, telemetry, and held "
            "up by limits of processors."
        ),
        "part_startup": "start-up",
        "part_training": "training",
        "part_rest": "rest",
        "share_compute": "computing",
        "share_ps": "waiting for ps or workers",
        "share_input": "input",
        "share_telemetry": "telemetry",
        "share_throttled": "throttled",
        "tip_run": "run",
        "tip_cell": "cell",
        "tip_value": "value",
        "tip_verdict": "verdict",
        "tip_median": "median",
        "tip_part": "part",
        "tip_time": "time",
        "tip_ceiling": "ceiling of",
        "tip_at_most": "at most",
        "run_in_block": "{cell}, block {block}",
        "median_time": "{center} s (95 % CI {low}-{high}), n = {runs}",
        "median_time_unknown": "{center} s, n = {runs}",
        "median_speed": "{center} steps/s (95 % CI {low}-{high}), n = {runs}",
        "median_speed_unknown": "{center} steps/s, n = {runs}",
        "efficiency_between": "{share} (95 % CI {between})",
        "part_of": "{part} of {whole}",
        "ceiling_processors": "processors",
        "ceiling_ps": "ps",
        "ceiling_link": "link",
        "ceiling_processors_full": "processors full",
        "ceiling_ps_full": "ps full",
        "ceiling_link_full": "link full",
        "ceiling_by": "{speed}, by the demand of {cell}",
    },
    "pl": {
        "title_time_workers": "Czas uczenia w zależności od liczby workerów",
        "title_time_ps": "Czas uczenia w zależności od liczby serwerów parametrów",
        "title_time_nodes": "Czas uczenia w zależności od liczby węzłów",
        "title_speed_workers": "Szybkość uczenia w zależności od liczby workerów",
        "title_efficiency_workers": "Efektywność w zależności od liczby workerów",
        "title_parts": "Na co schodzi czas przebiegu",
        "title_shares": "Na co schodzi czas workerów",
        "title_panel": "{title}, {panel}",
        "axis_workers": "liczba workerów",
        "axis_ps": "liczba serwerów parametrów",
        "axis_nodes": "liczba węzłów",
        "axis_time": "czas uczenia [s]",
        "axis_speed": "szybkość [kroki globalne/s]",
        "axis_efficiency": "część idealnego przyspieszenia",
        "axis_parts": "mediana czasu przebiegu [s]",
        "axis_shares": "udział w czasie uczenia",
        "caption_time": "Mniej znaczy lepiej. Małe punkty: przebiegi (puste: wątpliwe). Duże znaki: mediany, słupki: przedziały ufności 95%.",
        "caption_speed": "Więcej znaczy lepiej. Małe punkty: przebiegi (puste: wątpliwe). Duże znaki: mediany, słupki: przedziały ufności 95%.",
        "caption_ideal": "Linia kropkowana: szybkość proporcjonalna do liczby workerów.",
        "caption_ceilings": "Długie kreski: granice, przy których procesory, ps lub łącze są w pełni obciążone.",
        "caption_efficiency": (
            "Część, jaka zostaje z idealnego przyspieszenia względem najmniejszej liczby workerów tej samej linii: "
            "przy 100% dwa razy więcej workerów uczy dwa razy szybciej. Słupki: przedziały ufności 95%."
        ),
        "caption_parts": (
            "Mediany czasu uruchamiania (od wdrożenia do linii startu), uczenia (od linii startu do ostatniego kroku)"
            " i reszty (ewaluacja, zakończenie)."
        ),
        "caption_shares": (
            "Średnie z przebiegów, jako udziały w czasie uczenia wszystkich workerów: własne obliczenia workera, "
            "czekanie na ps (przesyłanie parametrów i gradientów, a przy uczeniu synchronicznym także czekanie na "
            "inne workery), wczytywanie danych, telemetria oraz wstrzymanie przez limity procesora."
        ),
        "part_startup": "uruchamianie",
        "part_training": "uczenie",
        "part_rest": "reszta",
        "share_compute": "obliczenia",
        "share_ps": "czekanie na ps lub workery",
        "share_input": "dane wejściowe",
        "share_telemetry": "telemetria",
        "share_throttled": "dławienie",
        "tip_run": "przebieg",
        "tip_cell": "konfiguracja",
        "tip_value": "wartość",
        "tip_verdict": "ocena",
        "tip_median": "mediana",
        "tip_part": "część",
        "tip_time": "czas",
        "tip_ceiling": "granica",
        "tip_at_most": "najwyżej",
        "run_in_block": "{cell}, blok {block}",
        "median_time": "{center} s (95% PU {low}–{high}), n = {runs}",
        "median_time_unknown": "{center} s, n = {runs}",
        "median_speed": "{center} kroku/s (95% PU {low}–{high}), n = {runs}",
        "median_speed_unknown": "{center} kroku/s, n = {runs}",
        "efficiency_between": "{share} (95% PU {between})",
        "part_of": "{part} z {whole}",
        "ceiling_processors": "procesory",
        "ceiling_ps": "ps",
        "ceiling_link": "łącze",
        "ceiling_processors_full": "procesory pełne",
        "ceiling_ps_full": "ps pełny",
        "ceiling_link_full": "łącze pełne",
        "ceiling_by": "{speed}, według zapotrzebowania konfiguracji {cell}",
    },
}
