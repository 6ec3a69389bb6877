# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrades a long-running training, and takes the upgrade back where it does not work. PRIVATE, can break at any time.

What was before, what is wanted and how far it has come stand in a ConfigMap beside the training: a controller may be killed at
any moment, and the next one goes on from there.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._common.context import Context
from .._common.errors import InputError, StepError
from .._common.format import counted, duration
from .._kubernetes.api import ApiError
from .._kubernetes.labels import MANAGED, TRAINING
from .._kubernetes.ownership import Document, told
from .._study.records import sealed
from .objects import LongRunningTraining, config_maps_of, essence, is_same, split, state_of
from .rollout import NotReadyError, Rollout
from .upgrade_plan import GROUPS, Change, Phase, consequence, plan, retreat

DEPLOY = "playbooks/deploy.yml makes one"


def target_of(definition: Sequence[Document]) -> str:
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()[:12]


class Journal:
    """What is going on, as a ConfigMap of the training.

    `stage` is upgrading, undecided (all replicas are new and ready, nobody has confirmed it), retreating or done.
    """

    def __init__(self, training: LongRunningTraining) -> None:
        self._training = training
        self._name = f"{training.name}-upgrade"

    def read(self) -> dict[str, Any]:
        """Empty when there has been no upgrade yet."""
        live = self._training.read("ConfigMap", self._name)
        if live is None:
            return {}
        try:
            entry: dict[str, Any] = json.loads(live["data"]["journal"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"ConfigMap {self._training.namespace}/{self._name} is no journal of ours: delete it if no upgrade runs"
            ) from error
        return entry

    def write(self, entry: Mapping[str, Any]) -> None:
        labels = {**MANAGED, TRAINING: self._training.name}
        meta = {"name": self._name, "namespace": self._training.namespace, "labels": labels}
        data = {"journal": json.dumps(entry, sort_keys=True)}
        self._training.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})


class Upgrade:
    """One call of the step, which holds the training."""

    def __init__(
        self,
        training: LongRunningTraining,
        rollout: Rollout,
        journal: Journal,
        params: Mapping[str, Any],
        context: Context,
    ) -> None:
        self._training = training
        self._rollout = rollout
        self._journal = journal
        self._params = params
        self._context = context
        self._begun = context.clock()

    # --- the states --------------------------------------------------------------------------------------------------

    def upgrade(self, definition: Sequence[Document]) -> dict[str, Any]:
        before = self._there()
        self._check_groups(before, definition)
        entry = self._journal.read()
        target = target_of(definition)
        stage = entry.get("stage", "done")
        if stage == "retreating" or (stage == "upgrading" and entry["target"] != target):
            if self._context.check_mode:
                return self._result(
                    before, f"{self._whose()} would first go back from an upgrade that was interrupted.", changed=True
                )
            self._retreat(entry, why := entry.get("why") or "its controller was killed before it was whole")
            if entry["target"] == target:
                raise self._failure(entry, before, f"did not work: {why}")
            entry, stage, before = self._journal.read(), "done", self._there()
        if stage == "upgrading":
            self._context.say(f"upgrade of {self._whose()} is resumed")
            return self._go_on(entry, before)
        diffs = self._diffs(definition)
        if not diffs:
            undecided = stage == "undecided" and entry["target"] == target
            if undecided and self._params["confirm"] and not self._context.check_mode:
                self._journal.write({**entry, "stage": "done"})
                self._sweep(entry)
            undecided = undecided and not self._params["confirm"]
            result = self._result(before, f"{self._whose()} is as wanted already.", changed=False, undecided=undecided)
            return {**result, **({"former": _former(entry)} if undecided else {})}
        return self._begin(definition, diffs, before, entry if stage == "undecided" else {})

    def confirm(self, definition: Sequence[Document]) -> dict[str, Any]:
        before, entry = self._there(), self._undecided(definition)
        if entry.get("stage") == "done":
            return self._result(before, f"{self._whose()} has no upgrade that waits for a decision.", changed=False)
        if not self._context.check_mode:
            self._journal.write({**entry, "stage": "done"})
            self._sweep(entry)
        return self._result(before, f"The upgrade of {self._whose()} is confirmed.", changed=True)

    def roll_back(self, definition: Sequence[Document]) -> dict[str, Any]:
        before, entry = self._there(), self._undecided(definition)
        if entry.get("was_rolled_back"):
            return self._result(before, f"{self._whose()} was rolled back already.", changed=False)
        if self._context.check_mode:
            return self._result(before, f"{self._whose()} would be rolled back.", changed=True)
        self._retreat(entry, "asked for")
        return self._result(before, f"{self._whose()} is rolled back to {self._versions(entry)}.", changed=True)

    def wait(self, _definition: Sequence[Document]) -> dict[str, Any]:
        """After the first deployment, which has nothing to go back to."""
        before = self._there()
        if not self._context.check_mode:
            for group, live in self._groups().items():
                try:
                    self._rollout.wait(Phase("start", group), live)
                except NotReadyError as error:
                    raise InputError(f"{self._whose()} does not get ready: {error}") from error
        return {**self._result(before, f"{self._whose()} is ready.", changed=False), "after": self._there()}

    ACTS: Mapping[str, Callable[[Upgrade, Sequence[Document]], dict[str, Any]]] = {
        "upgraded": upgrade,
        "confirmed": confirm,
        "rolled_back": roll_back,
        "ready": wait,
    }

    def _undecided(self, definition: Sequence[Document]) -> dict[str, Any]:
        entry = self._journal.read()
        if not entry:
            raise InputError(f"{self._whose()} has not been upgraded yet: there is nothing to confirm or to take back")
        if definition and entry["target"] != target_of(definition):
            raise InputError(
                f"{self._whose()} has been upgraded to something else meanwhile: look at it before you decide about it"
            )
        if entry["stage"] in ("upgrading", "retreating") and self._params["state"] == "confirmed":
            raise InputError(f"the upgrade of {self._whose()} is not whole: call it again first (state=upgraded)")
        return entry

    # --- an upgrade ---------------------------------------------------------------------------------------------------

    def _begin(
        self,
        definition: Sequence[Document],
        diffs: dict[str, Any],
        before: dict[str, Any],
        undecided: Mapping[str, Any],
    ) -> dict[str, Any]:
        others, wanted = split(definition)
        live = {group: essence(one) for group, one in self._groups().items()}
        changes = self._changes(live, wanted)
        phases = plan(changes, strategy=self._params["strategy"], order=self._params["order"])
        then = consequence(phases, changes)
        told_before = f"{self._whose()}: {', '.join(diffs['before'].keys() | diffs['after'].keys())}"
        if self._context.check_mode:
            return self._result(
                before, f"{told_before} would change{f'; {then}' if then else ''}.", changed=True, diff=diffs
            )
        self._context.say(f"upgrade of {told_before} ({counted(len(phases), 'phase')}{f'; {then}' if then else ''})")
        entry = {
            "stage": "upgrading",
            "target": target_of(definition),
            # Back means to what was confirmed last.
            "before": undecided.get("before") or live,
            "revisions": undecided.get("revisions") or {group: state["revision"] for group, state in before.items()},
            "wanted": wanted,
            "others": others,
            "others_before": undecided.get("others_before") or self._others_before(definition),
            "phases": [list(phase) for phase in phases],
            "next": 0,
            "consequence": then,
        }
        self._journal.write(entry)
        return {**self._go_on(entry, before), "diff": diffs}

    def _go_on(self, entry: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
        done: list[str] = []
        try:
            for one in entry["others"]:
                self._training.put(one)
            for number, phase in enumerate(entry["phases"]):
                if number >= entry["next"]:
                    done.append(self._carry_out(Phase(*phase), entry["wanted"]))
                    entry = {**entry, "next": number + 1}
                    self._journal.write(entry)
            self._remove_surplus([*entry["others"], *entry["wanted"].values()])
            # Parts that no replica must restart for, such as the number of kept revisions.
            for one in entry["wanted"].values():
                self._training.put(one)
        except NotReadyError as error:
            self._retreat({**entry, "why": str(error)}, str(error))
            raise self._failure(entry, before, f"did not work: {error}") from error
        except ApiError as error:
            if error.status not in (400, 403, 422):
                raise
            self._retreat({**entry, "why": str(error)}, str(error))
            raise self._failure(entry, before, f"was refused: {error}") from error
        confirmed = self._params["confirm"]
        entry = {**entry, "stage": "done" if confirmed else "undecided"}
        self._journal.write(entry)
        if confirmed:
            self._sweep(entry)
        then = f"; {entry['consequence']}" if entry["consequence"] else ""
        msg = (
            f"{self._whose()} is upgraded in {duration(self._context.clock() - self._begun)}: {', '.join(done)}{then}."
        )
        result = self._result(before, msg, changed=True, undecided=not confirmed)
        return {**result, **({} if confirmed else {"former": _former(entry)})}

    def _carry_out(self, phase: Phase, wanted: Mapping[str, Document]) -> str:
        line = self._rollout.carry_out(phase, wanted[phase.group])
        self._context.say(f"upgrade of {self._whose()}: {line}")
        return line

    def _retreat(self, entry: Mapping[str, Any], why: str) -> None:
        """To what was before. It may be interrupted, too: done twice it changes nothing more."""
        self._journal.write({**entry, "stage": "retreating", "why": why})
        self._context.say(f"{self._whose()} goes back to {self._versions(entry)}: {why}")
        live = {group: essence(one) for group, one in self._groups().items()}
        changes = self._changes(live, entry["before"])
        for group, change in self._changes(entry["before"], entry["wanted"]).items():
            if change.is_touched and group in changes:
                # Its template may be the former one already while its replicas are not.
                changes[group] = replace(changes[group], is_renewed=True)
        for one in entry["others_before"]:
            self._training.put(one)
        self._remove_surplus([*entry["others_before"], *entry["before"].values()])
        try:
            for phase in retreat(changes):
                self._carry_out(phase, entry["before"])
        except NotReadyError as error:
            raise InputError(
                f"the upgrade of {self._whose()} did not work ({why}), and it could not be taken back: {error};"
                " call it again when that is put right (state=rolled_back)"
            ) from error
        self._journal.write({**entry, "stage": "done", "why": why, "was_rolled_back": True})
        self._sweep(entry)

    def _remove_surplus(self, wanted: Sequence[Document]) -> None:
        for one in self._training.surplus(wanted):
            self._training.delete(one["kind"], one["metadata"]["name"])

    def _sweep(self, entry: Mapping[str, Any]) -> None:
        """Remove the ConfigMaps that neither this version of the pods nor the one before reads."""
        needed = {name for live in self._groups().values() for name in config_maps_of(live)}
        needed |= {name for one in entry["before"].values() for name in config_maps_of(one)}
        needed.add(f"{self._training.name}-upgrade")
        for name in self._training.config_maps():
            if name not in needed:
                self._training.delete("ConfigMap", name)

    # --- what is there ------------------------------------------------------------------------------------------------

    def _groups(self) -> dict[str, dict[str, Any]]:
        return self._training.groups()

    def _there(self) -> dict[str, Any]:
        groups = self._groups()
        if "worker" not in groups:
            raise InputError(
                f"name is {self._training.name!r}, but no such training exists in namespace {self._training.namespace}: {DEPLOY}"
            )
        return {group: state_of(live, self._rollout.pods(group)) for group, live in groups.items()}

    def _others_before(self, definition: Sequence[Document]) -> list[dict[str, Any]]:
        """What pods need, as it is: a way back takes that, too."""
        others, _wanted = split(definition)
        there = [self._training.read(one["kind"], one["metadata"]["name"]) for one in others]
        return [essence(one) for one in [*there, *self._training.surplus(definition)] if one is not None]

    def _changes(self, before: Mapping[str, Document], after: Mapping[str, Document]) -> dict[str, Change]:
        found = {}
        for group in GROUPS:
            if group in before and group in after:
                one, other = before[group], after[group]
                found[group] = Change(
                    before=int(one["spec"].get("replicas", 1)),
                    after=int(other["spec"].get("replicas", 1)),
                    is_renewed=not self._has_template(one, other),
                )
        return found

    def _has_template(self, one: Document, other: Document) -> bool:
        """By what the server would make of it: it fills in what a manifest leaves out."""
        if one["spec"]["template"] == other["spec"]["template"]:
            return True
        live, tried = self._training.put({**other, "spec": {**other["spec"]}}, try_only=True)
        _live, other_tried = self._training.put({**one, "spec": {**one["spec"]}}, try_only=True)
        return bool(live) and tried["spec"]["template"] == other_tried["spec"]["template"]

    def _diffs(self, definition: Sequence[Document]) -> dict[str, Any]:
        """The objects that would change, as they are and as the server says they would be."""
        pairs = [(told(one), *self._training.put(one, try_only=True)) for one in definition]
        changed = [(name, live, tried) for name, live, tried in pairs if not is_same(live, tried)]
        surplus = {told(one): self._shown(one) for one in self._training.surplus(definition)}
        if not changed and not surplus:
            return {}
        return {
            "before": {**surplus, **{name: self._shown(live) for name, live, _tried in changed if live is not None}},
            "after": {name: self._shown(tried) for name, _live, tried in changed},
        }

    def _shown(self, document: Document) -> dict[str, Any]:
        """Without values of environments, which may be secrets; others are another digest."""
        shown: dict[str, Any] = copy.deepcopy(essence(document))
        pod = ((shown.get("spec") or {}).get("template") or {}).get("spec") or {}
        for container in pod.get("containers") or ():
            for one in container.get("env") or ():
                if one.get("value"):
                    one["value"] = sealed.digest(self._training.name, one["value"])
        return shown

    def _check_groups(self, before: Mapping[str, Any], definition: Sequence[Document]) -> None:
        _others, wanted = split(definition)
        if odd := sorted(set(before) ^ set(wanted)):
            raise InputError(
                f"definition and {self._whose()} differ in having {' and '.join(odd)}: an upgrade changes the number of"
                " replicas, but can neither add nor take away all of a kind; remove the training and deploy it anew"
            )

    # --- messages -----------------------------------------------------------------------------------------------------

    def _whose(self) -> str:
        return f"training {self._training.name}"

    @staticmethod
    def _versions(entry: Mapping[str, Any]) -> str:
        revisions = [name for name in entry["revisions"].values() if name]
        return f"ControllerRevision{'s' if len(revisions) > 1 else ''} {' and '.join(revisions)}"

    def _failure(self, entry: Mapping[str, Any], before: dict[str, Any], why: str) -> StepError:
        known = self._result(before, "", changed=True)
        known.pop("msg")
        attempted = _written(entry["wanted"])
        return StepError(
            f"The upgrade of {self._whose()} {why}; it is rolled back to {self._versions(entry)}.",
            **known,
            attempted=attempted,
            rolled_back=True,
        )

    def _result(
        self,
        before: dict[str, Any],
        msg: str,
        *,
        changed: bool,
        undecided: bool = False,
        diff: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        after = before if self._context.check_mode or not changed else self._there()
        result = {"changed": changed, "before": before, "after": after, "undecided": undecided, "msg": msg}
        return {**result, **({"diff": diff} if diff else {})}


def _former(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The version to which the training would go back."""
    return _written(entry["before"])


def _written(groups: Mapping[str, Document]) -> dict[str, Any]:
    """Groups as they are written down, without what only a server knows of them."""
    return {
        group: {key: value for key, value in state_of(one, []).items() if key not in ("ready", "revision")}
        for group, one in groups.items()
    }
