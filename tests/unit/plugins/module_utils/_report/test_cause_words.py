# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes and remedies in words: the facts stand in them, in both languages."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import cause_words
from ansible_collections.tfscale.study.plugins.module_utils._report.messages.catalogue import Catalogue
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import causes
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.causes import Cause, Station, Straggler

ENGLISH, POLISH = Catalogue("en"), Catalogue("pl")


def full(kind: str, *, of_cause: dict[str, Any] | None = None, **facts: Any) -> Cause:
    station = Station(kind=kind, **{"utilisation": 0.98, "capacity": 2.0, **facts})
    return Cause(kind=kind, stations=(station,), station=station, **(of_cause or {}))


def held(kind: str, **facts: Any) -> Cause:
    station = Station(kind=kind, utilisation=0.5, held=0.4, capacity=1.0, **facts)
    return Cause(kind=causes.HELD_BACK, stations=(station,), station=station, is_local=False)


LATENT = (
    Station(kind=causes.PROCESSORS, utilisation=0.61, ceiling=909.1, capacity=2.0),
    Station(kind=causes.PS, utilisation=0.3, ceiling=2000.0, capacity=1.0),
)
# Cause, facts of the sentence, facts of the remedy, the short form.
CASES = {
    "one processor": (full(causes.PROCESSORS, capacity=1), ["processor is", "98 %"], ["bigger machine"], "98 %"),
    "two processors": (full(causes.PROCESSORS, capacity=2), ["two processors are"], ["workers do not"], "98 %"),
    "64 processors": (full(causes.PROCESSORS, capacity=64), ["64 processors"], [], "98 %"),
    "others": (full(causes.PROCESSORS, capacity=2, foreign=0.47), ["47 % by other"], ["Fewer other"], "98 %"),
    "others on nodes": (
        full(causes.PROCESSORS, capacity=2, foreign=0.47, of_cause={"is_local": False, "is_one_machine": False}),
        ["47 % by other"],
        ["Fewer other", "more nodes"],
        "98 %",
    ),
    "nodes of one machine": (
        full(causes.PROCESSORS, capacity=2, of_cause={"is_local": False}),
        ["two processors are"],
        ["bigger machine"],
        "98 %",
    ),
    "at least": (full(causes.PROCESSORS, capacity=2, is_bound=True), ["at least 98 %"], [], "98 %"),
    "a node": (
        full(causes.PROCESSORS, capacity=1.5, name="n1", of_cause={"is_local": False, "is_one_machine": False}),
        ["1.5 processors of node n1"],
        ["bigger nodes"],
        "98 %",
    ),
    "all nodes": (full(causes.PROCESSORS, capacity=2, of=3, full=3), ["each of 3 nodes"], [], "98 %"),
    "ps": (
        full(causes.PS, capacity=1, name="ps 0"),
        ["ps 0", "98 % of 1 processor)"],
        ["More ps", "training_cpus"],
        "98 %",
    ),
    "throttled ps": (full(causes.PS, capacity=1, held=0.2), ["throttles a ps"], [], "98 %"),
    "workers": (
        full(causes.WORKERS, capacity=0.5, held=0.5, of_cause={"is_local": False}),
        ["throttled", "98 % of 0.5 processors"],
        ["More workers", "training_worker_resources"],
        "98 %",
    ),
    "a worker": (full(causes.WORKERS, capacity=2, name="worker 2"), ["worker 2", "of 2 processors"], [], "98 %"),
    "shared": (
        full(causes.SHARED, capacity=1, name="ps 0 and worker 1"),
        ["ps 0 and worker 1"],
        ["training_cpus"],
        "98 %",
    ),
    "link": (full(causes.LINK, capacity=1000, name="ps 0"), ["980 of 1,000 Mbit/s"], ["other nodes"], "98 %"),
    "held ps": (held(causes.PS, name="ps 0"), ["ps 0", "40 % of the time"], ["training_ps_resources"], "40 %"),
    "held workers": (held(causes.WORKERS), ["the workers", "40 %"], ["training_worker_resources"], "40 %"),
    "straggler": (
        Cause(kind=causes.STRAGGLER, straggler=Straggler(index=2, times=2.5), is_in_step=True),
        ["Worker 2 needs 2.5 times", "wait for it"],
        ["node"],
        "worker 2",
    ),
    "latency": (
        Cause(kind=causes.LATENCY, stations=LATENT),
        ["processors 61 %", "workers and ps wait"],
        ["processors allow 909 steps/s"],
        "latency",
    ),
    "latency in step": (
        Cause(kind=causes.LATENCY, stations=LATENT[:1], is_in_step=True, has_ps=False),
        ["workers wait for each other"],
        [],
        "latency",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_words_of_a_cause_have_its_facts(name: str) -> None:
    cause, facts, remedies, short = CASES[name]
    said, remedy = cause_words.said(cause, ENGLISH), cause_words.remedy(cause, ENGLISH)
    assert [fact for fact in facts if fact not in said] == []
    assert [fact for fact in remedies if fact not in remedy] == []
    assert short in cause_words.short(cause, ENGLISH)
    assert cause_words.sentences(cause, ENGLISH) == [one for one in (said, remedy) if one]
    assert all(one[0].isupper() or one[0].isdigit() for one in cause_words.sentences(cause, POLISH))
    assert all(one.endswith(".") for one in cause_words.sentences(cause, POLISH))


@pytest.mark.parametrize(
    ("capacity", "words"),
    [(1, "jest procesor ("), (2, "2 procesory ("), (16, "16 procesorów ("), (1.5, "1,5 procesora (")],
)
def test_polish_counts_processors_in_their_forms(capacity: float, words: str) -> None:
    assert f"{words}98%)" in cause_words.said(full(causes.PROCESSORS, capacity=capacity), POLISH)


def test_replicas_are_listed_in_the_language() -> None:
    shared = full(causes.SHARED, capacity=2, name="ps 0, worker 1 and worker 2")
    assert "ps 0, worker 1 i worker 2" in cause_words.said(shared, POLISH)


@pytest.mark.parametrize(("is_one_machine", "where"), [(True, "a bigger machine"), (False, "more or bigger nodes")])
@pytest.mark.parametrize("kind", [causes.WORKERS, causes.PS])
def test_a_higher_limit_is_no_remedy_where_the_processors_are_full_as_well(
    kind: str, is_one_machine: bool, where: str
) -> None:
    limit = Station(kind=kind, name="", utilisation=0.91, capacity=0.25, held=0.2)
    processors = Station(kind=causes.PROCESSORS, utilisation=0.92, capacity=2.0, foreign=0.08)
    cause = Cause(kind=kind, stations=(processors, limit), station=limit, is_local=False, is_one_machine=is_one_machine)
    remedy = cause_words.remedy(cause, ENGLISH)
    assert [fact for fact in ("92 %", "a higher limit (training_", where) if fact not in remedy] == []
    assert "More" not in remedy


def test_an_unknown_cause_has_no_words() -> None:
    unknown = Cause(kind=causes.UNKNOWN)
    assert (cause_words.sentences(unknown, ENGLISH), cause_words.short(unknown, ENGLISH)) == ([], "")
