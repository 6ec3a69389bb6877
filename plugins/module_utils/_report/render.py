# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A study as a page and as Markdown. Whatever a ledger says is text, never markup. PRIVATE, can break at any time."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from .._study.analysis import model
from .._study.analysis.compared import rules_of
from .._study.analysis.frame import run_rows
from .._study.statistics.sequential import FIRST
from . import answer, charts, document, page, tables, text

if TYPE_CHECKING:
    from markupsafe import Markup

KNOWN = {"train_steps": "global steps", "telemetry_every": "telemetry every (steps)"}
INTERVALS = (
    "A time is the median of a cell's runs with the 95 % t interval of their logarithms; fewer than 3 runs have no "
    "interval. Cells are compared by the geometric mean of the ratios within blocks, so that what the machine did "
    "between blocks cancels; the error is that of all cells and blocks together (two-way analysis of variance of the "
    "logarithms). A cell is called slower than the fastest when Holm's procedure over all comparisons says so at 5 %; "
    "otherwise the two are not significantly different. The intervals shown are plain ones."
)
CLOCK = (
    "Training time: the chief's monotonic clock from the start line (every ps and worker ready) to the step that "
    "reached the target. Start-up: from deploying the replicas to the start line. Speed-up: against the fewest workers "
    "with all else equal."
)
VERDICTS = (
    "Void runs (a replica failed or restarted, a wrong start, a deadline) never enter a figure or a number and are run "
    "again. Suspect runs (a disturbed machine, a doubtful clock, a training without steady state) enter both, drawn "
    "hollow; the answer says when they matter."
)


@dataclass(frozen=True)
class Report:
    """Everything that both renderings say."""

    study: model.Study
    answers: tuple[answer.Answer, ...]
    figures: tuple[charts.Figure, ...]

    @property
    def sentence(self) -> str:
        return answer.sentence(self.answers)


def made_at(study: model.Study) -> str:
    """The time of the last record: the same ledger gives the same report, byte for byte."""
    times = [time for run in study.runs if (time := run.recorded) is not None]
    return text.moment(max(times)) if times else ""


def subtitle(study: model.Study) -> str:
    clusters = sorted({str(cell.spec.get("cluster", "unknown")) for cell in study.cells})
    parts = [
        f"cluster{'s' if len(clusters) > 1 else ''} {text.listed(clusters)}" if clusters else "",
        f"{text.count(len(study.cells), 'cell')}, {text.count(len(study.runs), 'recorded run')}",
        made_at(study),
    ]
    return " · ".join(part for part in parts if part)


def keys_of(report: Report) -> list[tuple[str, str, str]]:
    """Key figures: what, how much, of what."""
    study = report.study
    count = {verdict: len(study.verdicts(verdict)) for verdict in ("valid", "suspect", "void")}
    found: list[tuple[str, str, str]] = []
    for given in report.answers:
        best, smallest = given.best, given.smallest
        group = f"{given.group}: " if given.group else ""
        if best is None or smallest is None:
            continue
        found.append((f"{group}fastest", f"{text.number(best.center('train_seconds'))} s", best.label))
        if smallest is not best:
            seconds = text.number(smallest.center("train_seconds"))
            found.append((f"{group}smallest as fast as it", f"{seconds} s", smallest.label))
        if best.cost is not None:
            found.append((f"{group}cost", f"{text.money(best.cost)} {study.currency}", "a run of the fastest"))
        found.append((f"{group}speed", text.number(best.center("steps_per_second")), "global steps/s, of the fastest"))
        if best.cause.short:
            found.append((f"{group}cause", best.cause.short, best.cause.said))
    accuracies = [value for cell in study.measured for value in cell.values("accuracy")]
    if accuracies:
        found.append(("accuracy", f"{model.middle(accuracies):.3f}", f"median; lowest {min(accuracies):.3f}"))
    starts = [value for cell in study.measured for value in cell.values("startup_seconds")]
    if starts:
        found.append(("start-up", f"{text.number(model.middle(starts))} s", "median, deploy to start line"))
    return [
        *found,
        ("runs", str(len(study.runs)), ", ".join(f"{n} {name}" for name, n in count.items() if n) or "none"),
    ]


def facts_of(study: model.Study) -> dict[str, str]:
    """The method as pairs: what was the same in every cell, and the design."""
    blocks = {run.block for run in study.runs}
    seeds = sorted({str(seed) for run in study.runs if (seed := run.provenance.get("seed")) is not None})
    facts = {
        "design": _design(study),
        "blocks": str(len(blocks)),
        "seed": ", ".join(seeds),
        "varied": ", ".join(study.factors),
        "records": f"only those of {study.selected}" if study.selected else "",
    }
    fixed = {KNOWN.get(key, key): str(value) for key, value in study.fixed().items() if key not in study.factors}
    return {key: value for key, value in (facts | fixed).items() if value}


def _design(study: model.Study) -> str:
    rules = rules_of(study.runs)
    if rules is None:
        return "randomised complete blocks: each block runs every cell once, in an order of its own"
    return (
        f"adaptive blocks: the first {FIRST} run every cell, each later one (at most {rules.last}) those that are open, in an order of"
        " its own"
    )


def is_fastest(row: tuple[str, ...], table: tables.Table) -> bool:
    return (tables.AGAINST, tables.FASTEST) in zip(table.heads, row, strict=True)


def _unbroken(words: str) -> Markup:
    """No line ends inside an interval or between a number and its unit."""
    from markupsafe import Markup, escape

    joined = re.sub(r"(?<=\d) (?=%|s\b)", "\u00a0", str(escape(words)))
    marked = re.sub(r"\((?:95\s%\sCI )?[\d.,-]+(?:\s%)?\)", r'<span class="whole">\g<0></span>', joined)
    return Markup(marked)  # noqa: S704 - escaped above


def _parts(given: answer.Answer) -> tuple[str, str, str]:
    """The group, and the sentence behind its first clause, which is what most readers came for."""
    first, semicolon, rest = given.sentence.partition("; ")
    return given.group, first + semicolon, rest


def sections_of(report: Report) -> list[tuple[str, str, tables.Table]]:
    """Title, name and table of every list of the report that has something in it, cells first."""
    study = report.study
    found = [
        ("Cells", "cells", tables.cells_table(study, report.answers)),
        ("Cells that failed", "failed", tables.failed_table(study)),
        ("Void runs", "void", tables.doubtful_table(study, "void")),
        ("Suspect runs", "suspect", tables.doubtful_table(study, "suspect")),
        ("Nodes", "nodes", tables.nodes_table(study)),
    ]
    return [section for section in found if section[2].rows]


def html_page(report: Report, drawings: Mapping[str, str], bundle: str) -> str:
    """The whole report as one file that needs nothing else."""
    # Ansible brings it.
    from jinja2 import Environment, StrictUndefined

    study = report.study
    data = {figure.name: charts.responsive(figure) for figure in report.figures}
    environment = Environment(autoescape=True, keep_trailing_newline=True, undefined=StrictUndefined)
    environment.filters |= {"unbroken": _unbroken, "quoted": quote}
    environment.tests["fastest"] = is_fastest
    return environment.from_string(page.PAGE).render(
        policy=page.POLICY,
        title=f"Study {study.name}",
        subtitle=subtitle(study),
        style=page.STYLE + page.dark_rules(),
        answers=list(map(_parts, report.answers)),
        sentence=report.sentence,
        keys=keys_of(report),
        figures=report.figures,
        drawings=drawings,
        lists=sections_of(report),
        method=(CLOCK, INTERVALS, VERDICTS),
        facts=tables.pairs_table(facts_of(study)),
        origin=tables.provenance_table(study.runs),
        data=json.dumps(data, sort_keys=True).replace("<", "\\u003c"),
        bundle=re.sub("</(?=script)", r"<\\/", bundle, flags=re.IGNORECASE) if data else "",
        script=page.SCRIPT if data else "",
    )


def _plain(value: str) -> str:
    """Text in Markdown: no markup of its own, no line of its own."""
    escaped = html.escape(" ".join(value.split()), quote=False)
    return "".join(f"\\{char}" if char in "|`*_[]~$\\" else char for char in escaped)


def markdown_table(table: tables.Table) -> str:
    rule = "|".join("---:" if n in table.numeric else "---" for n in range(len(table.heads)))
    rows = [table.heads, *table.rows]
    lines = [f"| {' | '.join(_plain(value) for value in row)} |" for row in rows]
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])


def markdown(report: Report) -> str:
    """The same report for a terminal, a merge request or a wiki."""
    study = report.study
    said = [f"**{_plain(a.group)}** {_plain(a.sentence)}" if a.group else _plain(a.sentence) for a in report.answers]
    keys = tables.Table(("", "", ""), tuple(keys_of(report)))
    parts = [f"# Study {_plain(study.name)}", _plain(subtitle(study)), *(said or [_plain(report.sentence)])]
    parts.append(markdown_table(keys))
    for figure in report.figures:
        parts += [f"## {_plain(figure.title)}", f"![{_plain(figure.title)}](figures/{figure.name}.svg)", figure.caption]
    for title, _name, table in sections_of(report):
        parts += [f"## {title}", markdown_table(table)]
    parts += ["## Method", CLOCK, INTERVALS, VERDICTS, markdown_table(tables.pairs_table(facts_of(study)))]
    return "\n\n".join([*parts, "## Provenance", markdown_table(tables.provenance_table(study.runs))]) + "\n"


def report_of(study: model.Study) -> Report:
    return Report(study, tuple(answer.answers(study)), tuple(charts.figures_of(study)))


def files_of(report: Report) -> dict[str, str]:
    """Every file of the report by its path in the study's folder."""
    drawings = {figure.name: charts.svg_of(figure) for figure in report.figures}
    bundle = charts.bundle() if drawings else ""
    return {
        "answer.json": document.written(document.document_of(report.study, report.answers)),
        "report.html": html_page(report, drawings, bundle),
        "report.md": markdown(report),
        "cells.csv": tables.csv(tables.cell_rows(report.study, report.answers)),
        "runs.csv": tables.csv(run_rows(report.study.runs)),
        **{f"figures/{name}.svg": drawing for name, drawing in drawings.items()},
    }
