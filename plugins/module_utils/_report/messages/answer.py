# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision and its reasons. PRIVATE, can break at any time."""

from __future__ import annotations

from . import Texts

TEXTS: Texts = {
    "en": {
        "group_answer": "{group}: {answer}",
        "cell": "{parts}",
        "part_workers": {"one": "{n} worker", "other": "{n} workers"},
        "part_nodes": {"one": "{n} node", "other": "{n} nodes"},
        "part_ps": "{n} ps",
        "nothing_recorded": "Cannot tell: no run has been recorded.",
        "take": "Take {cell}: {time}.",
        "take_priced": "Take {cell}: {time}, {price} a run.",
        "because_all_void": {
            "one": "Cannot tell: the only run is void (the last: {reason}).",
            "other": "Cannot tell: all {n} runs are void (the last: {reason}).",
        },
        "because_too_few_runs": {
            "one": "Cannot tell yet: no cell has {least} valid runs. The lowest time so far is {time}, with {cell} ({n} run).",
            "other": "Cannot tell yet: no cell has {least} valid runs. The lowest time so far is {time}, with {cell} ({n} runs).",
        },
        "because_none_reached": (
            "Cannot tell: no cell reached the target accuracy in every run. More steps (training_steps) or a lower target"
            " (training_target_accuracy) would tell."
        ),
        "because_unreached": {
            "one": "{cell} did not reach {target} within {steps} steps in its only run.",
            "other": "{cell} did not reach {target} within {steps} steps in {missed} of {n} runs.",
        },
        "because_unreached_slower": {
            "one": "{cell} did not reach {target} within {steps} steps in its only run, and took at least {bound} times as long.",
            "other": (
                "{cell} did not reach {target} within {steps} steps in {missed} of {n} runs, and took at least {bound} times as"
                " long in the others."
            ),
        },
        "because_unreached_rest": {
            "one": "{n} more cell did not reach it in every run.",
            "other": "{n} more cells did not reach it in every run.",
        },
        "because_factors": {
            "one": "It takes {n} step of {milliseconds} ms.",
            "other": "It takes {n} steps of {milliseconds} ms each.",
        },
        "because_no_price": "Cannot tell the costs: no cell has {least} runs with a known price (report_prices).",
        "because_none_meets_seconds": "No cell is certain (95 %) to take at most {seconds}. The fastest, {cell}, takes {time}.",
        "because_none_meets_cost": "No cell is certain (95 %) to cost at most {cost} a run. The cheapest, {cell}, costs {price}.",
        "because_none_meets_both": (
            "No cell is certain (95 %) to take at most {seconds} and to cost at most {cost} a run. The fastest, "
            "{cell}, takes {time}."
        ),
        "because_meets_seconds_smallest": "It is the smallest cell that is certain (95 %) to take at most {seconds}.",
        "because_meets_both_smallest": "It is the smallest cell that is certain (95 %) to take at most {seconds} and to cost at most {cost} a run.",
        "because_meets_seconds_cheapest": "It has the lowest cost of the cells that are certain (95 %) to take at most {seconds}.",
        "because_meets_both_cheapest": (
            "It has the lowest cost of the cells that are certain (95 %) to take at most {seconds} and to cost at most {cost} a run."
        ),
        "because_meets_cost_cheapest": "It has the lowest cost of the cells that are certain (95 %) to cost at most {cost} a run.",
        "because_meets_cost_fastest": "It has the lowest time of the cells that are certain (95 %) to cost at most {cost} a run.",
        "because_smallest_as_fast": (
            "It is smaller than the fastest, {cell}, and as fast within {margin} ({range} times as long). The ratios "
            "here are to the fastest."
        ),
        "because_as_fast": {
            "one": "{cell} is as fast within {margin} ({range} times as long).",
            "other": "{cell} are as fast within {margin} ({range} times as long).",
        },
        "because_as_fast_cells": "{cells} are as fast within {margin} ({range} times as long).",
        "because_as_fast_count": {
            "one": "{n} other cell is as fast within {margin} ({range} times as long).",
            "other": "{n} other cells are as fast within {margin} ({range} times as long).",
        },
        "because_not_faster": {
            "one": "{cell} is not significantly faster ({range} times as long).",
            "other": "{cell} are not significantly faster ({range} times as long).",
        },
        "because_not_faster_cells": "{cells} are not significantly faster ({range} times as long).",
        "because_not_faster_count": {
            "one": "{n} other cell is not significantly faster ({range} times as long).",
            "other": "{n} other cells are not significantly faster ({range} times as long).",
        },
        "because_maybe_as_fast": {
            "one": "It is not decided whether {cell} is as fast ({range} times as long).",
            "other": "It is not decided whether {cell} are as fast ({range} times as long).",
        },
        "because_maybe_as_fast_cells": "It is not decided whether {cells} are as fast ({range} times as long).",
        "because_maybe_as_fast_count": {
            "one": "It is not decided whether {n} other cell is as fast ({range} times as long).",
            "other": "It is not decided whether {n} other cells are as fast ({range} times as long).",
        },
        "because_unknown": {
            "one": "{cell} has too few valid runs to tell.",
            "other": "{cell} have too few valid runs to tell.",
        },
        "because_unknown_cells": "{cells} have too few valid runs to tell.",
        "because_unknown_count": {
            "one": "{n} other cell has too few valid runs to tell.",
            "other": "{n} other cells have too few valid runs to tell.",
        },
        "because_as_cheap": {
            "one": "{cell} is as cheap within {margin} ({range} times the cost).",
            "other": "{cell} are as cheap within {margin} ({range} times the cost).",
        },
        "because_as_cheap_cells": "{cells} are as cheap within {margin} ({range} times the cost).",
        "because_as_cheap_count": {
            "one": "{n} other cell is as cheap within {margin} ({range} times the cost).",
            "other": "{n} other cells are as cheap within {margin} ({range} times the cost).",
        },
        "because_not_cheaper": {
            "one": "{cell} is not significantly cheaper ({range} times the cost).",
            "other": "{cell} are not significantly cheaper ({range} times the cost).",
        },
        "because_not_cheaper_cells": "{cells} are not significantly cheaper ({range} times the cost).",
        "because_not_cheaper_count": {
            "one": "{n} other cell is not significantly cheaper ({range} times the cost).",
            "other": "{n} other cells are not significantly cheaper ({range} times the cost).",
        },
        "because_maybe_meets": {
            "one": "It is not decided whether {cell} keeps to it.",
            "other": "It is not decided whether {cell} keep to it.",
        },
        "because_maybe_meets_cells": "It is not decided whether {cells} keep to it.",
        "because_maybe_meets_count": {
            "one": "It is not decided whether {n} other cell keeps to it.",
            "other": "It is not decided whether {n} other cells keep to it.",
        },
        "because_slower_percent": {
            "one": "{cell} is {center} % slower ({low}-{high} %).",
            "other": "{cell} are {center} % slower ({low}-{high} %).",
        },
        "because_slower_times": {
            "one": "{cell} takes {times} as long ({low}-{high}).",
            "other": "{cell} take {times} as long ({low}-{high}).",
        },
        "because_slower_rest": {
            "one": "{n} more cell takes {range} times as long.",
            "other": "{n} more cells take {range} times as long.",
        },
        "because_dearer_percent": {
            "one": "{cell} is {center} % dearer ({low}-{high} %).",
            "other": "{cell} are {center} % dearer ({low}-{high} %).",
        },
        "because_dearer_times": {
            "one": "{cell} costs {times} as much ({low}-{high}).",
            "other": "{cell} cost {times} as much ({low}-{high}).",
        },
        "because_dearer_rest": {
            "one": "{n} more cell costs {range} times as much.",
            "other": "{n} more cells cost {range} times as much.",
        },
        "because_alone": "There is no other cell to compare with.",
        "because_fastest": "It is the fastest cell.",
        "because_cheapest": "It is the cheapest cell.",
        "because_cost_of_fastest": "The fastest, {cell}, takes {time} and costs {price} a run.",
        "cheapest_is": "The cheapest, {cell}, costs {price} a run.",
        "because_knee_last": "Up to here each added worker gained at least {gain}.",
        "because_knee_first": "No added worker is certain to gain {gain}.",
        "because_knee_largest": "Each added worker gained at least {gain}, up to the largest size measured.",
        "because_gain_beyond": "Beyond it, up to {cell}, each added worker changes the speed by {change}.",
        "because_maybe_gain": "It is not decided whether each added worker gains as much up to {cell}: the speed changes by {change}.",
        "because_searched": "It is the size for the goal {goal} (autosize).",
        "because_maybe_better": {
            "one": "It is not decided whether {cell} is better.",
            "other": "It is not decided whether {cell} are better.",
        },
        "because_maybe_better_cells": "It is not decided whether {cells} are better.",
        "because_maybe_better_count": {
            "one": "It is not decided whether {n} other cell is better.",
            "other": "It is not decided whether {n} other cells are better.",
        },
        "because_more_blocks": "More blocks ({variable}) would tell.",
        "suspect_some": {
            "one": "{n} of {runs} runs is suspect; without it the answer is the same.",
            "other": "{n} of {runs} runs are suspect; without them the answer is the same.",
        },
        "suspect_all": {"one": "The only run is suspect.", "other": "All {n} runs are suspect."},
        "suspect_unknown": {
            "one": "{n} of {runs} runs is suspect; too few others are left to compare {cells} without it.",
            "other": "{n} of {runs} runs are suspect; too few others are left to compare {cells} without them.",
        },
        "suspect_matters": {
            "one": "{n} of {runs} runs is suspect, and it matters: without it {changes}.",
            "other": "{n} of {runs} runs are suspect, and they matter: without them {changes}.",
        },
        "would_slower": "{cell} would be slower",
        "would_slower_cells": "{cells} would be slower",
        "would_slower_count": {"one": "{n} other cell would be slower", "other": "{n} other cells would be slower"},
        "would_tied": "{cell} would be not significantly different from the fastest",
        "would_tied_cells": "{cells} would be not significantly different from the fastest",
        "would_tied_count": {
            "one": "{n} other cell would be not significantly different from the fastest",
            "other": "{n} other cells would be not significantly different from the fastest",
        },
        "would_fastest": "{cell} would be the fastest",
        "range": "{low}-{high}",
        "interval_seconds": "{center} s ({low}-{high})",
        "interval_seconds_unknown": "{center} s",
        "interval_to_accuracy": "{center} s ({low}-{high}) to the accuracy {target}",
        "interval_to_accuracy_unknown": "{center} s to the accuracy {target}",
    },
    "pl": {
        "group_answer": "{group}: {answer}",
        "cell": "z {parts}",
        "part_workers": {"one": "{n} workerem", "few": "{n} workerami", "many": "{n} workerami"},
        "part_nodes": {"one": "{n} węzłem", "few": "{n} węzłami", "many": "{n} węzłami"},
        "part_ps": "{n} ps",
        "nothing_recorded": "Nie można rozstrzygnąć: nie zapisano żadnego przebiegu.",
        "take": "Wybierz konfigurację {cell}: {time}.",
        "take_priced": "Wybierz konfigurację {cell}: {time}, {price} za przebieg.",
        "because_all_void": {
            "one": "Nie można rozstrzygnąć: jedyny przebieg jest nieważny (powód: {reason}).",
            "few": "Nie można rozstrzygnąć: wszystkie przebiegi ({n}) są nieważne (ostatni powód: {reason}).",
            "many": "Nie można rozstrzygnąć: wszystkie przebiegi ({n}) są nieważne (ostatni powód: {reason}).",
        },
        "because_too_few_runs": {
            "one": (
                "Jeszcze nie można rozstrzygnąć: żadna konfiguracja nie ma {least} ważnych przebiegów. Najkrótszy dotąd "
                "czas to {time}, konfiguracja {cell} ({n} przebieg)."
            ),
            "few": (
                "Jeszcze nie można rozstrzygnąć: żadna konfiguracja nie ma {least} ważnych przebiegów. Najkrótszy dotąd "
                "czas to {time}, konfiguracja {cell} ({n} przebiegi)."
            ),
            "many": (
                "Jeszcze nie można rozstrzygnąć: żadna konfiguracja nie ma {least} ważnych przebiegów. Najkrótszy dotąd "
                "czas to {time}, konfiguracja {cell} ({n} przebiegów)."
            ),
        },
        "because_none_reached": (
            "Nie można rozstrzygnąć: żadna konfiguracja nie osiągnęła zadanej dokładności we wszystkich przebiegach. Rozstrzygnęłoby to"
            " więcej kroków (training_steps) lub niższy cel (training_target_accuracy)."
        ),
        "because_unreached": {
            "one": "Konfiguracja {cell} nie osiągnęła {target} w {steps} krokach w jedynym przebiegu.",
            "few": "Konfiguracja {cell} nie osiągnęła {target} w {steps} krokach w {missed} z {n} przebiegów.",
            "many": "Konfiguracja {cell} nie osiągnęła {target} w {steps} krokach w {missed} z {n} przebiegów.",
        },
        "because_unreached_slower": {
            "one": "Konfiguracja {cell} nie osiągnęła {target} w {steps} krokach w jedynym przebiegu i potrzebowała co najmniej {bound} raza tyle czasu.",
            "few": (
                "Konfiguracja {cell} nie osiągnęła {target} w {steps} krokach w {missed} z {n} przebiegów, a w pozostałych potrzebowała co"
                " najmniej {bound} raza tyle czasu."
            ),
            "many": (
                "Konfiguracja {cell} nie osiągnęła {target} w {steps} krokach w {missed} z {n} przebiegów, a w pozostałych potrzebowała co"
                " najmniej {bound} raza tyle czasu."
            ),
        },
        "because_unreached_rest": {
            "one": "{n} kolejna konfiguracja nie osiągnęła jej we wszystkich przebiegach.",
            "few": "{n} kolejne konfiguracje nie osiągnęły jej we wszystkich przebiegach.",
            "many": "{n} kolejnych konfiguracji nie osiągnęło jej we wszystkich przebiegach.",
        },
        "because_factors": {
            "one": "To {n} krok po {milliseconds} ms.",
            "few": "To {n} kroki po {milliseconds} ms.",
            "many": "To {n} kroków po {milliseconds} ms.",
            "other": "To {n} kroku po {milliseconds} ms.",
        },
        "because_no_price": "Nie można podać kosztów: żadna konfiguracja nie ma {least} przebiegów o znanej cenie (report_prices).",
        "because_none_meets_seconds": "Żadna konfiguracja nie mieści się na pewno (95%) w czasie {seconds}. Najszybsza, {cell}, potrzebuje {time}.",
        "because_none_meets_cost": "Żadna konfiguracja nie mieści się na pewno (95%) w koszcie {cost} za przebieg. Najtańsza, {cell}, kosztuje {price}.",
        "because_none_meets_both": (
            "Żadna konfiguracja nie mieści się na pewno (95%) w czasie {seconds} i w koszcie {cost} za przebieg. "
            "Najszybsza, {cell}, potrzebuje {time}."
        ),
        "because_meets_seconds_smallest": "Najmniejsza z konfiguracji, które na pewno (95%) mieszczą się w czasie {seconds}.",
        "because_meets_both_smallest": "Najmniejsza z konfiguracji, które na pewno (95%) mieszczą się w czasie {seconds} i w koszcie {cost} za przebieg.",
        "because_meets_seconds_cheapest": "Ma najniższy koszt z konfiguracji, które na pewno (95%) mieszczą się w czasie {seconds}.",
        "because_meets_both_cheapest": (
            "Ma najniższy koszt z konfiguracji, które na pewno (95%) mieszczą się w czasie {seconds} i w koszcie {cost} za przebieg."
        ),
        "because_meets_cost_cheapest": "Ma najniższy koszt z konfiguracji, które na pewno (95%) mieszczą się w koszcie {cost} za przebieg.",
        "because_meets_cost_fastest": "Ma najkrótszy czas z konfiguracji, które na pewno (95%) mieszczą się w koszcie {cost} za przebieg.",
        "because_smallest_as_fast": (
            "Jest mniejsza od najszybszej konfiguracji {cell} i równie szybka w granicach {margin} ({range} jej "
            "czasu). Ilorazy podano względem najszybszej."
        ),
        "because_as_fast": "Konfiguracja {cell} jest równie szybka w granicach {margin} ({range} czasu najszybszej).",
        "because_as_fast_cells": "Konfiguracje {cells} są równie szybkie w granicach {margin} ({range} czasu najszybszej).",
        "because_as_fast_count": {
            "one": "{n} inna konfiguracja są równie szybkie w granicach {margin} ({range} czasu najszybszej).",
            "few": "{n} inne konfiguracje są równie szybkie w granicach {margin} ({range} czasu najszybszej).",
            "many": "{n} innych konfiguracji jest równie szybkich w granicach {margin} ({range} czasu najszybszej).",
        },
        "because_not_faster": "Konfiguracja {cell} nie jest istotnie szybsza ({range} czasu najszybszej).",
        "because_not_faster_cells": "Konfiguracje {cells} nie są istotnie szybsze ({range} czasu najszybszej).",
        "because_not_faster_count": {
            "one": "{n} inna konfiguracja nie są istotnie szybsze ({range} czasu najszybszej).",
            "few": "{n} inne konfiguracje nie są istotnie szybsze ({range} czasu najszybszej).",
            "many": "{n} innych konfiguracji nie jest istotnie szybszych ({range} czasu najszybszej).",
        },
        "because_maybe_as_fast": "Nie jest rozstrzygnięte, czy mniejsza konfiguracja {cell} jest równie szybka ({range} czasu najszybszej).",
        "because_maybe_as_fast_cells": "Nie jest rozstrzygnięte, czy mniejsze konfiguracje {cells} są równie szybkie ({range} czasu najszybszej).",
        "because_maybe_as_fast_count": {
            "one": "Nie jest rozstrzygnięte, czy {n} inna konfiguracja są równie szybkie ({range} czasu najszybszej).",
            "few": "Nie jest rozstrzygnięte, czy {n} inne konfiguracje są równie szybkie ({range} czasu najszybszej).",
            "many": "Nie jest rozstrzygnięte, czy {n} innych konfiguracji jest równie szybkich ({range} czasu najszybszej).",
        },
        "because_unknown": "Konfiguracja {cell} ma za mało ważnych przebiegów.",
        "because_unknown_cells": "Konfiguracje {cells} mają za mało ważnych przebiegów.",
        "because_unknown_count": {
            "one": "{n} inna konfiguracja mają za mało ważnych przebiegów.",
            "few": "{n} inne konfiguracje mają za mało ważnych przebiegów.",
            "many": "{n} innych konfiguracji ma za mało ważnych przebiegów.",
        },
        "because_as_cheap": "Konfiguracja {cell} jest równie tania w granicach {margin} ({range} kosztu najtańszej).",
        "because_as_cheap_cells": "Konfiguracje {cells} są równie tanie w granicach {margin} ({range} kosztu najtańszej).",
        "because_as_cheap_count": {
            "one": "{n} inna konfiguracja są równie tanie w granicach {margin} ({range} kosztu najtańszej).",
            "few": "{n} inne konfiguracje są równie tanie w granicach {margin} ({range} kosztu najtańszej).",
            "many": "{n} innych konfiguracji jest równie tanich w granicach {margin} ({range} kosztu najtańszej).",
        },
        "because_not_cheaper": "Konfiguracja {cell} nie jest istotnie tańsza ({range} kosztu najtańszej).",
        "because_not_cheaper_cells": "Konfiguracje {cells} nie są istotnie tańsze ({range} kosztu najtańszej).",
        "because_not_cheaper_count": {
            "one": "{n} inna konfiguracja nie są istotnie tańsze ({range} kosztu najtańszej).",
            "few": "{n} inne konfiguracje nie są istotnie tańsze ({range} kosztu najtańszej).",
            "many": "{n} innych konfiguracji nie jest istotnie tańszych ({range} kosztu najtańszej).",
        },
        "because_maybe_meets": "Nie jest rozstrzygnięte, czy mieści się w tym konfiguracja {cell}.",
        "because_maybe_meets_cells": "Nie jest rozstrzygnięte, czy mieszczą się w tym konfiguracje {cells}.",
        "because_maybe_meets_count": {
            "one": "Nie jest rozstrzygnięte, czy mieszczą się w tym {n} inna konfiguracja.",
            "few": "Nie jest rozstrzygnięte, czy mieszczą się w tym {n} inne konfiguracje.",
            "many": "Nie jest rozstrzygnięte, czy mieści się w tym {n} innych konfiguracji.",
        },
        "because_slower_percent": "Konfiguracja {cell} jest wolniejsza o {center}% ({low}–{high}%).",
        "because_slower_times": "Konfiguracja {cell} potrzebuje {times} tyle czasu ({low}–{high}).",
        "because_slower_rest": {
            "one": "{n} kolejna konfiguracja potrzebuje {range} raza tyle czasu.",
            "few": "{n} kolejne konfiguracje potrzebują {range} raza tyle czasu.",
            "many": "{n} kolejnych konfiguracji potrzebuje {range} raza tyle czasu.",
        },
        "because_dearer_percent": "Konfiguracja {cell} jest droższa o {center}% ({low}–{high}%).",
        "because_dearer_times": "Konfiguracja {cell} kosztuje {times} tyle ({low}–{high}).",
        "because_dearer_rest": {
            "one": "{n} kolejna konfiguracja kosztuje {range} raza tyle.",
            "few": "{n} kolejne konfiguracje kosztują {range} raza tyle.",
            "many": "{n} kolejnych konfiguracji kosztuje {range} raza tyle.",
        },
        "because_alone": "Nie ma innej konfiguracji do porównania.",
        "because_fastest": "To najszybsza konfiguracja.",
        "because_cheapest": "To najtańsza konfiguracja.",
        "because_cost_of_fastest": "Najszybsza konfiguracja, {cell}, potrzebuje {time} i kosztuje {price} za przebieg.",
        "cheapest_is": "Najtańsza konfiguracja, {cell}, kosztuje {price} za przebieg.",
        "because_knee_last": "Do tej liczby każdy dodany worker dawał co najmniej {gain} szybkości.",
        "because_knee_first": "Żaden dodany worker nie daje na pewno {gain} szybkości.",
        "because_knee_largest": "Każdy dodany worker dawał co najmniej {gain} szybkości, aż do największej zmierzonej liczby.",
        "because_gain_beyond": "Dalej, do konfiguracji {cell}, każdy dodany worker zmienia szybkość o {change}.",
        "because_maybe_gain": "Nie jest rozstrzygnięte, czy każdy dodany worker daje tyle do konfiguracji {cell}: szybkość zmienia się o {change}.",
        "because_searched": "To rozmiar dla celu {goal} (autosize).",
        "because_maybe_better": "Nie jest rozstrzygnięte, czy konfiguracja {cell} jest lepsza.",
        "because_maybe_better_cells": "Nie jest rozstrzygnięte, czy konfiguracje {cells} są lepsze.",
        "because_maybe_better_count": {
            "one": "Nie jest rozstrzygnięte, czy {n} inna konfiguracja jest lepsza.",
            "few": "Nie jest rozstrzygnięte, czy {n} inne konfiguracje są lepsze.",
            "many": "Nie jest rozstrzygnięte, czy {n} innych konfiguracji jest lepszych.",
        },
        "because_more_blocks": "Rozstrzygnęłoby to więcej bloków ({variable}).",
        "suspect_some": {
            "one": "{n} z {runs} przebiegów jest wątpliwy; bez niego odpowiedź jest taka sama.",
            "few": "{n} z {runs} przebiegów są wątpliwe; bez nich odpowiedź jest taka sama.",
            "many": "{n} z {runs} przebiegów jest wątpliwych; bez nich odpowiedź jest taka sama.",
        },
        "suspect_all": {
            "one": "Jedyny przebieg jest wątpliwy.",
            "few": "Wszystkie przebiegi ({n}) są wątpliwe.",
            "many": "Wszystkie przebiegi ({n}) są wątpliwe.",
        },
        "suspect_unknown": {
            "one": "{n} z {runs} przebiegów jest wątpliwy; bez niego zostaje ich za mało do porównania: {cells}.",
            "few": "{n} z {runs} przebiegów są wątpliwe; bez nich zostaje ich za mało do porównania: {cells}.",
            "many": "{n} z {runs} przebiegów jest wątpliwych; bez nich zostaje ich za mało do porównania: {cells}.",
        },
        "suspect_matters": {
            "one": "{n} z {runs} przebiegów jest wątpliwy i ma to znaczenie: bez niego {changes}.",
            "few": "{n} z {runs} przebiegów są wątpliwe i ma to znaczenie: bez nich {changes}.",
            "many": "{n} z {runs} przebiegów jest wątpliwych i ma to znaczenie: bez nich {changes}.",
        },
        "would_slower": "konfiguracja {cell} byłaby wolniejsza",
        "would_slower_cells": "konfiguracje {cells} byłyby wolniejsze",
        "would_slower_count": {
            "one": "{n} inna konfiguracja byłaby wolniejsza",
            "few": "{n} inne konfiguracje byłyby wolniejsze",
            "many": "{n} innych konfiguracji byłoby wolniejszych",
        },
        "would_tied": "konfiguracja {cell} nie różniłaby się istotnie od najszybszej",
        "would_tied_cells": "konfiguracje {cells} nie różniłyby się istotnie od najszybszej",
        "would_tied_count": {
            "one": "{n} inna konfiguracja nie różniłaby się istotnie od najszybszej",
            "few": "{n} inne konfiguracje nie różniłyby się istotnie od najszybszej",
            "many": "{n} innych konfiguracji nie różniłoby się istotnie od najszybszej",
        },
        "would_fastest": "najszybsza byłaby konfiguracja {cell}",
        "range": "{low}–{high}",
        "interval_seconds": "{center} s ({low}–{high})",
        "interval_seconds_unknown": "{center} s",
        "interval_to_accuracy": "{center} s ({low}–{high}) do dokładności {target}",
        "interval_to_accuracy_unknown": "{center} s do dokładności {target}",
    },
}
