# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Headings, key figures, design and method. PRIVATE, can break at any time."""

from __future__ import annotations

from . import Texts

TEXTS: Texts = {
    "en": {
        "title": "Study {study}",
        "subtitle_cluster": {"one": "cluster {clusters}", "other": "clusters {clusters}"},
        "answer_heading": "Answer",
        "scaling_heading": "Training time, workers and ps",
        "accuracy_heading": "Time to accuracy",
        "spent_heading": "Where the time goes",
        "cost_heading": "Cost",
        "noise_heading": "Noise floor",
        "filter": "Filter rows",
        "filter_rows": "{{shown}} of {{rows}} rows",
        "step_through": "The arrow keys go through its marks.",
        "more_logs": "and {n} more",
        "rows_left": {"one": "{n} more row is in {file}.", "other": "{n} more rows are in {file}."},
        "noise_spread": "{spread} %",
        "noise_of_cell": "{spread} % ({cell})",
        "noise_range": "{low} % to {high} %",
        "noise_of_kernel": "{seconds}, spread {spread} %",
        "fact_noise_within": "spread within cells",
        "fact_noise_worst": "largest spread of a cell",
        "fact_noise_drift": "drift between blocks",
        "fact_noise_rest": "spread without the drift",
        "fact_noise_kernel": "calibration kernel",
        "cells_heading": "Cells",
        "failed_heading": "Cells that failed",
        "void_heading": "Void runs",
        "suspect_heading": "Suspect runs",
        "nodes_heading": "Nodes",
        "method_heading": "Method",
        "provenance_heading": "Provenance",
        "design_heading": "Design and what was the same in every cell",
        "footer": "Made by tfscale.study. The same numbers:",
        "key_group": "{group}: {key}",
        "key_fastest": "fastest",
        "key_taken": "recommended",
        "key_cost": "cost",
        "key_cost_of": "a run of {cell}",
        "key_speed": "speed",
        "key_speed_of": {"one": "global step/s, {cell}", "other": "global steps/s, {cell}"},
        "key_cause": "cause",
        "key_accuracy": "accuracy",
        "key_accuracy_of": "median; lowest {lowest}",
        "key_startup": "start-up",
        "key_startup_of": "median, deploy to start line",
        "key_runs": "runs",
        "key_runs_none": "none",
        "key_runs_valid": {"one": "{n} valid", "other": "{n} valid"},
        "key_runs_suspect": {"one": "{n} suspect", "other": "{n} suspect"},
        "key_runs_void": {"one": "{n} void", "other": "{n} void"},
        "fact_design": "design",
        "fact_blocks": "blocks",
        "fact_seed": "seed",
        "fact_varied": "varied",
        "fact_records": "records",
        "fact_selected": "only those of {selected}",
        "fact_cluster": "cluster",
        "fact_provider": "provider",
        "fact_backend": "backend",
        "fact_nodes": "nodes",
        "fact_ps": "ps",
        "fact_workers": "workers",
        "fact_runtime": "runtime of the TrainJob",
        "fact_spread": "spread over nodes",
        "fact_strategy": "strategy",
        "fact_preset": "preset",
        "fact_model": "model",
        "fact_dataset": "dataset",
        "fact_variant": "variant",
        "fact_batch_size": "batch size",
        "fact_hidden_units": "hidden units",
        "fact_learning_rate": "learning rate",
        "fact_train_steps": "global steps",
        "fact_telemetry_every": "telemetry every (steps)",
        "fact_target_accuracy": "target accuracy",
        "fact_eval_every": "evaluation every (steps)",
        "fact_collection_version": "collection version",
        "fact_cpu_model": "processor",
        "fact_cpus": "processors",
        "fact_kernel": "kernel",
        "fact_hostname": "host name",
        "fact_recorded": "recorded",
        "fact_git_commit": "git commit",
        "fact_several": "{first} to {last} ({n} values)",
        "design_fixed": "randomised complete blocks: each block runs every cell once, in an order of its own",
        "design_adaptive": (
            "adaptive blocks: the first {first} run every cell, each later one (at most {last}) those that are open, "
            "in an order of its own"
        ),
        "design_search": "a search for a size (autosize): each block runs the sizes on which the search hangs, in an order of its own",
        "method_clock": (
            "Training time: the chief's monotonic clock from the start line (every ps and worker ready) to the step "
            "that reached the target. Start-up: from deploying the replicas to the start line. Speed-up: against the "
            "fewest workers with all else equal."
        ),
        "method_intervals": "A time is the median of a cell's runs with the 95 % t interval of their logarithms; fewer than 3 runs have no interval.",
        "method_compared": (
            "Cells are compared by the ratios of their geometric means over the blocks that they have in common, so "
            "that a drift of the machine between blocks cancels. Each cell has a variance of its own, moderated by "
            "those of all cells (Smyth 2004). The intervals beside the fastest cell are simultaneous: in 95 % of the "
            "studies all of them contain the truth. A cell is slower when its interval lies above 1. Slower cells "
            "leave, and the others are compared again (Holm 1979)."
        ),
        "method_fixed": "The number of blocks was fixed before the first run.",
        "method_adaptive": (
            "The number of blocks was not fixed: after each block from block {first} on the cells were compared. Each"
            " comparison spent a part of the 5 % (Lan and DeMets 1983), so that all of them together keep it. Each "
            "cell shows the interval of the comparison that closed it."
        ),
        "method_split": (
            "The cells of one number of nodes stayed together in a block and share the error of setting these nodes "
            "up. Cells with different numbers of nodes are therefore compared by the spread of their own differences "
            "between blocks (split plot)."
        ),
        "method_verdicts": (
            "Void runs (a replica failed or restarted, a wrong start, a deadline) never enter a figure or a number "
            "and are run again. Suspect runs (a disturbed machine, a doubtful clock, a training without steady state)"
            " enter both, drawn hollow; the answer says when they matter."
        ),
    },
    "pl": {
        "title": "Badanie {study}",
        "subtitle_cluster": {"one": "klaster {clusters}", "few": "klastry {clusters}", "many": "klastry {clusters}"},
        "answer_heading": "Odpowiedź",
        "scaling_heading": "Czas uczenia, workery i ps",
        "accuracy_heading": "Czas do osiągnięcia dokładności",
        "spent_heading": "Podział czasu",
        "cost_heading": "Koszt",
        "noise_heading": "Poziom szumu",
        "filter": "Filtruj wiersze",
        "filter_rows": "wiersze: {{shown}} z {{rows}}",
        "step_through": "Klawisze strzałek przechodzą przez kolejne znaki.",
        "more_logs": "i jeszcze {n}",
        "rows_left": {
            "one": "{n} kolejny wiersz jest w pliku {file}.",
            "few": "{n} kolejne wiersze są w pliku {file}.",
            "many": "{n} kolejnych wierszy jest w pliku {file}.",
        },
        "noise_spread": "{spread}%",
        "noise_of_cell": "{spread}% ({cell})",
        "noise_range": "od {low}% do {high}%",
        "noise_of_kernel": "{seconds}, rozrzut {spread}%",
        "fact_noise_within": "rozrzut w obrębie konfiguracji",
        "fact_noise_worst": "największy rozrzut konfiguracji",
        "fact_noise_drift": "dryf między blokami",
        "fact_noise_rest": "rozrzut bez dryfu",
        "fact_noise_kernel": "program kalibracyjny",
        "cells_heading": "Konfiguracje",
        "failed_heading": "Konfiguracje bez udanego przebiegu",
        "void_heading": "Przebiegi nieważne",
        "suspect_heading": "Przebiegi wątpliwe",
        "nodes_heading": "Węzły",
        "method_heading": "Metoda",
        "provenance_heading": "Pochodzenie wyników",
        "design_heading": "Plan badania i parametry wspólne dla wszystkich konfiguracji",
        "footer": "Raport wykonany przez tfscale.study. Te same liczby:",
        "key_group": "{group}: {key}",
        "key_fastest": "najszybsza",
        "key_taken": "zalecana",
        "key_cost": "koszt",
        "key_cost_of": "za przebieg, {cell}",
        "key_speed": "szybkość",
        "key_speed_of": {
            "one": "krok globalny na sekundę, {cell}",
            "few": "kroki globalne na sekundę, {cell}",
            "many": "kroków globalnych na sekundę, {cell}",
            "other": "kroku globalnego na sekundę, {cell}",
        },
        "key_cause": "przyczyna",
        "key_accuracy": "dokładność",
        "key_accuracy_of": "mediana; najniższa {lowest}",
        "key_startup": "uruchamianie",
        "key_startup_of": "mediana, od wdrożenia do linii startu",
        "key_runs": "przebiegi",
        "key_runs_none": "brak",
        "key_runs_valid": {"one": "{n} ważny", "few": "{n} ważne", "many": "{n} ważnych"},
        "key_runs_suspect": {"one": "{n} wątpliwy", "few": "{n} wątpliwe", "many": "{n} wątpliwych"},
        "key_runs_void": {"one": "{n} nieważny", "few": "{n} nieważne", "many": "{n} nieważnych"},
        "fact_design": "plan badania",
        "fact_blocks": "bloki",
        "fact_seed": "ziarno losowania",
        "fact_varied": "czynniki zmienne",
        "fact_records": "zapisy",
        "fact_selected": "tylko zgodne z wyrażeniem {selected}",
        "fact_cluster": "klaster",
        "fact_provider": "dostawca klastra",
        "fact_backend": "sposób uruchamiania",
        "fact_nodes": "węzły",
        "fact_ps": "ps",
        "fact_workers": "workery",
        "fact_runtime": "środowisko TrainJob",
        "fact_spread": "rozmieszczenie na węzłach",
        "fact_strategy": "strategia",
        "fact_preset": "preset",
        "fact_model": "model",
        "fact_dataset": "zbiór danych",
        "fact_variant": "wariant",
        "fact_batch_size": "rozmiar paczki danych",
        "fact_hidden_units": "neurony warstwy ukrytej",
        "fact_learning_rate": "współczynnik uczenia",
        "fact_train_steps": "kroki globalne",
        "fact_telemetry_every": "telemetria co (kroków)",
        "fact_target_accuracy": "docelowa dokładność",
        "fact_eval_every": "ocena co (kroków)",
        "fact_collection_version": "wersja kolekcji",
        "fact_cpu_model": "procesor",
        "fact_cpus": "liczba procesorów",
        "fact_kernel": "jądro systemu",
        "fact_hostname": "nazwa hosta",
        "fact_recorded": "czas zapisu",
        "fact_git_commit": "commit git",
        "fact_several": "od {first} do {last} (różnych wartości: {n})",
        "design_fixed": "pełne bloki losowe: każdy blok wykonuje każdą konfigurację raz, w osobno wylosowanej kolejności",
        "design_adaptive": (
            "bloki adaptacyjne: pierwsze {first} wykonują wszystkie konfiguracje, kolejne (łącznie najwyżej {last}) "
            "tylko nierozstrzygnięte, w osobno wylosowanej kolejności"
        ),
        "design_search": "poszukiwanie rozmiaru (autosize): każdy blok wykonuje rozmiary, od których ono zależy, w osobno wylosowanej kolejności",
        "method_clock": (
            "Czas uczenia: mierzony zegarem monotonicznym głównego workera (chief) od linii startu (wszystkie ps i "
            "workery gotowe) do kroku, który osiągnął cel. Uruchamianie: od wdrożenia replik do linii startu. "
            "Przyspieszenie: względem najmniejszej liczby workerów przy pozostałych parametrach bez zmian."
        ),
        "method_intervals": (
            "Czas konfiguracji to mediana jej przebiegów z 95-procentowym przedziałem ufności t dla logarytmów; przy "
            "mniej niż 3 przebiegach nie ma przedziału."
        ),
        "method_compared": (
            "Konfiguracje porównuje się przez ilorazy ich średnich geometrycznych z bloków, które mają wspólne, "
            "dzięki czemu zmiany szybkości maszyny między blokami się znoszą. Każda konfiguracja ma własną wariancję,"
            " moderowaną wariancjami wszystkich konfiguracji (Smyth 2004). Przedziały względem najszybszej "
            "konfiguracji są jednoczesne: w 95% badań wszystkie zawierają prawdziwą wartość. Konfiguracja jest "
            "wolniejsza, gdy jej przedział leży powyżej 1. Wolniejsze konfiguracje odpadają, a pozostałe porównuje "
            "się ponownie (Holm 1979)."
        ),
        "method_fixed": "Liczbę bloków ustalono przed pierwszym przebiegiem.",
        "method_adaptive": (
            "Liczby bloków nie ustalono z góry: konfiguracje porównywano po każdym bloku, począwszy od bloku {first}."
            " Każde porównanie zużywało część poziomu 5% (Lan i DeMets 1983), tak że wszystkie razem go zachowują. "
            "Przy każdej konfiguracji podano przedział z porównania, które o niej rozstrzygnęło."
        ),
        "method_split": (
            "Konfiguracje o tej samej liczbie węzłów wykonywano w bloku razem, więc dzielą błąd przygotowania tych "
            "węzłów. Konfiguracje o różnej liczbie węzłów porównuje się dlatego według rozrzutu ich własnych różnic "
            "między blokami (układ split-plot)."
        ),
        "method_verdicts": (
            "Przebiegi nieważne (replika zawiodła lub została uruchomiona ponownie, start był błędny, minął limit "
            "czasu) nie wchodzą do żadnego wykresu ani wyniku i są powtarzane. Przebiegi wątpliwe (zakłócona maszyna,"
            " niepewny zegar, uczenie bez stanu ustalonego) są uwzględniane i rysowane jako puste znaki; odpowiedź "
            "mówi, kiedy mają znaczenie."
        ),
    },
}
