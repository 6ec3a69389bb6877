# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The thesis' claims and the findings on them. PRIVATE, can break at any time."""

from __future__ import annotations

from . import Texts

TEXTS: Texts = {
    "en": {
        "claims_heading": "Claims of the thesis",
        "column_claim": "claim",
        "column_place": "in the thesis",
        "column_group": "cells",
        "column_measured": "measured here",
        "column_ratio": "ratio (joint 95 % CI)",
        "column_limit": "true up to",
        "column_finding": "finding",
        "claim_place": {"one": "chapter {section}, figure {figures}", "other": "chapter {section}, figures {figures}"},
        "claim_clear_minimum": "On Kind the training time has a clear minimum in the number of workers.",
        "claim_minimum_at": "On Kind the least time is at 4 or 5 workers.",
        "claim_grows_beyond": "On Kind the time grows sharply beyond 4 or 5 workers.",
        "claim_up_to_three_nodes": "On Kind the least time falls considerably from 2 to 3 nodes.",
        "claim_beyond_three_nodes": "On Kind the least time is longer on 4 or more nodes than on 3.",
        "claim_ps_slight_fall": "On Kind the time falls with more ps.",
        "claim_ps_small": "On Kind the number of ps changes the time only slightly.",
        "claim_cloud_falls": "In the cloud the time on 3 or more nodes falls until there are 6 workers.",
        "claim_cloud_level": "In the cloud the time on 3 or more nodes stays level from 6 workers on.",
        "claim_cloud_two_nodes": "In the cloud the time on 2 nodes grows again with more workers.",
        "claim_cloud_more_nodes": "In the cloud more nodes give a shorter least time.",
        "claim_cloud_ps": "In the cloud the time falls considerably with more ps.",
        "claim_ps_never_slower": "More ps never make the training slower.",
        "claim_node_overhead": "Managing more nodes costs no considerable training time.",
        "claim_hyperbolic": "The time falls hyperbolically with workers at first: twice the workers take half the time.",
        "claim_node_cost": "More nodes for a shorter time cost about the same.",
        "measured_seconds": "training time of {over} over that of {under}",
        "measured_mean_seconds": {
            "one": "training time on {more} over that on {fewer}, in {n} size",
            "other": "training time on {more} over that on {fewer}, mean of {n} sizes",
        },
        "measured_worker_seconds": "workers times training time of {over} over those of {under}",
        "measured_node_seconds": "nodes times training time of {over} over those of {under}",
        "nodes_of_size": {"one": "{n} node", "other": "{n} nodes"},
        "needs_kind_workers": "needs 100 hidden units, fewer than 4 workers, 4 or 5, and more than 5",
        "needs_kind_three_nodes": "needs 100 hidden units, and 2 and 3 nodes with several numbers of workers",
        "needs_kind_four_nodes": "needs 100 hidden units, and 3 nodes and more with several numbers of workers",
        "needs_kind_ps": "needs 100 hidden units and several numbers of ps",
        "needs_cloud_workers": "needs 1000 hidden units, 3 nodes or more, fewer than 6 workers, 6, and more than 6",
        "needs_cloud_two_nodes": "needs 1000 hidden units, 2 nodes, fewer than 6 workers, 6, and more than 6",
        "needs_cloud_nodes": "needs 1000 hidden units, and several numbers of nodes and of workers",
        "needs_cloud_ps": "needs 1000 hidden units and several numbers of ps",
        "needs_ps": "needs several numbers of ps",
        "needs_nodes": "needs several numbers of nodes",
        "needs_double": "needs the fewest workers and twice as many",
        "needs_nodes_workers": "needs several numbers of nodes and of workers",
        "finding_confirmed": "confirmed",
        "finding_refuted": "refuted",
        "finding_cannot_tell": "cannot tell",
        "finding_not_measured": "not measured",
        "claim_line": "{finding}: {claim} Measured {ratio}, true up to {limit}: {measured}.",
        "claim_line_not_measured": "{finding}: {claim} It {needs}.",
        "method_claims": (
            "A claim of the thesis says that a ratio of training times, or the greatest or least of several, is at most a"
            " limit. It is confirmed if the whole interval is at or below the limit, and refuted if the whole interval is"
            " above it. A claim without a number in the thesis is read with a margin of {margin}. All intervals of a group"
            " hold together in 95 % of studies, so any verdict in the table is wrong in at most 5 %. The ratio in the table"
            " is the one that decides; the interval is that of the greatest or least. The thesis measured Kind on one"
            " machine with 8 processors, 1 processor a pod, 2000 steps, and the cloud on nodes with 4 processors, 200,000"
            " steps. The conditions of this study are in the next table."
        ),
    },
    "pl": {
        "claims_heading": "Tezy pracy dyplomowej",
        "column_claim": "teza",
        "column_place": "miejsce w pracy",
        "column_group": "konfiguracje",
        "column_measured": "zmierzono",
        "column_ratio": "iloraz (łączny 95% PU)",
        "column_limit": "prawdziwa do",
        "column_finding": "wynik",
        "claim_place": {
            "one": "rozdział {section}, rysunek {figures}",
            "few": "rozdział {section}, rysunki {figures}",
            "many": "rozdział {section}, rysunki {figures}",
        },
        "claim_clear_minimum": "Na Kind czas uczenia ma wyraźne minimum względem liczby workerów.",
        "claim_minimum_at": "Na Kind najkrótszy czas osiąga 4 lub 5 workerów.",
        "claim_grows_beyond": "Na Kind czas gwałtownie rośnie powyżej 4 lub 5 workerów.",
        "claim_up_to_three_nodes": "Na Kind najkrótszy czas znacząco spada między 2 a 3 węzłami.",
        "claim_beyond_three_nodes": "Na Kind najkrótszy czas na 4 lub więcej węzłach jest dłuższy niż na 3.",
        "claim_ps_slight_fall": "Na Kind czas spada wraz z liczbą ps.",
        "claim_ps_small": "Na Kind liczba ps zmienia czas tylko nieznacznie.",
        "claim_cloud_falls": "W chmurze czas na 3 lub więcej węzłach spada do 6 workerów.",
        "claim_cloud_level": "W chmurze czas na 3 lub więcej węzłach od 6 workerów utrzymuje się na jednym poziomie.",
        "claim_cloud_two_nodes": "W chmurze czas na 2 węzłach znów rośnie przy większej liczbie workerów.",
        "claim_cloud_more_nodes": "W chmurze większa liczba węzłów skraca najkrótszy czas.",
        "claim_cloud_ps": "W chmurze czas znacząco spada wraz z liczbą ps.",
        "claim_ps_never_slower": "Większa liczba ps nigdy nie spowalnia uczenia.",
        "claim_node_overhead": "Zarządzanie większą liczbą węzłów nie zajmuje znaczącego czasu uczenia.",
        "claim_hyperbolic": "Czas początkowo spada hiperbolicznie z liczbą workerów: dwa razy więcej workerów to połowa czasu.",
        "claim_node_cost": "Więcej węzłów przez krótszy czas kosztuje podobnie.",
        "measured_seconds": "czas uczenia {over} do czasu {under}",
        "measured_mean_seconds": {
            "one": "czas uczenia przy {more} do czasu przy {fewer}, {n} rozmiar",
            "few": "czas uczenia przy {more} do czasu przy {fewer}, średnia {n} rozmiarów",
            "many": "czas uczenia przy {more} do czasu przy {fewer}, średnia {n} rozmiarów",
        },
        "measured_worker_seconds": "liczba workerów razy czas uczenia {over} do iloczynu dla {under}",
        "measured_node_seconds": "liczba węzłów razy czas uczenia {over} do iloczynu dla {under}",
        "nodes_of_size": {"one": "{n} węźle", "few": "{n} węzłach", "many": "{n} węzłach"},
        "needs_kind_workers": "potrzeba 100 neuronów ukrytych, mniej niż 4 workerów, 4 lub 5 oraz więcej niż 5",
        "needs_kind_three_nodes": "potrzeba 100 neuronów ukrytych oraz 2 i 3 węzłów z kilkoma liczbami workerów",
        "needs_kind_four_nodes": "potrzeba 100 neuronów ukrytych oraz 3 i więcej węzłów z kilkoma liczbami workerów",
        "needs_kind_ps": "potrzeba 100 neuronów ukrytych i kilku liczb ps",
        "needs_cloud_workers": "potrzeba 1000 neuronów ukrytych, co najmniej 3 węzłów, mniej niż 6 workerów, 6 i więcej",
        "needs_cloud_two_nodes": "potrzeba 1000 neuronów ukrytych, 2 węzłów, mniej niż 6 workerów, 6 i więcej",
        "needs_cloud_nodes": "potrzeba 1000 neuronów ukrytych oraz kilku liczb węzłów i workerów",
        "needs_cloud_ps": "potrzeba 1000 neuronów ukrytych i kilku liczb ps",
        "needs_ps": "potrzeba kilku liczb ps",
        "needs_nodes": "potrzeba kilku liczb węzłów",
        "needs_double": "potrzeba najmniejszej liczby workerów i dwa razy większej",
        "needs_nodes_workers": "potrzeba kilku liczb węzłów i workerów",
        "finding_confirmed": "potwierdzona",
        "finding_refuted": "obalona",
        "finding_cannot_tell": "nierozstrzygnięta",
        "finding_not_measured": "niezmierzona",
        "claim_line": "{finding}: {claim} Zmierzono {ratio}, prawdziwa do {limit}: {measured}.",
        "claim_line_not_measured": "{finding}: {claim} Do pomiaru {needs}.",
        "method_claims": (
            "Teza pracy dyplomowej mówi, że iloraz czasów uczenia albo największy lub najmniejszy z kilku ilorazów nie"
            " przekracza granicy. Jest potwierdzona, gdy cały przedział leży na granicy lub poniżej niej, a obalona, gdy"
            " cały leży powyżej. Tezę, która w pracy nie ma liczby, odczytano z marginesem {margin}. Wszystkie przedziały"
            " grupy są jednoczesne w 95% badań, więc jakikolwiek wynik w tabeli jest błędny w najwyżej 5%. W tabeli podano"
            " iloraz rozstrzygający; przedział dotyczy największego lub najmniejszego z ilorazów. W pracy środowisko Kind"
            " działało na jednej maszynie z 8 procesorami (1 procesor na pod, 2000 kroków), a chmura na węzłach z 4"
            " procesorami (200 000 kroków). Warunki tego badania podaje następna tabela."
        ),
    },
}
