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
from .._study.records.validity import SUSPECT, VALID, VOID
from .._study.statistics.sequential import FIRST
from . import answer, charts, document, page, tables
from .messages.catalogue import ENGLISH, Catalogue

if TYPE_CHECKING:
    from markupsafe import Markup

VERDICTS = (VALID, SUSPECT, VOID)


@dataclass(frozen=True)
class Report:
    """Everything that both renderings say."""

    study: model.Study
    answers: tuple[answer.Answer, ...]
    figures: tuple[charts.Figure, ...]
    say: Catalogue = ENGLISH

    @property
    def sentence(self) -> str:
        return answer.sentence(self.answers)


def made_at(study: model.Study, say: Catalogue = ENGLISH) -> str:
    """The time of the last record: the same ledger gives the same report, byte for byte."""
    times = [time for run in study.runs if (time := run.recorded) is not None]
    return say.moment(max(times)) if times else ""


def subtitle(study: model.Study, say: Catalogue = ENGLISH) -> str:
    clusters = sorted({str(cell.spec.get("cluster", "unknown")) for cell in study.cells})
    parts = [
        say("subtitle_cluster", n=len(clusters), clusters=say.listed(clusters)) if clusters else "",
        f"{say('cells', n=len(study.cells))}, {say('recorded_runs', n=len(study.runs))}",
        made_at(study, say),
    ]
    return " · ".join(part for part in parts if part)


def keys_of(report: Report) -> list[tuple[str, str, str]]:
    """Key figures: what, how much, of what."""
    study, say = report.study, report.say
    found = [key for given in report.answers for key in _keys_of_group(study, given, say)]
    if accuracies := [value for cell in study.measured for value in cell.values("accuracy")]:
        lowest = say.fixed(min(accuracies), 3)
        found.append(
            (say("key_accuracy"), say.fixed(model.middle(accuracies), 3), say("key_accuracy_of", lowest=lowest))
        )
    if starts := [value for cell in study.measured for value in cell.values("startup_seconds")]:
        found.append((say("key_startup"), say.seconds(model.middle(starts)), say("key_startup_of")))
    count = {verdict: len(study.verdicts(verdict)) for verdict in VERDICTS}
    kinds = ", ".join(say(f"key_runs_{verdict}", n=n) for verdict, n in count.items() if n)
    return [*found, (say("key_runs"), say.count(len(study.runs)), kinds or say("key_runs_none"))]


def _keys_of_group(study: model.Study, given: answer.Answer, say: Catalogue) -> list[tuple[str, str, str]]:
    best, smallest = given.best, given.smallest
    if best is None or smallest is None:
        return []
    found = [("fastest", say.seconds(best.center("train_seconds")), best.label)]
    if smallest is not best:
        found.append(("smallest", say.seconds(smallest.center("train_seconds")), smallest.label))
    if best.cost is not None:
        found.append(("cost", say.price(best.cost, study.currency), say("key_cost_of")))
    found.append(("speed", say.number(best.center("steps_per_second")), say("key_speed_of")))
    if best.cause.short:
        found.append(("cause", best.cause.short, best.cause.said))
    return [(_of_group(say(f"key_{key}"), given.group, say), much, of) for key, much, of in found]


def _of_group(key: str, group: str, say: Catalogue) -> str:
    return say("key_group", group=group, key=key) if group else key


def facts_of(study: model.Study, say: Catalogue = ENGLISH) -> dict[str, str]:
    """The method as pairs: what was the same in every cell, and the design."""
    blocks = {run.block for run in study.runs}
    seeds = sorted({str(seed) for run in study.runs if (seed := run.provenance.get("seed")) is not None})
    facts = {
        "design": _design(study, say),
        "blocks": str(len(blocks)),
        "seed": ", ".join(seeds),
        "varied": ", ".join(say.named("fact", factor) for factor in study.factors),
        "records": say("fact_selected", selected=study.selected) if study.selected else "",
    }
    fixed = {key: str(value) for key, value in study.fixed().items() if key not in study.factors}
    return {key: value for key, value in (facts | fixed).items() if value}


def _design(study: model.Study, say: Catalogue) -> str:
    rules = rules_of(study.runs)
    return say("design_fixed") if rules is None else say("design_adaptive", first=FIRST, last=rules.last)


def method_of(study: model.Study, say: Catalogue = ENGLISH) -> list[str]:
    """How the study was measured and compared (docs/statistics.md)."""
    by_nodes = any(run.design.get("by_nodes") is True for run in study.runs)
    return [
        say("method_clock"),
        say("method_intervals"),
        say("method_compared"),
        say("method_fixed") if rules_of(study.runs) is None else say("method_adaptive", first=FIRST),
        *([say("method_split")] if by_nodes else []),
        say("method_verdicts"),
    ]


def _unbroken(words: str) -> Markup:
    """No line ends inside an interval or between a number and its unit."""
    from markupsafe import Markup, escape

    joined = re.sub(r"(?<=\d) (?=%|s\b)", "\u00a0", str(escape(words)))
    marked = re.sub(r"\((?:95\s?%\s\w+ )?[\d.,\u2013-]+(?:\s?%)?\)", r'<span class="whole">\g<0></span>', joined)
    return Markup(marked)  # noqa: S704 - escaped above


def _parts(given: answer.Answer) -> tuple[str, str, str]:
    """The group, and the sentence behind its first clause, which is what most readers came for."""
    first, semicolon, rest = given.sentence.partition("; ")
    return given.group, first + semicolon, rest


def sections_of(report: Report) -> list[tuple[str, str, tables.Table]]:
    """Title, name and table of every list of the report that has something in it, cells first."""
    study, say = report.study, report.say
    found = [
        ("cells", tables.cells_table(study, report.answers, say)),
        ("failed", tables.failed_table(study, say)),
        ("void", tables.doubtful_table(study, VOID, say)),
        ("suspect", tables.doubtful_table(study, SUSPECT, say)),
        ("nodes", tables.nodes_table(study, say)),
    ]
    return [(say(f"{name}_heading"), name, table) for name, table in found if table.rows]


def html_page(report: Report, drawings: Mapping[str, str], bundle: str) -> str:
    """The whole report as one file that needs nothing else."""
    # Ansible brings it.
    from jinja2 import Environment, StrictUndefined

    study, say = report.study, report.say
    data = {figure.name: charts.responsive(figure) for figure in report.figures}
    environment = Environment(autoescape=True, keep_trailing_newline=True, undefined=StrictUndefined)
    environment.filters |= {"unbroken": _unbroken, "quoted": quote}
    return environment.from_string(page.PAGE).render(
        policy=page.POLICY,
        say=say,
        title=say("title", study=study.name),
        subtitle=subtitle(study, say),
        style=page.STYLE + page.dark_rules(),
        answers=list(map(_parts, report.answers)),
        sentence=report.sentence,
        keys=keys_of(report),
        figures=report.figures,
        drawings=drawings,
        lists=sections_of(report),
        method=method_of(study, say),
        facts=tables.pairs_table(facts_of(study, say), say),
        origin=tables.provenance_table(study.runs, say),
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
    study, say = report.study, report.say
    said = [f"**{_plain(a.group)}** {_plain(a.sentence)}" if a.group else _plain(a.sentence) for a in report.answers]
    keys = tables.Table(("what", "value", "what"), ("", "", ""), tuple(keys_of(report)))
    title = say("title", study=_plain(study.name))
    parts = [f"# {title}", _plain(subtitle(study, say)), *(said or [_plain(report.sentence)])]
    parts.append(markdown_table(keys))
    for figure in report.figures:
        parts += [f"## {_plain(figure.title)}", f"![{_plain(figure.title)}](figures/{figure.name}.svg)", figure.caption]
    for title, _name, table in sections_of(report):
        parts += [f"## {title}", markdown_table(table)]
    facts = markdown_table(tables.pairs_table(facts_of(study, say), say))
    origin = markdown_table(tables.provenance_table(study.runs, say))
    parts += [f"## {say('method_heading')}", *method_of(study, say), facts, f"## {say('provenance_heading')}", origin]
    return "\n\n".join(parts) + "\n"


def report_of(study: model.Study, say: Catalogue = ENGLISH) -> Report:
    return Report(study, tuple(answer.answers(study)), tuple(charts.figures_of(study, say)), say)


def files_of(report: Report) -> dict[str, str]:
    """Every file of the report by its path in the study's folder."""
    drawings = {figure.name: charts.svg_of(figure) for figure in report.figures}
    bundle = charts.bundle() if drawings else ""
    return {
        "answer.json": document.written(document.document_of(report.study, report.answers, report.say)),
        "report.html": html_page(report, drawings, bundle),
        "report.md": markdown(report),
        "cells.csv": tables.csv(tables.cell_rows(report.study, report.answers)),
        "runs.csv": tables.csv(run_rows(report.study.runs)),
        **{f"figures/{name}.svg": drawing for name, drawing in drawings.items()},
    }
