# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time, speed and price of sizes that were not measured, and why there are none."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._report import law_words
from ansible_collections.tfscale.study.plugins.module_utils._study.analysis import laws, model, prediction
from ansible_collections.tfscale.study.plugins.module_utils._study.design.sizes import Size
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics import law_choice, queueing

from tests.fixtures import ledgers

NODE = {"name": "n", "machine_type": "e2"}
WORKERS = [1, 2, 4, 8]
DEMANDS = queueing.Demands(processors=0.002)
THINK = 0.006


def predicted(records: list[dict[str, Any]], *sizes: Size, **given: Any) -> list[prediction.Prediction]:
    return prediction.predict(model.study_of(records, "x", **given), sizes)


def study(**lists: Any) -> list[dict[str, Any]]:
    return ledgers.study(ledgers.space(**{"workers": WORKERS, "nodes": [8], **lists}), blocks=5)


def queued(ps: float = 0.0) -> list[dict[str, Any]]:
    """Two processors whose queue makes the times, and records that tell of it; `ps` is the seconds of a processor that the ps needs for a step."""
    found = []
    for record in ledgers.study(ledgers.space(workers=WORKERS), blocks=5):
        workers = record["spec"]["workers"]
        cycle = queueing.step_seconds(DEMANDS.stations(1, 1.0), [THINK], workers)[-1, 0]
        times = record["timings"]["train_seconds"] / ledgers.seconds_of(record["spec"])
        seconds = 2000 * cycle / workers * times
        made = ledgers.record(record["spec"], record["block"], seconds=seconds)
        found.append(
            ledgers.with_usage(
                made,
                busy=DEMANDS.processors * 2000 / seconds,
                own=DEMANDS.processors * 2000 / seconds,
                ps=ps * 2000 / seconds,
            )
        )
    return found


def test_predict_time_speed_and_price() -> None:
    records = study()
    for record in records:
        record["provenance"]["nodes"] = [NODE]
    (one,) = predicted(records, Size(workers=16, ps=1), prices={"e2": 3.6})
    truth = ledgers.seconds_of({"workers": 16, "ps": 1, "nodes": 8})
    assert one.seconds is not None
    assert one.seconds.low < truth < one.seconds.high
    assert one.steps_per_second is not None
    assert one.steps_per_second.center == pytest.approx(2000 / one.seconds.center, rel=1e-3)
    assert one.steps_per_second.low < 2000 / truth < one.steps_per_second.high
    assert one.price is not None
    # A second costs 0.001; the nearest cell starts in 1.3 + 0.08 x 9 s and ends 0.6 s after its training.
    assert one.price.center == pytest.approx(0.001 * (one.seconds.center + 2.62), rel=1e-3)
    assert (one.laws, one.measured, one.refusal) == (("usl",), None, None)


def test_predict_by_the_steps_that_were_asked_for_where_no_log_tells_them() -> None:
    records = study()
    for record in records:
        del record["timings"]["steps_per_second"]
    (one,) = predicted(records, Size(workers=16, ps=1))
    assert one.seconds is not None
    assert one.steps_per_second is not None
    assert one.steps_per_second.center == pytest.approx(2000 / one.seconds.center, rel=1e-9)
    for record in records:
        record["spec"].pop("train_steps", None)
    (one,) = predicted(records, Size(workers=16, ps=1))
    assert one.refusal is not None
    assert (one.refusal.code, one.seconds) == ("no_steps", None)


def test_predict_by_each_measured_number_of_ps_unless_one_is_given() -> None:
    records = study(ps=[1, 2])
    assert [one.size.ps for one in predicted(records, Size(workers=16))] == [1, 2]
    (other,) = predicted(records, Size(workers=16, ps=4))
    assert other.laws == ("ps_aware",)
    assert other.seconds is not None
    (known,) = predicted(records, Size(workers=4, ps=2))
    assert known.measured is not None
    assert known.seconds is not None
    assert known.seconds.low < known.measured < known.seconds.high


def test_predict_names_parameters_at_their_bounds() -> None:
    """Four times the workers, a quarter of the time: there is no serial part."""
    records = [
        ledgers.record({**ledgers.SPEC, "workers": n}, block, seconds=8.0 / n) for n in WORKERS for block in (1, 2, 3)
    ]
    (one,) = predicted(records, Size(workers=16))
    assert law_words.named(one.laws[0], one.bounds[0]) == "Amdahl's law (b = 0)"


def test_predict_other_processors_by_the_queueing_law() -> None:
    as_measured, twice = predicted(queued(), Size(workers=16, ps=1), Size(workers=16, ps=1, processors=4))
    assert as_measured.seconds is not None
    assert twice.seconds is not None
    assert twice.laws == ("queueing",)
    assert "queueing" in as_measured.laws
    # The processors allow 500 and 1000 steps a second.
    assert as_measured.seconds.low < 4.0 < as_measured.seconds.high
    assert twice.seconds.center == pytest.approx(2.1, rel=0.15)
    assert twice.price is None


@pytest.mark.parametrize(("used", "laws_of"), [(0.0002, ("queueing",)), (0.0, ())])
def test_predict_more_ps_by_the_queueing_law_where_their_demand_was_measured(
    used: float, laws_of: tuple[str, ...]
) -> None:
    (one,) = predicted(queued(used), Size(workers=8, ps=2))
    assert one.laws == laws_of
    assert (one.refusal and one.refusal.code) == (None if laws_of else laws.NO_PS)


@pytest.mark.parametrize(
    ("records", "size", "code", "named"),
    [
        (study(), Size(workers=33), laws.BEYOND, "workers is 33 32 8"),
        (study(workers=[8, 16, 32, 64]), Size(workers=1), laws.BELOW, "workers is 1 8"),
        (study(), Size(workers=8, ps=2), laws.NO_PS, "ps is 2 ps=1"),
        (study(ps=[1, 2]), Size(workers=8, ps=9), laws.NO_PS, "ps is 9 ps=1 2"),
        (study(), Size(workers=8, nodes=2), laws.NO_NODES, "nodes is 2 nodes=8"),
        (study(), Size(workers=8, processors=4), laws.NO_PROCESSORS, "processors is 4"),
        (study(workers=[1, 2, 4]), Size(workers=8), law_choice.FEW_SIZES, "1, 2 4"),
        (ledgers.study(ledgers.space(nodes=[1, 2, 3, 4])), Size(workers=8, nodes=2), law_choice.ONE_SIZE, "1"),
        (ledgers.study(ledgers.space(workers=WORKERS)), Size(workers=16), law_choice.MISSED, "beyond 8 workers ps=1"),
    ],
)
def test_predict_refuses_in_words(records: list[dict[str, Any]], size: Size, code: str, named: str) -> None:
    (one,) = predicted(records, size)
    assert one.refusal is not None
    assert (one.refusal.code, one.seconds, one.price) == (code, None, None)
    words = law_words.refusal(one.refusal)
    assert [word for word in named.split() if word not in words] == []
    assert "{" not in words


def test_predict_nothing_from_nothing() -> None:
    assert predicted([], Size(workers=8)) == []
