# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that stand in the place of those with workers, where a framework has processes and no ps. PRIVATE, can break at any time."""

from __future__ import annotations

from . import Texts

INSTEAD: Texts = {
    "en": {
        "part_workers": {"one": "{n} process", "other": "{n} processes"},
        "because_knee_last": "Up to here each added process gained at least {gain}.",
        "because_knee_first": "No added process is certain to gain {gain}.",
        "because_knee_largest": "Each added process gained at least {gain}, up to the largest size measured.",
        "because_gain_beyond": "Beyond it, up to {cell}, each added process changes the speed by {change}.",
        "because_maybe_gain": "It is not decided whether each added process gains as much up to {cell}: the speed changes by {change}.",
        "cause_workers": "The processes are at their CPU limit ({limit}).",
        "cause_workers_throttled": "The processes are throttled by their CPU limit ({limit}).",
        "cause_held_back_workers": "The CPU limit throttles the processes for {share} of the time.",
        "cause_latency_without_ps": "Nothing is full ({known}): processes wait for each other.",
        "latency_workers": "the processes' limit {share}",
        "remedy_processors_local": "A bigger machine helps, more processes do not.",
        "remedy_processors_nodes": "More or bigger nodes help, more processes do not.",
        "remedy_others_local": "Fewer other programs or a bigger machine help, more processes do not.",
        "remedy_others_nodes": "Fewer other programs or more nodes help, more processes do not.",
        "remedy_workers": "More processes or a higher limit ({variable}) help.",
        "short_workers": "processes' CPU limit {share}",
        "scaling_heading": "Training time and processes",
        "fact_workers": "processes",
        "title_time_workers": "Training time against processes",
        "title_speed_workers": "Speed against processes",
        "title_speed_up_workers": "Speed-up against processes",
        "title_worker_time": "Where the time of the processes goes",
        "title_to_accuracy_workers": "Time to accuracy against processes",
        "axis_workers": "processes",
        "caption_speed_up": (
            "How many times as fast as the fewest processes of the same line. Dotted: the perfect line, twice as fast with twice the"
            " processes. Bars: 95 % intervals."
        ),
        "column_knee": "knee [processes] (95 % CI)",
        "column_peak": "peak [processes] (95 % CI)",
        "held_out": "{cell} by up to {by} processes: {predicted}, measured {measured}",
        "no_law_one_size": "only one number of processes was measured ({sizes}), and a law needs {needed}",
        "no_law_few_sizes": {
            "one": "only {n} number of processes was measured ({sizes}), and a law needs {needed}",
            "other": "only {n} numbers of processes were measured ({sizes}), and a law needs {needed}",
        },
        "station_workers": "limit of processes",
        "tip_speed_up": "{cell}: {gain} times as fast with {times} times the processes ({share})",
        "tip_speed_up_between": "{cell}: {gain} times as fast (95 % CI {low}-{high}) with {times} times the processes ({share})",
    },
    "pl": {
        "part_workers": {"one": "{n} procesem", "few": "{n} procesami", "many": "{n} procesami"},
        "because_knee_last": "Do tej liczby każdy dodany proces dawał co najmniej {gain} szybkości.",
        "because_knee_first": "Żaden dodany proces nie daje na pewno {gain} szybkości.",
        "because_knee_largest": "Każdy dodany proces dawał co najmniej {gain} szybkości, aż do największej zmierzonej liczby.",
        "because_gain_beyond": "Dalej, do konfiguracji {cell}, każdy dodany proces zmienia szybkość o {change}.",
        "because_maybe_gain": "Nie jest rozstrzygnięte, czy każdy dodany proces daje tyle do konfiguracji {cell}: szybkość zmienia się o {change}.",
        "cause_workers": "Procesy wyczerpują swój limit CPU ({limit}).",
        "cause_workers_throttled": "Procesy są dławione przez swój limit CPU ({limit}).",
        "cause_held_back_workers": "Limit CPU dławi procesy przez {share} czasu.",
        "cause_latency_without_ps": "Żaden zasób nie jest w pełni obciążony ({known}): procesy czekają na siebie nawzajem.",
        "latency_workers": "limit procesów {share}",
        "remedy_processors_local": "Pomoże większa maszyna, a nie więcej procesów.",
        "remedy_processors_nodes": "Pomoże więcej węzłów lub większe węzły, a nie więcej procesów.",
        "remedy_others_local": "Pomoże mniej innych programów lub większa maszyna, a nie więcej procesów.",
        "remedy_others_nodes": "Pomoże mniej innych programów lub więcej węzłów, a nie więcej procesów.",
        "remedy_workers": "Pomoże więcej procesów lub wyższy limit ({variable}).",
        "short_workers": "limit CPU procesów {share}",
        "scaling_heading": "Czas uczenia i liczba procesów",
        "fact_workers": "procesy",
        "title_time_workers": "Czas uczenia w zależności od liczby procesów",
        "title_speed_workers": "Szybkość uczenia w zależności od liczby procesów",
        "title_speed_up_workers": "Przyspieszenie w zależności od liczby procesów",
        "title_worker_time": "Podział czasu procesów",
        "title_to_accuracy_workers": "Czas do dokładności w zależności od liczby procesów",
        "axis_workers": "liczba procesów",
        "caption_speed_up": (
            "Ile razy szybciej niż przy najmniejszej liczbie procesów tej samej linii. Linia kropkowana: przyspieszenie idealne, dwa"
            " razy szybciej przy dwa razy większej liczbie procesów. Słupki: przedziały ufności 95%."
        ),
        "column_knee": "kolano [procesy] (95% PU)",
        "column_peak": "minimum czasu [procesy] (95% PU)",
        "held_out": "{cell} na podstawie do {by} procesów: {predicted}, zmierzono {measured}",
        "no_law_one_size": "zmierzono tylko jedną liczbę procesów ({sizes}), a prawo potrzebuje {needed}",
        "no_law_few_sizes": {
            "one": "zmierzono tylko {n} liczbę procesów ({sizes}), a prawo potrzebuje {needed}",
            "few": "zmierzono tylko {n} liczby procesów ({sizes}), a prawo potrzebuje {needed}",
            "many": "zmierzono tylko {n} liczb procesów ({sizes}), a prawo potrzebuje {needed}",
        },
        "station_workers": "limit procesów",
        "tip_speed_up": "{cell}: {gain} raza szybciej; procesów {times} raza więcej ({share})",
        "tip_speed_up_between": "{cell}: {gain} raza szybciej (95% PU {low}–{high}); procesów {times} raza więcej ({share})",
    },
}
