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
        "title_speed_up_workers": "Speed-up against workers",
        "title_run_time": "Where the time of a run goes",
        "title_worker_time": "Where the time of the workers goes",
        "title_utilisation": "How full the stations are",
        "title_cost": "Cost of a run against training time",
        "title_cost_to_accuracy": "Cost of a run against time to accuracy",
        "title_noise": "Noise between and within blocks",
        "title_to_accuracy_workers": "Time to accuracy against workers",
        "title_to_accuracy_ps": "Time to accuracy against parameter servers",
        "title_to_accuracy_nodes": "Time to accuracy against nodes",
        "title_accuracy_time": "Accuracy against time",
        "title_search": "The path of the search",
        "title_panel": "{title}, {panel}",
        "axis_workers": "workers",
        "axis_ps": "parameter servers",
        "axis_nodes": "nodes",
        "axis_time": "training time [s]",
        "axis_speed": "speed [global steps/s]",
        "axis_speed_up": "times as fast",
        "axis_run_time": "median time of a run [s]",
        "axis_worker_time": "share of the training time",
        "axis_utilisation": "utilisation",
        "axis_cost": "cost of a run [{currency}]",
        "axis_block": "block",
        "axis_noise": "against the cell's median",
        "axis_search": "workers, in the order tried",
        "caption_search": "The sizes from left to right in the order in which autosize tried them.",
        "axis_to_accuracy": "time to accuracy [s]",
        "caption_to_accuracy": "Lower is better. Runs that did not reach the target accuracy are not drawn.",
        "axis_accuracy": "accuracy on the test set",
        "axis_accuracy_time": "time since the start line [s]",
        "caption_accuracy": (
            "Lines: medians over the runs of a cell; bands: the lowest and the highest run. A run that has ended keeps its last accuracy."
            " Dotted: the target. Dots: runs at their first evaluation at or above it."
        ),
        "caption_accuracy_censored": {
            "one": "{n} run did not reach the target and has no dot.",
            "other": "{n} runs did not reach the target and have no dot.",
        },
        "caption_accuracy_first": "Drawn are the {drawn} of {cells} cells that reach it first.",
        "tip_reached": "{cell}, block {block}: reached after {time}",
        "caption_time": "Lower is better.",
        "caption_speed": "Higher is better.",
        "caption_marks": "Small dots: runs (hollow: suspect). Large marks: medians, bars: 95 % intervals.",
        "caption_time_ceilings": "Long dashes: the least time, at which processors, ps or link would be full.",
        "caption_speed_ceilings": "Long dashes: ceilings, at which processors, ps or link are full.",
        "caption_thesis_workers": "A line for each number of nodes, as in figures 6.1 and 6.3 of the thesis.",
        "caption_thesis_ps": "A line for each number of nodes, as in figures 6.2 and 6.4 of the thesis.",
        "caption_speed_up": (
            "How many times as fast as the fewest workers of the same line. Dotted: the perfect line, twice as fast with twice the"
            " workers. Bars: 95 % intervals."
        ),
        "caption_run_time": (
            "Medians of start-up (deploy to start line), training (start line to last step) and the rest (evaluation, exit)."
        ),
        "caption_worker_time": (
            "Means over the runs of all workers' training time: the worker's own operations, waiting for the ps "
            "(parameters and gradients on their way, and in step for the other workers), input, telemetry, and held "
            "up by limits of processors."
        ),
        "caption_utilisation": (
            "Busy share of the training time of each station, medians over the runs. From {full} on (dotted) a station counts as"
            " full: then the others wait for it."
        ),
        "caption_cost": (
            "Lower left is better. The line joins the cells that no other cell beats in both time and cost (the Pareto front)."
            " Small dots: runs (hollow: suspect). Large marks: medians."
        ),
        "caption_cost_missed": {
            "one": "{n} cell does not always reach the target accuracy and is not drawn.",
            "other": "{n} cells do not always reach the target accuracy and are not drawn.",
        },
        "caption_noise": (
            "Each dot is a run: its training time over the median of its cell (hollow: suspect). A line that goes up and down is"
            " drift of the machine between blocks, which comparisons cancel; the dots around it are what no block can cancel."
        ),
        "caption_kernel": "The calibration kernel is a fixed piece of work before each run: where it goes with the line, the machine changed.",
        "caption_laws": "Shaded: the 95 % band in which a measurement would lie by {laws}; short dashes: sizes not measured.",
        "caption_no_law": "No law speaks about other sizes: {why}.",
        "caption_no_law_of": "No law speaks for {lines}: {why}.",
        "caption_no_law_table": "No law speaks for {lines}: the table of laws says why.",
        "caption_thinned": "{drawn} of {runs} runs are drawn: of each cell the lowest, the highest and evenly between.",
        "caption_fastest_only": "The {drawn} fastest of {cells} cells.",
        "line_blocks": "runs (median of the block)",
        "line_kernel": "calibration kernel",
        "on_front": "on the Pareto front",
        "off_front": "beaten in both",
        "part_run_startup": "start-up",
        "part_run_training": "training",
        "part_run_rest": "rest",
        "part_worker_compute": "computing",
        "part_worker_ps": "waiting for ps or workers",
        "part_worker_input": "input",
        "part_worker_telemetry": "telemetry",
        "part_worker_throttled": "throttled",
        "station_processors": "processors",
        "station_ps": "ps",
        "station_workers": "limit of workers",
        "station_shared": "shared processors",
        "station_link": "link",
        "full_processors": "processors full",
        "full_ps": "ps full",
        "full_link": "link full",
        "tip_run_valid": "{cell}, block {block}: {value}",
        "tip_run_suspect": "{cell}, block {block}: {value}, suspect",
        "tip_time": "{cell}: median {center} s (95 % CI {low}-{high}), n = {runs}",
        "tip_time_unknown": "{cell}: median {center} s, n = {runs}",
        "tip_to_accuracy": "{cell}: median {center} s (95 % CI {low}-{high}), n = {runs}",
        "tip_to_accuracy_unknown": "{cell}: median {center} s, n = {runs}",
        "tip_speed": {
            "one": "{cell}: median {n} step/s (95 % CI {low}-{high}), n = {runs}",
            "other": "{cell}: median {n} steps/s (95 % CI {low}-{high}), n = {runs}",
        },
        "tip_speed_unknown": {
            "one": "{cell}: median {n} step/s, n = {runs}",
            "other": "{cell}: median {n} steps/s, n = {runs}",
        },
        "tip_speed_up": "{cell}: {gain} times as fast with {times} the workers ({share})",
        "tip_speed_up_between": "{cell}: {gain} times as fast (95 % CI {low}-{high}) with {times} the workers ({share})",
        "tip_ceiling_processors": "processors full at {speed}, by the demand of {cell}",
        "tip_ceiling_ps": "ps full at {speed}, by the demand of {cell}",
        "tip_ceiling_link": "link full at {speed}, by the demand of {cell}",
        "tip_law": "ps={ps} workers={workers}, not measured: {time} (95 % band {low}-{high}) by {law}",
        "tip_part": "{cell}: {part} {value}",
        "tip_station": "{cell}: {station} {used}",
        "tip_station_named": "{cell}: {station} {used} ({name})",
        "tip_cost": "{cell}: median {time}, {cost}",
        "tip_cost_of_run": "{time}, {cost}",
        "tip_noise_line": "block {block}: median {change} %",
        "tip_noise_kernel": "block {block}: calibration kernel {change} %",
        "tip_noise_run": "{time}, {change} %",
    },
    "pl": {
        "title_time_workers": "Czas uczenia w zależności od liczby workerów",
        "title_time_ps": "Czas uczenia w zależności od liczby serwerów parametrów",
        "title_time_nodes": "Czas uczenia w zależności od liczby węzłów",
        "title_speed_workers": "Szybkość uczenia w zależności od liczby workerów",
        "title_speed_up_workers": "Przyspieszenie w zależności od liczby workerów",
        "title_run_time": "Podział czasu przebiegu",
        "title_worker_time": "Podział czasu workerów",
        "title_utilisation": "Obciążenie stanowisk obsługi",
        "title_cost": "Koszt przebiegu w zależności od czasu uczenia",
        "title_cost_to_accuracy": "Koszt przebiegu w zależności od czasu do dokładności",
        "title_noise": "Szum między blokami i wewnątrz bloków",
        "title_to_accuracy_workers": "Czas do dokładności w zależności od liczby workerów",
        "title_to_accuracy_ps": "Czas do dokładności w zależności od liczby serwerów parametrów",
        "title_to_accuracy_nodes": "Czas do dokładności w zależności od liczby węzłów",
        "title_accuracy_time": "Dokładność w zależności od czasu",
        "title_search": "Droga poszukiwania",
        "title_panel": "{title}, {panel}",
        "axis_workers": "liczba workerów",
        "axis_ps": "liczba serwerów parametrów",
        "axis_nodes": "liczba węzłów",
        "axis_time": "czas uczenia [s]",
        "axis_speed": "szybkość [kroki globalne/s]",
        "axis_speed_up": "ile razy szybciej",
        "axis_run_time": "mediana czasu przebiegu [s]",
        "axis_worker_time": "udział w czasie uczenia",
        "axis_utilisation": "obciążenie",
        "axis_cost": "koszt przebiegu [{currency}]",
        "axis_block": "blok",
        "axis_noise": "względem mediany konfiguracji",
        "axis_search": "liczba workerów w kolejności prób",
        "caption_search": "Rozmiary od lewej do prawej w kolejności, w jakiej próbował ich autosize.",
        "axis_to_accuracy": "czas do dokładności [s]",
        "caption_to_accuracy": "Mniej znaczy lepiej. Przebiegi, które nie osiągnęły docelowej dokładności, nie są narysowane.",
        "axis_accuracy": "dokładność na zbiorze testowym",
        "axis_accuracy_time": "czas od linii startu [s]",
        "caption_accuracy": (
            "Linie: mediany przebiegów konfiguracji; pasma: najniższy i najwyższy przebieg. Przebieg zakończony zachowuje ostatnią"
            " dokładność. Kropkowana: cel. Punkty: przebiegi w chwili pierwszej oceny nie gorszej od celu."
        ),
        "caption_accuracy_censored": {
            "one": "{n} przebieg nie osiągnął celu i nie ma punktu.",
            "few": "{n} przebiegi nie osiągnęły celu i nie mają punktów.",
            "many": "{n} przebiegów nie osiągnęło celu i nie ma punktów.",
        },
        "caption_accuracy_first": "Narysowano {drawn} z {cells} konfiguracji: te, które osiągają go najwcześniej.",
        "tip_reached": "{cell}, blok {block}: cel osiągnięty po {time}",
        "caption_time": "Mniej znaczy lepiej.",
        "caption_speed": "Więcej znaczy lepiej.",
        "caption_marks": "Małe punkty: przebiegi (puste: wątpliwe). Duże znaki: mediany, słupki: przedziały ufności 95%.",
        "caption_time_ceilings": "Długie kreski: najkrótszy możliwy czas, przy którym procesory, ps lub łącze byłyby w pełni obciążone.",
        "caption_speed_ceilings": "Długie kreski: granice, przy których procesory, ps lub łącze są w pełni obciążone.",
        "caption_thesis_workers": "Osobna linia dla każdej liczby węzłów, jak na rysunkach 6.1 i 6.3 pracy dyplomowej.",
        "caption_thesis_ps": "Osobna linia dla każdej liczby węzłów, jak na rysunkach 6.2 i 6.4 pracy dyplomowej.",
        "caption_speed_up": (
            "Ile razy szybciej niż przy najmniejszej liczbie workerów tej samej linii. Linia kropkowana: przyspieszenie idealne, dwa"
            " razy szybciej przy dwa razy większej liczbie workerów. Słupki: przedziały ufności 95%."
        ),
        "caption_run_time": (
            "Mediany czasu uruchamiania (od wdrożenia do linii startu), uczenia (od linii startu do ostatniego kroku)"
            " i reszty (ewaluacja, zakończenie)."
        ),
        "caption_worker_time": (
            "Średnie z przebiegów, jako udziały w czasie uczenia wszystkich workerów: własne obliczenia workera, "
            "czekanie na ps (przesyłanie parametrów i gradientów, a przy uczeniu synchronicznym także czekanie na "
            "inne workery), wczytywanie danych, telemetria oraz wstrzymanie przez limity procesora."
        ),
        "caption_utilisation": (
            "Udział czasu uczenia, w którym stanowisko jest zajęte, mediany z przebiegów. Od {full} (linia kropkowana) stanowisko uznaje"
            " się za w pełni obciążone: wtedy pozostałe na nie czekają."
        ),
        "caption_cost": (
            "Im bliżej lewego dolnego rogu, tym lepiej. Linia łączy konfiguracje, od których żadna inna nie jest zarazem szybsza i"
            " tańsza (front Pareto). Małe punkty: przebiegi (puste: wątpliwe). Duże znaki: mediany."
        ),
        "caption_cost_missed": {
            "one": "{n} konfiguracja nie zawsze osiąga docelową dokładność i nie jest narysowana.",
            "few": "{n} konfiguracje nie zawsze osiągają docelową dokładność i nie są narysowane.",
            "many": "{n} konfiguracji nie zawsze osiąga docelową dokładność i nie jest narysowanych.",
        },
        "caption_noise": (
            "Każdy punkt to przebieg: jego czas uczenia podzielony przez medianę jego konfiguracji (pusty: wątpliwy). Wahania linii to"
            " dryf maszyny między blokami, który porównania znoszą; rozrzutu punktów wokół niej żaden blok nie zniesie."
        ),
        "caption_kernel": (
            "Program kalibracyjny to stała praca przed każdym przebiegiem: gdzie zmienia się razem z linią, tam zmieniła się maszyna."
        ),
        "caption_laws": (
            "Obszar zacieniowany: przedział 95%, w którym według {laws} znalazłby się pomiar; krótkie kreski: rozmiary"
            " niezmierzone."
        ),
        "caption_no_law": "Żadne prawo nie mówi o innych rozmiarach: {why}.",
        "caption_no_law_of": "Dla {lines} nie mówi żadne prawo: {why}.",
        "caption_no_law_table": "Dla {lines} nie mówi żadne prawo: powody podaje tabela praw.",
        "caption_thinned": "Narysowano {drawn} z {runs} przebiegów: w każdej konfiguracji najniższy, najwyższy i równomiernie pomiędzy.",
        "caption_fastest_only": "Najszybsze konfiguracje: {drawn} z {cells}.",
        "line_blocks": "przebiegi (mediana bloku)",
        "line_kernel": "program kalibracyjny",
        "on_front": "na froncie Pareto",
        "off_front": "gorsza pod oboma względami",
        "part_run_startup": "uruchamianie",
        "part_run_training": "uczenie",
        "part_run_rest": "reszta",
        "part_worker_compute": "obliczenia",
        "part_worker_ps": "czekanie na ps lub workery",
        "part_worker_input": "dane wejściowe",
        "part_worker_telemetry": "telemetria",
        "part_worker_throttled": "dławienie",
        "station_processors": "procesory",
        "station_ps": "ps",
        "station_workers": "limit workerów",
        "station_shared": "wspólne procesory",
        "station_link": "łącze",
        "full_processors": "procesory pełne",
        "full_ps": "ps pełny",
        "full_link": "łącze pełne",
        "tip_run_valid": "{cell}, blok {block}: {value}",
        "tip_run_suspect": "{cell}, blok {block}: {value}, wątpliwy",
        "tip_time": "{cell}: mediana {center} s (95% PU {low}–{high}), n = {runs}",
        "tip_time_unknown": "{cell}: mediana {center} s, n = {runs}",
        "tip_to_accuracy": "{cell}: mediana {center} s (95% PU {low}–{high}), n = {runs}",
        "tip_to_accuracy_unknown": "{cell}: mediana {center} s, n = {runs}",
        "tip_speed": {
            "one": "{cell}: mediana {n} krok/s (95% PU {low}–{high}), n = {runs}",
            "few": "{cell}: mediana {n} kroki/s (95% PU {low}–{high}), n = {runs}",
            "many": "{cell}: mediana {n} kroków/s (95% PU {low}–{high}), n = {runs}",
            "other": "{cell}: mediana {n} kroku/s (95% PU {low}–{high}), n = {runs}",
        },
        "tip_speed_unknown": {
            "one": "{cell}: mediana {n} krok/s, n = {runs}",
            "few": "{cell}: mediana {n} kroki/s, n = {runs}",
            "many": "{cell}: mediana {n} kroków/s, n = {runs}",
            "other": "{cell}: mediana {n} kroku/s, n = {runs}",
        },
        "tip_speed_up": "{cell}: {gain} raza szybciej; workerów {times} więcej ({share})",
        "tip_speed_up_between": "{cell}: {gain} raza szybciej (95% PU {low}–{high}); workerów {times} więcej ({share})",
        "tip_ceiling_processors": "procesory pełne przy {speed}, według zapotrzebowania konfiguracji {cell}",
        "tip_ceiling_ps": "ps pełny przy {speed}, według zapotrzebowania konfiguracji {cell}",
        "tip_ceiling_link": "łącze pełne przy {speed}, według zapotrzebowania konfiguracji {cell}",
        "tip_law": "ps={ps} workers={workers}, nie zmierzono: {time} (przedział 95% {low}–{high}) według {law}",
        "tip_part": "{cell}: {part} {value}",
        "tip_station": "{cell}: {station} {used}",
        "tip_station_named": "{cell}: {station} {used} ({name})",
        "tip_cost": "{cell}: mediana {time}, {cost}",
        "tip_cost_of_run": "{time}, {cost}",
        "tip_noise_line": "blok {block}: mediana {change}%",
        "tip_noise_kernel": "blok {block}: program kalibracyjny {change}%",
        "tip_noise_run": "{time}, {change}%",
    },
}
