# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret stands in a specification, other secrets are another one, and nothing else changes."""

from __future__ import annotations

import json
import re
import time

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.design.cell import cell_id
from ansible_collections.tfscale.study.plugins.module_utils._study.records import sealed
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.ledgers import SPEC, record

SEAL = r"sealed:[0-9a-f]{16}"


def test_environment_keeps_names_and_seals_values() -> None:
    one = sealed.environment("mnist", '{"B": "canary", "A": 1}')
    assert re.fullmatch(f"A, B {SEAL}", one)
    assert one == sealed.environment("mnist", '{"A": 1, "B": "canary"}')
    others = [
        ("mnist", '{"B": "canary", "A": 2}'),
        ("mnist", '{"B": "Canary", "A": 1}'),
        ("cifar", '{"B": "canary", "A": 1}'),
    ]
    assert len({one, *(sealed.environment(*other) for other in others)}) == 4
    assert sealed.environment("mnist", one) == one
    assert sealed.environment("mnist", {"A": 1, "B": "canary"}) == one
    assert sealed.environment("mnist", "{}") == "{}"
    assert sealed.environment("mnist", {}) == {}


def test_environment_shows_where_a_value_comes_from() -> None:
    references = '{"A": {"secret": "s", "key": "k"}, "C": {"key": "x", "configmap": "c"}, "B": "canary"}'
    shown = sealed.environment("mnist", references)
    assert re.fullmatch(f"B {SEAL}; A of secret s, key k; C of configmap c, key x", shown)
    assert sealed.environment("mnist", '{"A": {"secret": "s", "key": "k"}}') == "A of secret s, key k"


@pytest.mark.parametrize("key", ["env", "ps_env", "worker_env"])
def test_spec_seals_every_environment(key: str) -> None:
    spec = {**SPEC, key: '{"TOKEN": "canary", "HUB": {"secret": "s", "key": "k"}}'}
    shown = sealed.spec("mnist", spec)
    assert re.fullmatch(f"TOKEN {SEAL}; HUB of secret s, key k", shown[key])
    assert {name: shown[name] for name in SPEC} == SPEC
    other = sealed.spec("mnist", {**spec, key: spec[key].replace("canary", "other")})
    assert len({cell_id(SPEC), cell_id(shown), cell_id(other)}) == 3
    assert sealed.spec("mnist", shown) == shown


SECRETS = [
    ("TOKEN=canary python train.py --steps 300", "TOKEN=@ python train.py --steps 300"),
    ("exec env a=canary B='can ary' python x.py", "exec env a=@ B=@ python x.py"),
    ("export X=canary; python x.py && Y=canary true", "export X=@; python x.py && Y=@ true"),
    ("python x.py --password canary --steps 3", "python x.py --password @ --steps 3"),
    ("python x.py --db-password=canary -v", "python x.py --db-password=@ -v"),
    ("python x.py --api_key 'can ary' --token=\"canary\"", "python x.py --api_key @ --token=@"),
    ("x --wandb.key canary --secretName=canary", "x --wandb.key @ --secretName=@"),
    ("python x.py model.api_key=canary lr=0.1", "python x.py model.api_key=@ lr=@"),
    ("x --url https://me:canary@host/path?x=1", "x --url 'https://@@host/path?x=1'"),
    ("x postgresql+psycopg://canary@host", "x postgresql+psycopg://@@host"),
    ("x 'https://host/?a=1&token=canary&b=2'", "x 'https://host/?a=1&token=@&b=2'"),
    ("curl -u me:canary host", "curl -u @ host"),
    ("curl -H 'Authorization: Bearer canary' host", "curl -H 'Authorization: @' host"),
    ("curl -H \"X-Api-Key: canary\" host", "curl -H 'X-Api-Key: @' host"),
    ("x --config '{\"password\": \"canary\", \"steps\": 3}'", "x --config '{\"password\": @, \"steps\": 3}'"),
    ("sh -c 'A=canary python x.py --steps 3'", "sh -c 'A=@ python x.py --steps 3'"),
    ("bash -c \"exec x --token canary\"", "bash -c 'exec x --token @'"),
    ("x ghp_canary0123456789abcdef", "x @"),
    ("x --password \"unfinished canary", "x --password \"@ canary"),
]  # fmt: skip
PLAIN = [
    "python train.py --steps 300 --batch_size=20 --lr 0.1",
    "exec /opt/mine/bin/python '/opt/my train.py' --data /data/x",
    "python x.py --author me --passes 3 --tokenizer bert --monkey 3",
    "if mkdir /tmp/x 2>/dev/null; then exec \"$0\" \"$@\"; fi",
    "python -m trainer --ps_hosts a:1,b:2 | tee log",
    "",
]  # fmt: skip


@pytest.mark.parametrize(("line", "shown"), SECRETS)
def test_command_seals_what_looks_like_a_secret(line: str, shown: str) -> None:
    found = sealed.command("mnist", line)
    if "unfinished" not in line:
        assert "canary" not in found
    assert re.sub(SEAL, "@", found) == shown
    assert sealed.command("mnist", found) == found
    other = sealed.command("mnist", line.replace("canary", "other"))
    assert other != found


@pytest.mark.parametrize("line", PLAIN)
def test_command_without_secrets_stays_as_it_is(line: str) -> None:
    assert sealed.command("mnist", line) == line


@given(st.text(alphabet="ab=-'\"\\ ;:/@{}$\n\0ü\ud800", max_size=60))
def test_command_takes_any_text(line: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealed, "ITERATIONS", 1)
        assert isinstance(sealed.command("mnist", line), str)


def test_command_of_any_length_takes_little_time() -> None:
    began = time.process_time()
    for line in ("a'" * 20_000, 'x="' * 20_000, "\\" * 40_001, "key" * 10_000 + " ", "http://" * 10_000):
        sealed.command("mnist", line)
    assert time.process_time() - began < 20


def test_guessing_costs_time() -> None:
    sealed.digest.cache_clear()
    began = time.process_time()
    for guess in range(4):
        sealed.environment("mnist", json.dumps({"A": guess}))
    assert time.process_time() - began > 0.04


OLD = {
    **SPEC,
    "ps": 1,
    "workers": 2,
    "variant": "after",
    "env": '{"TOKEN": "canary"}',
    "command": "T=canary python x.py",
}


def test_record_of_an_older_version_is_the_cell_that_it_is_now() -> None:
    old = record(OLD, 3, seconds=4.0)
    new = sealed.record(old)
    assert "canary" not in json.dumps(new)
    spec = sealed.spec(old["study"], OLD)
    assert (new["spec"], new["cell_id"], new["run_id"]) == (spec, cell_id(spec), f"{cell_id(spec)}-3")
    assert {key for key in old if old[key] != new[key]} == {"spec", "cell_id", "run_id"}
    assert sealed.record(new) == new


def test_record_without_secrets_stays_as_it_is() -> None:
    old = record({**SPEC, "ps": 1, "workers": 2, "command": "python x.py --steps 3"}, 1, seconds=4.0)
    assert sealed.record(old) == old
    assert sealed.record({"spec": None}) == {"spec": None}
