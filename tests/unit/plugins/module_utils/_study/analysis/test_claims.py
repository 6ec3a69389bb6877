# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The thesis' claims: planted truths are confirmed and refuted, and verdicts err no more often than stated."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import claims, model
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.claims import (
    CANNOT_TELL,
    CONFIRMED,
    NOT_MEASURED,
    REFUTED,
    Finding,
)

from tests.fixtures.claimed import EXPERIMENTS, LAWS, RECORDED, limit_rates, study, table_rates


def found(given: model.Study) -> dict[str, Finding]:
    findings = claims.findings(given)
    assert len({one.claim.key for one in findings}) == len(claims.CLAIMS) >= 8
    return {one.claim.key: one for one in findings if one.group in ("", findings[0].group)}


@pytest.mark.parametrize(
    ("law", "units", "confirmed", "refuted"),
    [
        (
            "valley at 4",
            100,
            {"clear_minimum", "minimum_at", "grows_beyond", "up_to_three_nodes", "beyond_three_nodes", "ps_small"},
            {"hyperbolic", "node_cost"},
        ),
        (
            "valley at 2",
            100,
            set(),
            {"minimum_at", "up_to_three_nodes", "ps_slight_fall", "ps_small", "ps_never_slower", "node_overhead"},
        ),
        (
            "hyperbola",
            100,
            {"hyperbolic", "ps_never_slower", "ps_slight_fall", "node_overhead", "node_cost"},
            {"clear_minimum", "minimum_at", "grows_beyond", "beyond_three_nodes", "ps_small"},
        ),
        ("level from 6 on", 1000, {"cloud_falls", "cloud_level", "cloud_ps"}, {"hyperbolic"}),
        ("hyperbola", 1000, {"cloud_more_nodes", "hyperbolic"}, {"cloud_level", "cloud_two_nodes"}),
        ("growth", 1000, {"cloud_two_nodes"}, {"cloud_falls", "cloud_more_nodes", "cloud_ps", "node_overhead"}),
    ],
)
def test_findings_of_a_planted_law(law: str, units: int, confirmed: set[str], refuted: set[str]) -> None:
    verdicts = {key: one.verdict for key, one in found(study(LAWS[law], units)).items()}
    assert confirmed <= {key for key, verdict in verdicts.items() if verdict == CONFIRMED}
    assert refuted <= {key for key, verdict in verdicts.items() if verdict == REFUTED}


def test_finding_names_the_cells_that_decided_it_and_the_interval() -> None:
    one = found(study(LAWS["valley at 4"]))["up_to_three_nodes"]
    assert [(cell.spec["nodes"], cell.spec["workers"]) for cell in (*one.over, *one.under)] == [(3, 4), (2, 4)]
    assert one.low is not None
    assert one.high is not None
    assert one.low < 1 / 1.2 < one.high < 1 / 1.05 == one.limit
    assert one.blocks == RECORDED


@pytest.mark.parametrize(
    ("units", "keep", "measured"),
    [
        (
            100,
            lambda nodes, _ps, _workers: nodes == 1,
            {
                "clear_minimum",
                "minimum_at",
                "grows_beyond",
                "ps_small",
                "ps_slight_fall",
                "ps_never_slower",
                "hyperbolic",
            },
        ),
        (
            100,
            lambda _nodes, ps, workers: ps == 2 and workers < 6,
            {"up_to_three_nodes", "beyond_three_nodes", "hyperbolic", "node_overhead", "node_cost"},
        ),
        (1000, lambda nodes, ps, _workers: nodes == 2 and ps == 2, {"cloud_two_nodes", "hyperbolic"}),
        (1000, lambda _nodes, _ps, workers: workers == 4, {"cloud_ps", "ps_never_slower", "node_overhead"}),
        (50, lambda nodes, _ps, workers: nodes == 1 and workers < 3, {"hyperbolic"}),
        (100, lambda nodes, ps, workers: (nodes, ps, workers) == (1, 2, 4), set()),
    ],
)
def test_claims_without_their_cells_are_not_measured(
    units: int, keep: Callable[[int, int, int], bool], measured: set[str]
) -> None:
    experiment = units if units in EXPERIMENTS else 100
    given = study(LAWS["flat"], experiment, keep=keep, hidden_units=units)
    findings = found(given)
    assert {key for key, one in findings.items() if one.verdict != NOT_MEASURED} == measured
    assert all(one.center is None for key, one in findings.items() if key not in measured)


def test_two_blocks_cannot_tell() -> None:
    given = study(LAWS["hyperbola"])
    few = model.study_of([run for run in given.runs if run.block < 3], "thesis")
    measured = [one for one in claims.findings(few) if one.verdict != NOT_MEASURED]
    assert {(one.verdict, one.low, one.blocks) for one in measured} == {(CANNOT_TELL, None, 2)}


def test_each_cluster_has_its_own_findings() -> None:
    here, there = study(LAWS["hyperbola"]), study(LAWS["growth"], cluster="there")
    findings = claims.findings(model.study_of([*here.runs, *there.runs], "thesis"))
    hyperbolic = {one.group: one.verdict for one in findings if one.claim.key == "hyperbolic"}
    assert hyperbolic == {"cluster=local": CONFIRMED, "cluster=there": REFUTED}


def test_no_runs_are_no_measurement() -> None:
    assert {one.verdict for one in claims.findings(model.study_of([], "thesis"))} == {NOT_MEASURED}


def test_looks_of_an_adaptive_study_share_the_error() -> None:
    fixed = found(study(LAWS["valley at 4"]))["minimum_at"]
    rules = {"repeats": "auto", "margin": 0.1, "target_ci": None, "max_repeats": 20, "by_nodes": False}
    runs = [{**run.document, "design": rules} for run in study(LAWS["valley at 4"]).runs]
    adaptive = found(model.study_of(runs, "thesis"))["minimum_at"]
    assert adaptive.high is not None
    assert fixed.high is not None
    assert adaptive.high > fixed.high
    assert found(model.study_of(runs, "thesis"))["clear_minimum"].limit == 1 / 1.1


@pytest.mark.parametrize("units", EXPERIMENTS)
def test_verdicts_err_in_at_most_five_percent_of_studies(units: int) -> None:
    # tests/benchmarks/claims_simulation.py has the whole grid.
    told = table_rates(units, studies=30, blocks=5, spread="5 %")
    assert told.wrong <= 0.1
    assert told.hold >= 0.9


def test_verdict_at_the_limit_errs_rarely_where_cells_scatter_differently() -> None:
    claim = next(one for one in claims.CLAIMS if one.key == "grows_beyond")
    rates = limit_rates(claim, 100, studies=300, blocks=4, spread="2 %, most workers 15 %")
    assert max(rates.confirmed, rates.refuted) <= 0.04
