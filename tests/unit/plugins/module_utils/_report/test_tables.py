# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables for readers, and tables for programs."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import answer, tables
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import model
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis.frame import joined, run_rows

from tests.fixtures import ledgers
from tests.fixtures.ledgers import PROVENANCE, SPEC, record, space, void, with_usage


def study(records: list[dict[str, Any]]) -> model.Study:
    return model.study_of(records, "folder")


def cells(records: list[dict[str, Any]]) -> tables.Table:
    found = study(records)
    return tables.cells_table(found, answer.answers(found))


def column(table: tables.Table, head: str) -> list[str]:
    return [row[table.heads.index(head)] for row in table.rows]


def parsed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_cells_table_of_the_realistic_study() -> None:
    table = cells(ledgers.mnist())
    assert table.heads[:4] == ("nodes", "ps", "workers", "runs")
    assert len(table.rows) == 5
    assert column(table, "runs") == ["4", "4", "4", "4", "4 (1 suspect)"]
    assert column(table, "against the fastest (95 % CI)") == [
        "+62 % (+47 to +74)",
        "+4 % (-6 to +14), cannot tell",
        "+14 % (+5 to +22)",
        "fastest",
        "+9 % (-1 to +20), cannot tell",
    ]
    assert column(table, "speed-up") == ["1 (reference)", "1.55 of 2", "1.42 of 4", "1 (reference)", "0.91 of 2"]


def test_cells_table_tells_of_a_queue_only_where_there_is_one() -> None:
    records = ledgers.study(space(workers=[1, 2]))
    assert "queue" not in cells(records).columns
    assert "queue_seconds_median" not in tables.cell_rows(study(records), answer.answers(study(records)))[0]
    for one in records:
        one["timings"]["queue_seconds"] = 10.0 * one["spec"]["workers"]
    assert column(cells(records), "in the queue [s]") == ["10.0", "20.0"]
    rows = tables.cell_rows(study(records), answer.answers(study(records)))
    assert [row["queue_seconds_median"] for row in rows] == [10.0, 20.0]
    assert [row["queue_seconds"] for row in run_rows(study(records).runs)][:2] == [10.0, 20.0]


def test_cells_table_names_a_value_that_records_leave_out() -> None:
    records = [record(SPEC, 1, seconds=4.0), record({**SPEC, "spread": "PodAffinity"}, 1, seconds=4.0)]
    assert sorted(column(cells(records), "spread over nodes")) == ["DoNotSchedule", "PodAffinity"]


def test_cells_table_compares_backends_with_each_other() -> None:
    specs = [{**SPEC, "backend": name} for name in ("job", "jobset", "trainjob")]
    table = cells(ledgers.study(specs, blocks=5))
    assert column(table, "backend") == ["job", "jobset", "trainjob"]
    assert column(table, "against the fastest (95 % CI)").count("fastest") == 1


def test_cells_table_splits_the_time_to_accuracy_into_its_factors() -> None:
    table = cells(ledgers.to_accuracy())
    assert column(table, "runs at the target") == ["5 of 5", "5 of 5", "5 of 5", "3 of 5"]
    times = column(table, "time to accuracy [s] (95 % CI)")
    assert [time.partition(" ")[0] for time in times] == ["3.98", "2.55", "3.21", "-"]
    assert column(table, "steps to accuracy") == ["1,460", "1,560", "1,860", "1,960"]
    assert [float(one) for one in column(table, "time per step [ms]")] == pytest.approx(
        [2.73, 1.67, 1.72, 1.83], rel=0.02
    )
    against = column(table, "against the fastest (95 % CI)")
    assert against[1] == "fastest"
    assert against[3].startswith("at least 1.")
    assert against[3].endswith(" times, does not always reach the target")
    assert "time to accuracy [s] (95 % CI)" not in cells(ledgers.mnist()).heads


def test_cells_csv_tells_what_is_censored() -> None:
    found = study(ledgers.to_accuracy())
    rows = {row["workers"]: row for row in parsed(tables.csv(tables.cell_rows(found, answer.answers(found))))}
    assert [rows[n]["runs_censored"] for n in ("1", "2", "4", "8")] == ["0", "0", "0", "2"]
    assert rows["8"]["against_fastest"] == "not always reached"
    assert float(rows["8"]["against_fastest_at_least"]) > 1.2
    assert (rows["8"]["against_fastest_ratio"], rows["2"]["against_fastest_at_least"]) == ("", "")
    two = {
        key: float(rows["2"][f"{key}_median"])
        for key in ("seconds_to_accuracy", "steps_to_accuracy", "seconds_per_step_to_accuracy")
    }
    assert two["seconds_to_accuracy"] == pytest.approx(
        two["steps_to_accuracy"] * two["seconds_per_step_to_accuracy"], rel=0.05
    )


def test_cells_table_leaves_out_cells_that_were_never_measured() -> None:
    assert cells([void(SPEC, 1, "killed")]).rows == ()


def test_cells_table_with_too_few_runs_cannot_tell() -> None:
    table = cells([record({**SPEC, "workers": n}, 1, seconds=4.0) for n in (1, 2)])
    assert column(table, "against the fastest (95 % CI)") == ["cannot tell", "cannot tell"]
    assert column(table, "training time [s] (95 % CI)") == ["4.00", "4.00"]


@pytest.mark.parametrize(
    ("specs", "heads"),
    [
        (space(), ("nodes", "ps", "workers")),
        (space(strategy=["async_ps", "sync_ps"]), ("strategy", "nodes", "ps", "workers")),
        (space(cluster=["a", "b"], nodes=[1, 2]), ("cluster", "nodes", "ps", "workers")),
        (space(nodes=[None]), ("ps", "workers")),
        (space(variant=["before", "after"]), ("variant", "nodes", "ps", "workers")),
    ],
    ids=["one cell", "strategy", "cluster and nodes", "nodes not known", "variants"],
)
def test_cells_table_names_what_varies_and_the_nodes(specs: list[dict[str, Any]], heads: tuple[str, ...]) -> None:
    table = cells([record(spec, 1, seconds=4.0) for spec in specs])
    assert table.heads[: table.heads.index("runs")] == heads


def test_cells_table_has_a_row_for_each_variant() -> None:
    specs = [{**SPEC, "variant": "before"}, {**SPEC, "variant": "after", "batch_size": 40}]
    table = cells([record(spec, block, seconds=4.0) for block in (1, 2) for spec in specs])
    assert column(table, "variant") == ["after", "before"]
    assert column(table, "runs") == ["2", "2"]


def test_cells_table_shows_a_dash_for_what_was_not_seen() -> None:
    table = cells([record(SPEC, 1, seconds=4.0, timings={"train_seconds": 4.0})])
    assert table.rows[0][-7:] == ("cannot tell", "-", "-", "-", "not known", "-", "-")


@pytest.mark.parametrize(
    ("spent", "share"), [({"compute": 1.0, "ps": 3.0}, 0.75), ({"compute": 0.0}, None), (None, None)]
)
def test_cell_rows_have_the_shares_of_the_workers_time(spent: Any, share: float | None) -> None:
    one = record(SPEC, 1, seconds=4.0)
    one["timings"]["spent_seconds"] = spent
    found = study([one])
    (row,) = tables.cell_rows(found, answer.answers(found))
    assert row["share_ps"] == share


def test_cells_table_names_the_cause() -> None:
    one = with_usage(record(SPEC, 1, seconds=4.0), busy=0.98, own=0.8)
    assert column(cells([one]), "cause") == ["processors 98 %"]
    found = study([one])
    (row,) = tables.cell_rows(found, answer.answers(found))
    assert (row["cause"], row["utilisation_processors"]) == ("processors", 0.98)
    assert row["ceiling_steps_per_second"] == pytest.approx(500 / 0.8)
    assert column(cells([record(SPEC, 1, seconds=4.0)]), "cause") == ["not known"]


@pytest.mark.parametrize(
    ("timings", "expected"),
    [
        ({"train_seconds": 4.0, "cpu_seconds": 8.0, "global_steps": 2000}, 4.0),
        ({"train_seconds": 4.0, "cpu_seconds": 8.0, "global_steps": 0}, None),
        ({"train_seconds": 4.0, "cpu_seconds": 8.0}, None),
        ({"train_seconds": 4.0, "global_steps": 2000}, None),
    ],
)
def test_cpu_milliseconds_is_for_one_step(timings: dict[str, Any], expected: float | None) -> None:
    cell = study([record(SPEC, 1, seconds=4.0, timings=timings)]).cells[0]
    assert tables.thousand(cell.cpu_seconds_per_step) == expected


def test_void_table_says_why_and_what_came_after() -> None:
    table = tables.doubtful_table(study(ledgers.mnist()), "void")
    assert [row[:5] for row in table.rows] == [
        ("ps=1 workers=4", "2", "1", "worker 2 was killed by signal 9 after step 640", "attempt 2: valid"),
        ("ps=4 workers=4", "1", "1", "ps 3 exited with code 1: no free port", "not run again"),
        ("ps=4 workers=4", "2", "1", "ps 3 exited with code 1: no free port", "not run again"),
    ]
    assert all(row[5].startswith("logs/") and row[5].endswith("/attempt-1") for row in table.rows)


def test_void_table_without_a_reason_says_so() -> None:
    table = tables.doubtful_table(study([record(SPEC, 1, seconds=4.0, verdict="void")]), "void")
    assert table.rows[0][3] == "no reason was recorded"


def test_suspect_table_has_no_afterwards() -> None:
    table = tables.doubtful_table(study(ledgers.mnist()), "suspect")
    assert table.heads == ("cell", "block", "attempt", "why", "logs")
    assert table.rows[0][3] == "CPU steal was 14 %, more than 10 %"


@pytest.mark.parametrize(("reasons", "shown"), [(["a"], "a"), ([], "no reason was recorded")])
def test_failed_table_gives_the_last_reason(reasons: list[str], shown: str) -> None:
    records = [void(SPEC, 1, "an earlier one") if reasons else record(SPEC, 1, seconds=4.0, verdict="void")]
    records.append(record(SPEC, 2, seconds=4.0, verdict="void", reasons=reasons))
    assert tables.failed_table(study(records)).rows == (("ps=1 workers=1", "2", shown),)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, {}),
        ({"a": 1, "b": {"c": 2, "d": {"e": None}}}, {"a": 1, "b_c": 2, "b_d_e": None}),
        ({"a": [1, "x"]}, {"a": "1; x"}),
        ({"a": [{"b": 1}], "c": []}, {"c": ""}),
    ],
)
def test_joined(value: dict[str, Any], expected: dict[str, Any]) -> None:
    assert joined(value) == expected


def test_provenance_table_shows_a_fact_once_and_a_change_with_its_ends() -> None:
    records = [record(SPEC, block, seconds=4.0, number=block) for block in (1, 2, 3)]
    records[2]["provenance"]["kernel"] = "6.12.0"
    rows = {row[0]: row[1] for row in tables.provenance_table(study(records).runs).rows}
    assert rows["processor"] == PROVENANCE["cpu_model"]
    assert rows["packages tensorflow"] == "2.21.0"
    assert rows["kernel"] == f"{PROVENANCE['kernel']} to 6.12.0 (2 values)"


def test_provenance_table_shows_when_the_runs_were_recorded() -> None:
    records = [record(SPEC, n, seconds=4.0, provenance={"recorded_wall": 1_790_000_000 + 600 * n}) for n in (0, 1)]
    rows = tables.provenance_table(study(records).runs).rows
    assert rows == (("recorded", "2026-09-21 14:13 UTC to 2026-09-21 14:23 UTC (2 values)"),)


def test_provenance_table_leaves_out_what_is_not_known() -> None:
    records = [record(SPEC, 1, seconds=4.0, provenance={"git_commit": None, "kernel": "6.1"})]
    assert tables.provenance_table(study(records).runs).rows == (("kernel", "6.1"),)


def test_run_rows_hold_every_recorded_run_void_ones_too() -> None:
    records = ledgers.mnist()
    rows = parsed(tables.csv(run_rows(study(records).runs)))
    assert [row["run_id"] for row in rows] == [record["run_id"] for record in records]
    assert [row["verdict"] for row in rows].count("void") == 3
    assert rows[0]["train_seconds"] == str(records[0]["timings"]["train_seconds"])
    assert rows[0]["evidence_host_steal_share"] == "0.01"


def test_rows_of_a_ledger_of_version_0_3_are_those_of_this_version() -> None:
    resources = {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}
    text = '{"limits": {"memory": "1Gi"}, "requests": {"cpu": "1"}}'
    old = [record({**SPEC, "ps_resources": text}, block, seconds=4.0) for block in (1, 2, 3)]
    new = [{**one, "spec": {**SPEC, "ps_resources": resources}} for one in old]
    before, after = (study(records) for records in (old, new))
    assert list(run_rows(after.runs)) == list(run_rows(before.runs))
    answers = answer.answers(before), answer.answers(after)
    assert tables.cell_rows(after, answers[1]) == tables.cell_rows(before, answers[0])
    assert parsed(tables.csv(run_rows(after.runs)))[0]["ps_resources"] == text


def test_run_rows_keep_whole_numbers_whole_beside_missing_ones() -> None:
    rows = parsed(tables.csv(run_rows(study(ledgers.mnist()).runs)))
    assert {row["global_steps"] for row in rows} == {"", "2000", "2001", "2003"}


def test_run_rows_keep_commas_quotes_and_lines_inside_one_field() -> None:
    reason = 'exit "1", then\nmore'
    rows = parsed(tables.csv(run_rows(study([void(SPEC, 1, reason)]).runs)))
    assert rows[0]["reasons"] == reason


def test_cell_rows_name_the_rank_of_every_cell() -> None:
    found = study(ledgers.mnist())
    rows = parsed(tables.csv(tables.cell_rows(found, answer.answers(found))))
    assert {(row["ps"], row["workers"]): row["against_fastest"] for row in rows} == {
        ("1", "1"): "slower",
        ("1", "2"): "cannot tell",
        ("1", "4"): "slower",
        ("2", "2"): "fastest",
        ("2", "4"): "cannot tell",
        ("4", "4"): "cannot tell",
    }
    failed = rows[-1]
    assert (failed["runs_measured"], failed["runs_void"], failed["train_seconds_median"]) == ("0", "2", "")


def test_cell_rows_agree_with_the_table_for_readers() -> None:
    found = study(ledgers.mnist())
    answers = answer.answers(found)
    medians = [f"{row['train_seconds_median']:.1f}" for row in tables.cell_rows(found, answers) if row["runs_measured"]]
    shown = column(tables.cells_table(found, answers), "training time [s] (95 % CI)")
    assert [text.split()[0] for text in shown] == medians


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", '=cmd|"/c calc"!A1', "+1", "-1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\r\n=1", "=", "--x"),
        *("\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20a"),
    ],
)
def test_csv_text_is_never_a_formula(text: str) -> None:
    written = tables.csv([{"cell_id": "a", text: 1, "variant": text, "after": "b"}])
    [row] = csv.DictReader(io.StringIO(written, newline=""))
    shown = "'" + text.replace("\r\n", "\n").replace("\r", "\n")
    assert row == {"cell_id": "a", shown: "1", "variant": shown, "after": "b"}


@pytest.mark.parametrize(
    "text", ["a=1", "1-2", "a\r=1", "a\r\n=1", "a\n=1", "a,=1", 'a"=1', "'=1", " a", "", "0", "1e5"]
)
def test_csv_text_begins_no_cell_and_no_row_within(text: str) -> None:
    """Also for a reader to which a lone carriage return is the end of a row."""
    written = tables.csv([{"cell_id": "a", "variant": text, "after": "b"}])
    rows = list(csv.reader(io.StringIO(written.replace("\n", "\r\n"), newline="")))
    assert "\r" not in written
    assert rows[1:] == [["a", text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n"), "b"]]


@pytest.mark.parametrize(
    ("number", "shown"), [(-1, "-1"), (-0.5, "-0.5"), (0, "0"), (1e-9, "1e-09"), (None, ""), (True, "True")]
)
def test_csv_number_stays_a_number(number: Any, shown: str) -> None:
    assert tables.csv([{"cell_id": "a", "x": number}]) == f"cell_id,x\na,{shown}\n"


def test_csv_of_a_ledger_has_no_formula_in_either_file() -> None:
    spec = {**SPEC, "variant": "=1+1", "@key": "+1"}
    records = [*ledgers.study([{**spec, "workers": n} for n in (1, 2)]), void({**spec, "workers": 4}, 1, "@why")]
    records[0]["timings"]["loss"] = -0.25
    found = study([{**one, "study": "-s"} for one in records])
    for rows in (run_rows(found.runs), tables.cell_rows(found, answer.answers(found))):
        for row in csv.reader(io.StringIO(tables.csv(rows))):
            assert [cell for cell in row if cell[:1] in tuple("=+@-") and not cell.startswith("-0.")] == []
    assert "-0.25" in tables.csv(run_rows(found.runs))


def test_csv_of_nothing_is_an_empty_line() -> None:
    assert tables.csv([]) == "\n"


def test_nodes_table_tells_what_nodes_have_and_how_many_runs_used_them() -> None:
    nodes = [{"name": "a", "cpus": 0.9, "memory_bytes": 4 * 2**30}, {"name": "b", "cpus": None, "memory_bytes": None}]
    records = []
    for block in (1, 2):
        run = record({**SPEC, "cluster": "kind"}, block, seconds=4.0)
        run["provenance"] = {**PROVENANCE, "nodes": nodes, "probed_cpus": {"a": 0.88}}
        run["evidence"] = {"replicas": [{"node": "a"}, {"node": "a"}]}
        records.append(run)
    table = tables.nodes_table(study(records))
    assert table.rows == (
        ("kind", "a", "0.900", "0.880", "4.0 GiB", "2"),
        ("kind", "b", "-", "-", "-", "0"),
    )
    assert not any(
        "nodes" in what or "probed" in what for what, _value in tables.provenance_table(study(records).runs).rows
    )


@pytest.mark.parametrize("odd", [None, "two", [1], {"name": "a"}])
def test_nodes_table_of_odd_provenance_is_empty(odd: Any) -> None:
    run = record(SPEC, 1, seconds=4.0)
    run["provenance"] = {**PROVENANCE, "nodes": odd, "probed_cpus": odd}
    assert tables.nodes_table(study([run])).rows == ()


def test_cells_table_has_a_column_of_costs_with_prices_only() -> None:
    nodes = {"nodes": [{"name": "n", "machine_type": "a"}]}
    timings = {"train_seconds": 30.0, "total_seconds": 36.0}
    records = [record(SPEC, block, seconds=1.0, timings=timings, provenance=nodes) for block in (1, 2, 3)]
    found = model.study_of(records, "x", prices={"a": 2.0}, currency="USD")
    said = answer.answers(found)
    assert column(tables.cells_table(found, said), "cost of a run [USD]") == ["0.020"]
    [row] = tables.cell_rows(found, said)
    assert (row["cost_median"], row["currency"]) == (pytest.approx(0.02), "USD")
    assert not [head for head in cells(records).heads if "cost" in head]


def test_nodes_table_names_the_types_where_a_cloud_has_told_them() -> None:
    nodes = {
        "nodes": [{"name": "a", "machine_type": "e2", "cpus": 4.0}, {"name": "b", "machine_type": None, "cpus": 2.0}]
    }
    table = tables.nodes_table(study([record(SPEC, 1, seconds=4.0, provenance=nodes)]))
    assert table.heads[:4] == ("cluster", "node", "type", "processors (allocatable)")
    assert column(table, "type") == ["e2", "-"]
    assert column(table, "processors (allocatable)") == ["4.00", "2.00"]
    assert {3, 4, 5, 6} == table.numeric
