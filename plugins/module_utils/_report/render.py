# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A study as a page and as Markdown. Whatever a ledger says is text, never markup. PRIVATE, can break at any time."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote

from .._common.format import readable
from .._study.analysis import model
from .._study.analysis.claims import Finding, findings
from .._study.analysis.compared import is_search, margin_of, rules_of
from .._study.analysis.decision import FASTEST_GOAL, SEARCHED, Goal, Searched
from .._study.analysis.frame import run_rows
from .._study.analysis.laws import Curve
from .._study.analysis.noise import Noise, noise_of
from .._study.records.validity import SUSPECT, VALID, VOID
from .._study.statistics.sequential import FIRST
from .._study.statistics.words import number
from . import answer, cause_words, claims, document, law_words, tables
from .figures import drawing, figure
from .figures.figure import Figure
from .figures.page_order import figures_of
from .fitted import MOST, Block, fit
from .messages.catalogue import ENGLISH, Catalogue
from .page import script, style, template

if TYPE_CHECKING:
    from markupsafe import Markup

VERDICTS = (VALID, SUSPECT, VOID)
LONGEST = 1000  # characters of one value in Markdown
# Where all rows of a table are.
FILES = {
    **dict.fromkeys(("void", "suspect", "failed", "nodes"), "runs.csv"),
    **dict.fromkeys(("claims", "laws"), "answer.json"),
}
LOGS = 12  # so many runs of a cell have a link to their logs


# The sections of the page.
ORDER = (
    *(figure.SCALING, figure.ACCURACY, figure.SPENT, figure.COST),
    *("cells", "laws", "claims", "failed", "void", "suspect", figure.NOISE, "nodes"),
)


@dataclass(frozen=True)
class Report:
    """Everything that both renderings say."""

    study: model.Study
    answers: tuple[answer.Answer, ...]
    figures: tuple[Figure, ...]
    floor: Noise
    curves: tuple[Curve, ...] = ()
    say: Catalogue = ENGLISH
    # On the claims that the report was asked to hold against the study.
    findings: tuple[Finding, ...] = ()

    @property
    def sentence(self) -> str:
        return answer.sentence(self.answers, self.say)

    @cached_property
    def origin(self) -> tables.Table:
        return tables.provenance_table(self.study.runs, self.say)

    @cached_property
    def tables(self) -> dict[str, tables.Table]:
        """Those that have rows, by their section."""
        found = {
            "cells": tables.cells_table(self.study, self.answers, self.say),
            "laws": law_words.table(self.answers, self.say),
            "claims": claims.table(self.findings, self.say),
            "failed": tables.failed_table(self.study, self.say),
            "void": tables.doubtful_table(self.study, VOID, self.say),
            "suspect": tables.doubtful_table(self.study, SUSPECT, self.say),
            figure.NOISE: tables.noise_table(self.floor, self.say),
            "nodes": tables.nodes_table(self.study, self.say),
        }
        return {name: table for name, table in found.items() if table.rows}


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the report under a heading of its own: figures, a table, or both."""

    name: str
    title: str
    figures: tuple[Figure, ...] = ()
    table: tables.Table | None = None
    heads: bool = True


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
    best, taken = given.best, given.taken
    if best is None:
        return []
    # A search has compared each size with its neighbours, not all with the fastest.
    is_found = given.decision.reasons[0].code == SEARCHED
    found = [] if is_found else [("fastest", say.seconds(best.center(best.response)), best.label)]
    if taken is not None and (is_found or taken is not best):
        found.append(("taken", say.seconds(taken.center(taken.response)), taken.label))
    shown = taken or best
    if shown.cost is not None:
        found.append(("cost", say.price(shown.cost, study.currency), say("key_cost_of", cell=shown.label)))
    speed = shown.center("steps_per_second")
    unit = say("key_speed_of", n=None if speed is None else number(speed), cell=shown.label)
    found.append(("speed", say.number(speed), unit))
    if short := cause_words.short(shown.cause, say):
        found.append(("cause", short, cause_words.said(shown.cause, say)))
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
    same = {key: value for key, value in study.fixed().items() if key not in study.factors}
    fixed = {key: say.figures(str(value)) if isinstance(value, float) else str(value) for key, value in same.items()}
    return {key: value for key, value in (facts | fixed).items() if value}


def _design(study: model.Study, say: Catalogue) -> str:
    rules = rules_of(study.runs)
    if is_search(study.runs):
        return say("design_search")
    return say("design_fixed") if rules is None else say("design_adaptive", first=FIRST, last=rules.last)


def method_of(report: Report) -> list[str]:
    """How the study was measured and compared (docs/statistics.md)."""
    study, say = report.study, report.say
    by_nodes = any(run.design.get("by_nodes") is True for run in study.runs)
    return [
        say("method_clock"),
        say("method_intervals"),
        say("method_compared"),
        say("method_fixed") if rules_of(study.runs) is None else say("method_adaptive", first=FIRST),
        *([say("method_split")] if by_nodes else []),
        say("method_verdicts"),
        *([say("method_claims", margin=say.percent(margin_of(study.runs)))] if report.findings else []),
    ]


def _unbroken(words: str) -> Markup:
    """No line ends inside an interval or between a number and its unit."""
    from markupsafe import Markup, escape

    joined = re.sub(r"(?<=\d) (?=%|s\b)|(?<=\b\w) (?==)|(?<= =) ", "\u00a0", str(escape(words)))
    marked = re.sub(
        r"\((?:95\s?%\s\w+ )?[\d.,\u2013-]+(?:\s?%)?(?:\)|(?= ))", r'<span class="whole">\g<0></span>', joined
    )
    return Markup(marked)  # noqa: S704 - escaped above


def _blank(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _parts(given: answer.Answer) -> tuple[str, str, str]:
    """The group, the decision, and the reasons behind it."""
    first, *rest = given.sentences
    return given.group, first, " ".join(rest)


def sections_of(report: Report, *, without: Figure | None = None) -> list[Section]:
    """Every section that has something in it, in the order of the page; `without` is a figure that stands elsewhere."""
    sections = []
    for name in ORDER:
        figures = tuple(one for one in report.figures if one.section == name and one is not without)
        table = report.tables.get(name)
        if figures or table:
            title, heads = report.say(f"{name}_heading"), name != figure.NOISE
            sections.append(Section(name=name, title=title, figures=figures, table=table, heads=heads))
    return sections


def lead_of(report: Report) -> Figure | None:
    """The figure beside the answer."""
    return next((one for one in report.figures if one.section == figure.SCALING), None)


def html_page(report: Report, drawings: Mapping[str, str]) -> str:
    """The whole report as one file that needs nothing else."""
    # Ansible brings it.
    from jinja2 import Environment, StrictUndefined

    study, say, lead = report.study, report.say, lead_of(report)
    environment = Environment(autoescape=True, keep_trailing_newline=True, undefined=StrictUndefined)
    environment.filters |= {"unbroken": _unbroken, "quoted": quote, "blank": _blank}
    return environment.from_string(template.PAGE).render(
        policy=script.POLICY,
        say=say,
        title=say("title", study=study.name),
        subtitle=subtitle(study, say),
        style=style.STYLE + style.dark_rules(),
        answers=list(map(_parts, report.answers)),
        sentence=report.sentence,
        lead=lead,
        keys=keys_of(report),
        drawings=drawings,
        sections=sections_of(report, without=lead),
        most_logs=LOGS,
        long=tables.LONG,
        method=method_of(report),
        facts=tables.pairs_table(facts_of(study, say), say),
        origin=report.origin,
        script=script.SCRIPT,
    )


def _plain(value: str) -> str:
    """Text in Markdown: no markup of its own, no line of its own, and not longer than a reader reads."""
    escaped = html.escape(readable(value, LONGEST), quote=False)
    return "".join(f"\\{char}" if char in "|`*_[]~$\\" else char for char in escaped)


def _block(table: tables.Table, file: str) -> Block:
    rule = "|".join("---:" if n in table.numeric else "---" for n in range(len(table.heads)))
    head, *rows = [f"| {' | '.join(map(_plain, row))} |" for row in (table.heads, *table.rows)]
    return Block(head=(head, f"|{rule}|"), rows=tuple(rows), first=table.best, file=file)


def markdown_table(table: tables.Table) -> str:
    block = _block(table, "")
    return "\n".join([*block.head, *block.rows])


def markdown(report: Report, most: int = MOST) -> str:
    """The same report for a terminal, a wiki or the comment of a pull request, in at most so many characters."""
    study, say = report.study, report.say
    said = [_plain_answer(one) for one in report.answers] or [_plain(report.sentence)]
    keys = tables.Table(("what", "value", "what"), ("", "", ""), tuple(keys_of(report)))
    facts = tables.pairs_table(facts_of(study, say), say)
    blocks = [
        Block(head=(f"# {say('title', study=_plain(study.name))}", _plain(subtitle(study, say))), gap="\n\n"),
        Block(rows=tuple(said), file="answer.json", gap="\n\n"),
        _block(keys, "answer.json"),
    ]
    for section in sections_of(report):
        pictures = [_picture(one) for one in section.figures]
        blocks.append(Block(head=(f"## {section.title}",), rows=tuple(pictures), file="report.html", gap="\n\n"))
        if section.table:
            blocks.append(_block(section.table, FILES.get(section.name, "cells.csv")))
    return fit(
        [
            *blocks,
            Block(head=(f"## {say('method_heading')}", *method_of(report)), gap="\n\n"),
            _block(facts, "answer.json"),
            Block(head=(f"## {say('provenance_heading')}",)),
            _block(report.origin, "answer.json"),
        ],
        say,
        most,
    )


def _plain_answer(given: answer.Answer) -> str:
    told = _plain(given.sentence)
    return f"**{_plain(given.group)}** {told}" if given.group else told


def _picture(one: Figure) -> str:
    title = _plain(one.title)
    return f"### {title}\n\n![{title}](figures/{one.name}.svg)\n\n{one.caption}"


def report_of(
    study: model.Study,
    say: Catalogue = ENGLISH,
    goal: Goal = FASTEST_GOAL,
    *,
    searched: Searched | None = None,
    with_claims: bool = False,
) -> Report:
    """`searched` is what autosize has found, `with_claims` holds the thesis' claims against the study."""
    floor, say = noise_of(study.measured), say.of(cell.spec for cell in study.cells)
    answers = tuple(answer.answers(study, goal, say, searched))
    curves = tuple(curve for one in answers for curve in one.curves)
    figures = tuple(figures_of(study, floor, curves, say))
    found = findings(study) if with_claims else ()
    return Report(study, answers, figures, floor, curves, say, found)


def files_of(report: Report) -> dict[str, str]:
    """Every file of the report by its path in the study's folder."""
    drawings = {one.name: drawing.svg_of(one, report.say) for one in report.figures}
    return {
        "answer.json": document.written(
            document.document_of(report.study, report.answers, report.say, report.findings)
        ),
        "report.html": html_page(report, drawings),
        "report.md": markdown(report),
        "cells.csv": tables.csv(tables.cell_rows(report.study, report.answers)),
        "runs.csv": tables.csv(run_rows(report.study.runs)),
        **{f"figures/{name}.svg": drawn for name, drawn in drawings.items()},
    }
