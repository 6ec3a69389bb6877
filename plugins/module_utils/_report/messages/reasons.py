# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reasons of verdicts. Records have them in English, in the words of _study/records/validity.py. PRIVATE, can break at any time."""

from __future__ import annotations

from . import Texts

TEXTS: Texts = {
    "en": {
        "no_reason": "no reason was recorded",
        "reason_exited": "{replica} exited with code {code}",
        "reason_exited_after": "{replica} exited with code {code} after step {step}",
        "reason_killed": "{replica} was killed by signal {signal}",
        "reason_killed_after": "{replica} was killed by signal {signal} after step {step}",
        "reason_deadline": "the deadline passed, {seconds} after the start",
        "reason_deadline_after": "the deadline passed after step {step}, {seconds} after the start",
        "reason_foreign_nodes": "pods ran on {nodes}, which is not among the active nodes {active}",
        "reason_images": "the replicas ran {count} different images: {images}",
        "reason_old_checkpoint": "training began at step {step}, not at 0: an old checkpoint was found",
        "reason_short": "training ended at step {steps} of {wanted}",
        "reason_no_evaluation": (
            "worker-0.log tells no evaluation (accuracy, step and time), so that nobody knows whether the accuracy reached {target}"
        ),
        "reason_steal": "CPU steal was {share} of the machine, more than {most}",
        "reason_foreign_load": "foreign load took {share} of the machine, more than {most}",
        "reason_throttled": "{who} was held back by its CPU limit for {share} of its training, more than {most}",
        "reason_drift": "the calibration kernel took {times} times the median of the study, which is more than {most} away",
        "reason_skew": "the workers' start lines lie {skew} apart, {share} of the training, more than {most}",
        "reason_rise": (
            "the speed rose by {share} or more from each quarter of the steps to the next, more than {most}: no steady state"
        ),
        "reason_clock_back": "the clock of worker 0 went back by {seconds}",
        "reason_clock_jump": "the clocks of {who} disagree: its time of day moved by {seconds} against the clock that never jumps",
        "reason_clock_before": "the clock of worker {index} is {seconds} before that of worker 0",
        "reason_clock_behind": "the clock of worker {index} is {seconds} behind that of worker 0",
        "reason_clock_outside": "the clock of {who} is {seconds} off that of the run",
        "reason_accuracy": "the accuracy is {accuracy}, but every sound training of {of} reaches {floor} in {steps} steps",
    },
    "pl": {
        "no_reason": "nie zapisano powodu",
        "reason_exited": "{replica} zakończył się z kodem {code}",
        "reason_exited_after": "{replica} zakończył się z kodem {code} po kroku {step}",
        "reason_killed": "{replica} został zabity sygnałem {signal}",
        "reason_killed_after": "{replica} został zabity sygnałem {signal} po kroku {step}",
        "reason_deadline": "minął limit czasu, {seconds} po starcie",
        "reason_deadline_after": "minął limit czasu po kroku {step}, {seconds} po starcie",
        "reason_foreign_nodes": "pody działały na {nodes}, czyli nie na aktywnych węzłach {active}",
        "reason_images": "repliki uruchomiono z różnych obrazów ({count}): {images}",
        "reason_old_checkpoint": "uczenie zaczęło się od kroku {step}, a nie od 0: znaleziono stary punkt kontrolny",
        "reason_short": "uczenie zakończyło się na kroku {steps} z {wanted}",
        "reason_no_evaluation": (
            "worker-0.log nie zawiera ewaluacji (dokładność, krok i czas), więc nie wiadomo, czy dokładność osiągnęła {target}"
        ),
        "reason_steal": "inne maszyny wirtualne zabrały {share} czasu procesorów (CPU steal), więcej niż {most}",
        "reason_foreign_load": "inne programy zajęły {share} maszyny, więcej niż {most}",
        "reason_throttled": "{who} był wstrzymywany przez swój limit CPU przez {share} czasu uczenia, więcej niż {most}",
        "reason_drift": (
            "program kalibracyjny trwał {times} raza tyle, ile wynosi mediana badania, czyli różni się o więcej niż {most}"
        ),
        "reason_skew": "linie startu workerów dzieli {skew}, czyli {share} czasu uczenia, więcej niż {most}",
        "reason_rise": "szybkość rosła z każdą ćwiartką kroków o co najmniej {share}, więcej niż {most}: brak stanu ustalonego",
        "reason_clock_back": "zegar workera 0 cofnął się o {seconds}",
        "reason_clock_jump": (
            "zegary repliki {who} są niezgodne: pora dnia przesunęła się o {seconds} względem zegara, który nigdy nie skacze"
        ),
        "reason_clock_before": "zegar workera {index} spieszy się o {seconds} względem workera 0",
        "reason_clock_behind": "zegar workera {index} spóźnia się o {seconds} względem workera 0",
        "reason_clock_outside": "zegar repliki {who} różni się o {seconds} od zegara przebiegu",
        "reason_accuracy": "dokładność wynosi {accuracy}, a każde poprawne uczenie {of} osiąga {floor} w {steps} krokach",
    },
}
