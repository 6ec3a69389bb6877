# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The launcher with small programs in place of the trainer, and once with the trainer itself."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from trainer import launch, network, procfs, replicas
from trainer.network import LaunchError
from trainer.replicas import Request

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60


def run(run_dir: Path, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trainer.launch", "--run_dir", str(run_dir), *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False, **options)


def run_shell(run_dir: Path, script: str, *words: str, ps: int = 1, workers: int = 2) -> Any:
    size = ["--ps", str(ps), "--workers", str(workers)]
    return run(run_dir, *size, *words, "--command", "--", "sh", "-c", script)


def state_of(run_dir: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((run_dir / "state.json").read_text())
    return state


def test_run_gives_every_replica_its_place(tmp_path: Path) -> None:
    # The run ends with its workers, so they wait until the parameter server has written all of it.
    script = (
        'env; cat /proc/self/status; [ "$JOB_NAME" = worker ] || exec sleep 60;'
        ' until grep -q ctxt "$TFSCALE_RUN_DIR/ps-0.log"; do sleep 0.01; done'
    )
    done = run_shell(tmp_path / "run", script, "--threads", "3", "--env", "A=b=c")
    assert done.returncode == 0, done
    hosts: dict[str, list[str]] = {"ps": [], "worker": []}
    for one in state_of(tmp_path / "run")["replicas"]:
        hosts[one["replica"]].append(one["host"])
    assert len({*hosts["ps"], *hosts["worker"]}) == 3
    for job, index in (("ps", 0), ("worker", 0), ("worker", 1)):
        log = (tmp_path / "run" / f"{job}-{index}.log").read_text()
        said = dict(line.split("=", 1) for line in log.splitlines() if "=" in line)
        assert json.loads(said["TF_CONFIG"]) == {"cluster": hosts, "task": {"type": job, "index": index}}
        assert (said["PS_HOSTS"], said["WORKER_HOSTS"]) == tuple(",".join(hosts[kind]) for kind in ("ps", "worker"))
        assert (said["JOB_NAME"], said["TASK_INDEX"], said["JOB_COMPLETION_INDEX"]) == (job, str(index), str(index))
        assert (said["OMP_NUM_THREADS"], said["A"]) == ("3", "b=c")
        assert said["TFSCALE_RUN_DIR"] == str(tmp_path / "run")


def run_request(run_dir: Path, script: str, **fields: Any) -> Any:
    """Run a request that has fields of no flag, as a playbook does."""
    code = """
import json, sys
from trainer.launch import run
from trainer.network import LaunchError
from trainer.replicas import Request
try:
    sys.exit(run(Request(**json.loads(sys.argv[1])), owner_pid=0, deadline=30))
except LaunchError as error:
    sys.exit(str(error))
"""
    request = {"run_dir": str(run_dir), "ps": 0, "workers": 2, "command": True, "argv": ["sh", "-c", script], **fields}
    command = [sys.executable, "-c", code, json.dumps(request)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)


def test_workers_find_the_environment_with_the_chief_and_their_index(tmp_path: Path) -> None:
    environment = {
        "MASTER_ADDR": "{chief_host}",
        "JAX_COORDINATOR_ADDRESS": "{chief_host}:{chief_port}",
        "RANK": "{index}",
        "A": "1",
    }
    said = 'echo "$MASTER_ADDR $JAX_COORDINATOR_ADDRESS $RANK $A"; [ "$JOB_NAME" = worker ] || exec sleep 60'
    done = run_request(tmp_path / "run", said, environment=environment, env={"A": "own"}, ps=1)
    assert done.returncode == 0, done
    chief = next(one["host"] for one in state_of(tmp_path / "run")["replicas"] if one["replica"] == "worker")
    logs = [(tmp_path / "run" / f"{name}.log").read_text().split() for name in ("worker-0", "worker-1", "ps-0")]
    assert logs == [["127.0.0.1", chief, "0", "own"], ["127.0.0.1", chief, "1", "own"], ["own"]]


@pytest.mark.parametrize(
    ("code", "states"), [(0, ["succeeded", "stopped", "stopped"]), (3, ["failed", "stopped", "stopped"])]
)
def test_run_with_a_chief_ends_with_it(tmp_path: Path, code: int, states: list[str]) -> None:
    script = f'echo "$TF_CONFIG"; [ "$JOB_NAME$TASK_INDEX" = worker0 ] || exec sleep 60; sleep 0.5; exit {code}'
    done = run_request(tmp_path / "run", script, ps=1, chief=True)
    assert done.returncode == code, done
    state = state_of(tmp_path / "run")
    by_name = {f"{one['replica']}-{one['index']}": one for one in state["replicas"]}
    assert [by_name[name]["state"] for name in ("worker-0", "worker-1", "ps-0")] == states
    assert state["chief"] is True
    said = {name: json.loads((tmp_path / "run" / f"{name}.log").read_text()) for name in by_name}
    hosts = {name: one["host"] for name, one in by_name.items()}
    cluster = {"ps": [hosts["ps-0"]], "chief": [hosts["worker-0"]], "worker": [hosts["worker-1"]]}
    assert all(one["cluster"] == cluster for one in said.values())
    tasks = {name: (one["task"]["type"], one["task"]["index"]) for name, one in said.items()}
    assert tasks == {"worker-0": ("chief", 0), "worker-1": ("worker", 0), "ps-0": ("ps", 0)}


def test_run_keeps_the_times_at_which_its_log_grew(tmp_path: Path) -> None:
    began = time.time()
    done = run_request(tmp_path / "run", "echo one; sleep 0.4; printf 'two\\n'", workers=1, arrivals=True)
    assert done.returncode == 0, done
    (first, early), (last, late) = (line.split() for line in (tmp_path / "run/worker-0.times").read_text().splitlines())
    assert (first, last) == ("4", "8")
    assert began < float(early) < float(late) < time.time()
    assert 0.3 < float(late) - float(early) < 3
    # The next attempt finds a folder that it knows.
    assert run_request(tmp_path / "run", "true", workers=1).returncode == 0


def test_a_run_of_which_only_a_part_could_start_is_stopped_and_forgotten(tmp_path: Path) -> None:
    code = """
import sys
from trainer.launch import Launcher
from trainer.network import LaunchError
from trainer.replicas import Group, Request
from trainer.run_folder import RunFolder
def refuse(folder, name, open_log=RunFolder.open_log):
    if name == "worker-1.log":
        raise LaunchError("no room")
    return open_log(folder, name)
RunFolder.open_log = refuse
launcher = Launcher()
argv = ["sleep", "60"]
group = Group(Request(run_dir=sys.argv[1], ps=0, workers=2, command=True, argv=argv, arrivals=True))
try:
    launcher.start(group)
except LaunchError as error:
    print(error, len(launcher.groups))
while launcher.groups:
    launcher.step()
print("over")
"""
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.stdout.splitlines() == ["no room 1", "over"], done


def test_run_tells_states_and_use_of_every_replica(tmp_path: Path) -> None:
    burn = '[ "$JOB_NAME" = worker ] || exec sleep 60; i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done'
    assert run_shell(tmp_path / "run", burn).returncode == 0
    state = state_of(tmp_path / "run")
    ps, *workers = state["replicas"]
    assert (ps["state"], ps["signal"]) == ("stopped", 15)
    for worker in workers:
        assert (worker["state"], worker["exit_code"]) == ("succeeded", 0)
        assert worker["cpu_seconds"] > 0
        assert worker["rss_peak_bytes"] > 0
    assert state["started_wall"] <= workers[0]["started_wall"] <= workers[0]["ended_wall"] <= state["ended_wall"]
    assert state["calibration"]["kernel"].startswith("integers-1 on Python 3.")
    assert state["calibration"]["seconds"] > 0
    start, end = state["host"]["start"], state["host"]["end"]
    assert all(end[key] >= start[key] for key in ("wall", "busy_seconds", "steal_seconds", "total_seconds"))


@pytest.mark.parametrize("umask", [0o027, 0o077])
def test_run_writes_with_the_umask(tmp_path: Path, umask: int) -> None:
    assert run(tmp_path / "new" / "run", "--ps", "0", "--command", "--", "true", umask=umask).returncode == 0
    found = {path: path.stat().st_mode & 0o777 for path in (tmp_path / "new", *(tmp_path / "new").rglob("*"))}
    assert {"state.json", "worker-0.log"} <= {path.name for path in found}
    assert found == {path: (0o777 if path.is_dir() else 0o666) & ~umask for path in found}


@pytest.mark.parametrize(
    ("script", "code", "first", "line"),
    [
        (
            "[ $JOB_NAME$TASK_INDEX = worker1 ] && exit 7; exec sleep 60",
            7,
            ("worker", 1),
            "worker 1 exited with code 7",
        ),
        ("[ $JOB_NAME = ps ] && kill -9 $$; exec sleep 60", 137, ("ps", 0), "ps 0 was killed by signal 9"),
        ("[ $JOB_NAME = ps ] && exit 0; exec sleep 60", 1, ("ps", 0), "ps 0 exited with code 0"),
    ],
)
def test_run_ends_with_its_first_failure(
    tmp_path: Path, script: str, code: int, first: tuple[str, int], line: str
) -> None:
    done = run_shell(tmp_path / "run", script)
    assert done.returncode == code
    assert line in done.stdout
    state = state_of(tmp_path / "run")
    assert state["first_failure"] == {"replica": first[0], "index": first[1]}
    assert sorted(one["state"] for one in state["replicas"]) == ["failed", "stopped", "stopped"]


def test_run_shows_nothing_of_a_log_that_acts_on_a_terminal(tmp_path: Path) -> None:
    done = run_shell(tmp_path / "run", r"printf '\033]0;t\007\033[31mno\342\200\256 room'; exit 3", ps=0, workers=1)
    assert "room" in done.stdout
    assert done.stdout.strip().isprintable()


def test_run_passes_over_a_deaf_program(tmp_path: Path) -> None:
    """A program that ignores SIGTERM is killed when its grace is over."""
    deaf = "$TFSCALE_RUN_DIR/deaf"
    # The worker ends when the ps hears nothing any more: on a busy machine the one may be started long before the other.
    worker = f"until [ -e {deaf} ]; do sleep 0.01; done; exit 0"
    script = f"trap '' TERM; if [ $JOB_NAME = worker ]; then {worker}; fi; : >{deaf}; while :; do sleep 1; done"
    assert run_shell(tmp_path / "run", script, workers=1).returncode == 0
    assert state_of(tmp_path / "run")["replicas"][0]["signal"] == 9


def test_run_stops_at_its_deadline(tmp_path: Path) -> None:
    done = run_shell(tmp_path / "run", "exec sleep 60", "--deadline", "0.2")
    assert done.returncode == 124
    assert "stopped at the deadline of 0.2 s" in done.stdout


def test_run_empties_the_folder_of_an_earlier_run(tmp_path: Path) -> None:
    for _attempt in range(2):
        assert (
            run_shell(tmp_path / "run", "[ $JOB_NAME = worker ] || exec sleep 60; ls $TFSCALE_RUN_DIR").returncode == 0
        )
        assert "checkpoint" not in (tmp_path / "run" / "worker-0.log").read_text()
        (tmp_path / "run" / "checkpoint").touch()


def test_run_leaves_a_folder_of_somebody_else_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    done = run_shell(tmp_path, "true")
    assert (done.returncode, (tmp_path / "thesis.txt").read_text()) == (2, "precious")
    assert "give a new or empty directory" in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--workers", "0"], "workers is 0, but must be a whole number of at least 1"),
        (["--ps", "-1"], "ps is -1, but must be a whole number of at least 0"),
        (["--workers", "two"], "argument --workers: invalid int value: 'two'"),
        (["--env", "broken"], "--env is 'broken', but must be NAME=VALUE"),
        (["--port_range", "9-1"], "training_port_range is '9-1', but must be FIRST-LAST"),
        (["--command"], "--command is given, but no program follows"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_run_refuses_bad_input_in_one_sentence(tmp_path: Path, words: list[str], sentence: str) -> None:
    program = [] if words == ["--command"] else ["--command", "--", "true"]
    done = run(tmp_path / "run", *words, *program)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "run" / "state.json").exists()


def test_run_names_a_program_that_is_missing(tmp_path: Path) -> None:
    done = run(tmp_path / "run", "--ps", "0", "--command", "--", "/no/such/program")
    assert done.returncode == 127
    assert "/no/such/program cannot be started: No such file or directory" in done.stdout


def test_run_without_tensorflow_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("raise ModuleNotFoundError('gone', name='tensorflow')")
    done = run(tmp_path / "run", "--ps", "1", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2
    assert "(training_python) cannot import tensorflow; `make setup-trainer`" in done.stderr


@pytest.mark.slow
def test_run_trains_from_one_import(tmp_path: Path) -> None:
    shape = ["--dataset", "synthetic", "--train_steps", "20", "--batch_size", "10"]
    done = run(tmp_path / "run", "--ps", "1", "--workers", "2", "--threads", "1", "--", *shape)
    assert done.returncode == 0, done
    events = [
        json.loads(line.removeprefix(":::TFSCALE "))
        for line in (tmp_path / "run" / "worker-0.log").read_text().splitlines()
        if line.startswith(":::TFSCALE ")
    ]
    times = {event["event"]: event["mono"] for event in events}
    assert times["imported"] - times["process_start"] < times["exit"] - times["process_start"]
    assert {"start_line", "target_reached", "summary", "exit"} <= set(times)
    assert list((tmp_path / "run" / "events").iterdir())


def test_free_ports_differ_and_come_from_the_range() -> None:
    ports = network.free_ports(5, "")
    assert len(set(ports)) == 5
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        first = taken.getsockname()[1]
        with pytest.raises(LaunchError, match="choose another range with training_port_range"):
            network.free_ports(1, f"{first}-{first}")


@pytest.mark.parametrize("port_range", ["0-10", "20-10", "1-65536", "a-b", "5", "-"])
def test_free_ports_refuses_what_is_no_range(port_range: str) -> None:
    with pytest.raises(LaunchError, match=r"training_port_range is .* must be FIRST-LAST"):
        network.free_ports(1, port_range)


@pytest.mark.parametrize(
    ("position", "cpus", "expected"),
    [
        (0, 0, None),
        (0, 1, {2}),
        (1, 1, {3}),
        (5, 1, {7}),
        (6, 1, {2}),
        (1, 2, {4, 5}),
        (1, 4, {6, 7, 2, 3}),
        (0, 6, None),
    ],
)
def test_processors_are_dealt_out_round_robin(
    monkeypatch: pytest.MonkeyPatch, position: int, cpus: int, expected: set[int] | None
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {2, 3, 4, 5, 6, 7})
    assert replicas.processors(position, cpus) == expected


@pytest.mark.parametrize(
    "change", [{"ps": True}, {"workers": 1.0}, {"threads": -1}, {"cpus": "2"}, {"run_dir": "here"}, {"command": True}]
)
def test_request_refuses_what_cannot_be_started(change: dict[str, Any]) -> None:
    with pytest.raises(LaunchError):
        Request(**{"run_dir": "/run", "ps": 1, "workers": 1, **change})


def test_identity_names_a_process_for_good() -> None:
    sleeper = subprocess.Popen(["sleep", "60"])
    who = procfs.identity(sleeper.pid)
    assert procfs.is_alive(who)
    assert not procfs.is_alive(f"{sleeper.pid}:1")
    sleeper.kill()
    sleeper.wait()
    assert not procfs.is_alive(who)
    assert not procfs.is_alive("")


def test_reap_orphans_takes_only_those_whose_launcher_is_gone() -> None:
    def sleeper(mark: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["sleep", "60"], env={**os.environ, "TFSCALE_LAUNCHER": mark})

    orphan, kept = sleeper("4194300:1"), sleeper(procfs.identity(os.getpid()))
    try:
        # Tests beside this one leave orphans, too.
        reaped = procfs.reap_orphans()
        assert orphan.pid in reaped
        assert kept.pid not in reaped
        assert orphan.wait() == -9
        assert kept.poll() is None
    finally:
        for one in (orphan, kept):
            one.kill()
            one.wait()


def test_main_without_a_folder_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert launch.main(["--workers", "1", "--command", "--", "true"]) == 2
    assert "run_dir is ''" in capsys.readouterr().err


def test_free_ports_are_none_that_an_outgoing_connection_could_take() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(port < lowest for port in network.free_ports(20, ""))


def test_exits_ends_a_group_while_its_number_is_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader that was reaped may have given its number to somebody else's group."""
    leader = subprocess.Popen(["sh", "-c", "sleep 60 & exit 3"], start_new_session=True)
    other = subprocess.Popen(["true"], start_new_session=True)
    unreaped: dict[int, bool] = {}
    really_kill = os.killpg

    def kill(group: int, number: int) -> None:
        unreaped[group] = Path(f"/proc/{group}").exists()
        really_kill(group, number)

    monkeypatch.setattr(os, "killpg", kill)
    ended: list[int] = []
    while len(ended) < 2:
        ended += [one.pid for one in launch._exits({leader.pid})]
    assert unreaped == {leader.pid: True}
    assert set(ended) == {leader.pid, other.pid}


def test_serve_leaves_files_alone_that_are_no_launchers(tmp_path: Path) -> None:
    for name in ("file", "file.lock", "file.log"):
        for other in ("file", "file.lock", "file.log"):
            (tmp_path / other).unlink(missing_ok=True)
        (tmp_path / name).write_text("precious")
        served = serve(tmp_path / "file")
        if name != "file.log":
            assert served.wait(timeout=SECONDS) == 2
            assert f"{tmp_path / name}" in served.stderr.read()
        else:
            stop(served)
        assert (tmp_path / name).read_text() == "precious"


def test_serve_takes_the_place_of_a_socket_that_nobody_answers(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "s"))
    stop(serve(tmp_path / "s"))
    assert list(tmp_path.iterdir()) == []


def test_serve_does_not_take_the_place_of_a_socket_in_use(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as used:
        used.bind(str(tmp_path / "s"))
        used.listen()
        served = serve(tmp_path / "s")
        assert served.wait(timeout=SECONDS) == 2
        assert f"{tmp_path / 's'} (--serve) is a file, or a socket in use" in served.stderr.read()
    assert (tmp_path / "s").exists()


def serve(path: Path) -> Any:
    command = [sys.executable, "-m", "trainer.launch", "--serve", str(path)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def stop(served: Any) -> None:
    """Once it answers."""
    path = Path(served.args[-1])
    while True:
        with socket.socket(socket.AF_UNIX) as client:
            if client.connect_ex(str(path)) == 0:
                client.sendall(b'{"op": "stop"}\n')
                break
        assert served.poll() is None
        time.sleep(0.01)
    assert served.wait(timeout=SECONDS) == 0


def test_a_launcher_and_its_forked_replicas_say_whose_they_are(tmp_path: Path) -> None:
    """What is only forked shows the environment that its launcher was executed with."""
    launcher = subprocess.Popen(
        [sys.executable, "-c", "from trainer import launch; launch.carry_mark(); print(1, flush=True); input()"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert launcher.stdout is not None
    launcher.stdout.readline()
    assert procfs.environment(launcher.pid)[procfs.LAUNCHER_MARK] == procfs.identity(launcher.pid)
    launcher.communicate(b"\n", timeout=SECONDS)


def test_a_run_that_cannot_tell_its_end_tries_again_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else may have taken the room that was kept for its last word."""
    group = replicas.Group(Request(run_dir=str(tmp_path), ps=0, workers=1, command=True, argv=["true"]))
    group.replicas = [replicas.Replica(replica="worker", index=0, host="", log="", pid=pid_of_the_dead())]
    said: list[dict[str, Any]] = []

    def save(state: dict[str, Any]) -> None:
        said.append(state)
        if len(said) < 4:
            raise LaunchError("the disk is full")

    monkeypatch.setattr(group.folder, "save", save)
    ended = replicas.Exit(pid=group.replicas[0].pid, status=0, usage=resource.getrusage(resource.RUSAGE_SELF))
    group.take([ended], now=10.0)
    assert (group.live, group.is_saved) == ([], False)
    for now, tries, wakes in ((10.0, 2, 11.0), (10.9, 2, 11.0), (11.0, 3, 12.0), (12.5, 4, None)):
        group.enforce(now)
        assert (len(said), group.wake_at()) == (tries, wakes)
    assert group.is_saved
    assert said[-1]["replicas"][0]["reason"] == "the disk is full"
    assert said[-1]["first_failure"] == {"replica": "worker", "index": 0}


def pid_of_the_dead() -> int:
    """The number of a process that lives no more."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid
