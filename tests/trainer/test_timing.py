"""Clocks, speed and what a process has used."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainer.timing import SpeedMeter, Usage, throttled_seconds


def test_speed_meter_measures_between_looks() -> None:
    times = iter([10.0, 12.0, 12.0, 13.0])
    meter = SpeedMeter(lambda: next(times))
    assert [meter.look(step) for step in (0, 100, 100, 150)] == [None, 50.0, None, 50.0]


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("0::/pod/a\n", {"pod/a/cpu.stat": "usage_usec 9\nthrottled_usec 2500000\n"}, 2.5),
        ("0::/\n", {"cpu.stat": "throttled_usec 1000\n"}, 0.001),
        ("4:cpu,cpuacct:/x\n", {"cpu,cpuacct/x/cpu.stat": "nr_throttled 1\nthrottled_time 3000000000\n"}, 3.0),
        ("1:cpu:/not/mounted\n0::/\n", {"cpu/cpu.stat": "throttled_time 500000000\n"}, 0.5),
        ("0::/\n", {"cpu.stat": "usage_usec 9\n"}, 0.0),
        ("0::/\n", {"cpu.stat": "throttled_usec x\n"}, 0.0),
        ("0::/\n", {}, 0.0),
    ],
)
def test_throttled_seconds_of_both_versions(
    tmp_path: Path, membership: str, files: dict[str, str], expected: float
) -> None:
    (tmp_path / "cgroup").write_text(membership)
    for name, text in files.items():
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_text(text)
    assert throttled_seconds(tmp_path / "root", tmp_path / "cgroup") == expected


def test_throttled_seconds_without_cgroups(tmp_path: Path) -> None:
    assert throttled_seconds(tmp_path, tmp_path / "missing") == 0.0


def test_usage_counts_throttling_since_it_was_made(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text("0::/\n")
    (tmp_path / "cpu.stat").write_text("throttled_usec 4000000\n")
    usage = Usage(cgroup_root=tmp_path, membership=tmp_path / "cgroup")
    (tmp_path / "cpu.stat").write_text("throttled_usec 5500000\n")
    figures = usage.figures()
    assert figures["throttled_seconds"] == 1.5
    assert figures["cpu_seconds"] > 0
    assert figures["rss_peak_bytes"] > 1_000_000
