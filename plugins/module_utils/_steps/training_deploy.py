# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the objects of a run or of a long-running training; those of others stay as they are. PRIVATE, can break at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .._common.context import Context
from .._common.errors import InputError, LedgerError, StepError
from .._common.format import counted, readable
from .._kubernetes.api import PAUSE_SECONDS, Api, ApiError, connect
from .._kubernetes.labels import MANAGED
from .._kubernetes.open_ledger import check_namespace
from .._kubernetes.options import AUTH_ARG_SPEC
from .._kubernetes.ownership import Document, check_owner, labels_of, owner_of, path_of, places, read, told

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **AUTH_ARG_SPEC,
    "namespace": {"type": "str", "required": True},
    "definition": {"type": "list", "elements": "dict", "required": True},
}
# An API server that restarts is back in 20 s.
PATIENCE_SECONDS = 40.0
# Webhooks look for what was just made in a cache that is a moment behind. Of a runtime, Kubeflow Trainer's says "must be
# created before", and Kueue's "not found".
_BEHIND = re.compile("must be created before|not found|does not exist")
CACHE_SECONDS = 10.0
TRIES = 10
_DENIED = re.compile(r'admission webhook "(?P<name>[^"]+)" denied the request: (?P<why>.*)', re.DOTALL)
# A refused value may be a whole container, with the values of its environment.
_VALUE = re.compile(r"Invalid value: [\[{].*?[\]}]: (?=\w)", re.DOTALL)
_SILENT = re.compile(r'failed calling webhook "(?P<name>[^"]+)": (?P<why>.*)', re.DOTALL)


def execute(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    try:
        namespace = check_namespace(params["namespace"])
        _check(params["definition"], namespace)
        api = connect(params, patience=PATIENCE_SECONDS)
        # All are looked at before the first is made.
        pairs = [(_find(api, namespace, one), one) for one in params["definition"]]
        after = [_put(api, namespace, live, one, context) for live, one in pairs]
    except (InputError, LedgerError, ApiError) as error:
        raise StepError(f"{error}.") from error
    made = [told(one) for live, one in pairs if live is None]
    changed = [
        told(one) for (live, one), new in zip(pairs, after, strict=True) if live and _stated(live) != _stated(new)
    ]
    return _result(namespace, params["definition"], made, changed, check_mode=context.check_mode)


def _check(definition: Sequence[Mapping[str, Any]], namespace: str) -> None:
    for number, one in enumerate(definition):
        where, meta = f"definition[{number}]", one.get("metadata") or {}
        if one.get("kind") not in places() or not meta.get("name"):
            raise InputError(
                f"{where} is {one.get('kind')!r}: give manifests of {', '.join(places())}, each with a name"
            )
        if meta.get("namespace", namespace) != namespace:
            raise InputError(f"{where} ({told(one)}) is of namespace {meta['namespace']!r}: give {namespace!r}")
        owner = owner_of(one)
        if not MANAGED.items() <= owner.items() or len(owner) == len(MANAGED):
            raise InputError(
                f"{where} ({told(one)}) has the labels {labels_of(one)}: give app.kubernetes.io/managed-by: tfscale.study, and"
                " of which study or training it is"
            )


def _find(api: Api, namespace: str, wanted: Document) -> dict[str, Any] | None:
    live = read(api, path_of(wanted["kind"], namespace, wanted["metadata"]["name"]))
    if live is not None:
        name = wanted["metadata"]["name"]
        check_owner(live, owner_of(wanted), f"{wanted['kind']} {namespace}/{name}")
    return live


def _put(api: Api, namespace: str, live: Document | None, wanted: Document, context: Context) -> Mapping[str, Any]:
    """Nothing that is there loses more than what the manifest says otherwise: a claim its size, a Service its ports."""
    query = {"dryRun": "All"} if context.check_mode else {}
    end = context.clock() + CACHE_SECONDS
    while live is None:
        try:
            return api.create(path_of(wanted["kind"], namespace), wanted, **query)
        except ApiError as error:
            if (denied := _DENIED.search(error.message)) and _BEHIND.search(denied["why"]) and context.clock() < end:
                context.sleep(PAUSE_SECONDS)
                continue
            # A request whose answer was lost was sent again, or somebody was faster.
            if error.status != 409 or (live := _find(api, namespace, wanted)) is None:
                raise _refusal(wanted, error) from error
    for left in reversed(range(TRIES)):
        # Of the version that was looked at.
        version = {"resourceVersion": live["metadata"]["resourceVersion"]}
        document = {**wanted, "metadata": {**wanted["metadata"], **version}}
        try:
            return api.patch(path_of(wanted["kind"], namespace, wanted["metadata"]["name"]), document, **query)
        except ApiError as error:
            # A controller writes into the status of what was just made; or it is another's now, which is refused.
            if error.status != 409 or not left or (live := _find(api, namespace, wanted)) is None:
                raise
    raise AssertionError


def _refusal(wanted: Document, error: ApiError) -> Exception:
    """A webhook tells why, but not of which object."""
    if denied := _DENIED.search(error.message):
        return InputError(
            f"{told(wanted)} is refused by webhook {denied['name']}: {readable(_VALUE.sub('', denied['why']))}"
        )
    if silent := _SILENT.search(error.message):
        return InputError(
            f"{told(wanted)} cannot be made, because webhook {silent['name']} does not answer: {readable(silent['why'])};"
            " look whether the program behind it runs"
        )
    return error


def _stated(document: Document) -> Any:
    """A trial has a version, too, so what can be asked for is compared."""
    return labels_of(document), document.get("spec"), document.get("data")


def _result(
    namespace: str, definition: Sequence[Document], made: Sequence[str], changed: Sequence[str], *, check_mode: bool
) -> dict[str, Any]:
    before = [told(one) for one in definition if told(one) not in made]
    done = [
        f"{counted(len(names), 'object')} {verb}" for names, verb in ((made, "made"), (changed, "changed")) if names
    ]
    would = "would be " if check_mode else ""
    return {
        "changed": bool(done),
        "made": list(made),
        "diff": {
            "before": {"objects": before},
            "after": {"objects": list(map(told, definition)), "changed": list(changed)},
        },
        "msg": f"In namespace {namespace}: {would}{' and '.join(done) or 'all is there already'}.",
    }
