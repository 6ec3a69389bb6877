# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Some records of a study, chosen by a JMESPath expression (https://jmespath.org/specification.html). PRIVATE, can break at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..._common.errors import InputError
from ..._common.format import readable, shown

Document = Mapping[str, Any]
MOST_SHOWN = 160
EXAMPLE = "[?spec.workers > `1`]"


def selector(name: str, expression: str) -> Callable[[Iterable[Document]], list[Document]]:
    """A function that keeps the records that the expression selects, in its order; an empty expression keeps all.

    The expression sees the list of all records (docs/record.schema.json). InputError names `name`, the variable that holds the
    expression, if it is no JMESPath or if its result is anything but a list of records as they are.
    """
    if not expression:
        return list
    # Ansible's own filter json_query has the same requirement.
    try:
        import jmespath
    except ImportError as error:
        raise InputError(f"{name} needs Python's package jmespath: pip install -r requirements.txt") from error
    try:
        query = jmespath.compile(expression)
    except (jmespath.exceptions.JMESPathError, RecursionError) as error:
        reason = readable(error, MOST_SHOWN)
        raise InputError(
            f"{name} is {shown(expression)}: give a JMESPath expression such as {EXAMPLE} ({reason})"
        ) from error

    def select(documents: Iterable[Document]) -> list[Document]:
        given = list(documents)
        try:
            found = query.search(given)
        except (jmespath.exceptions.JMESPathError, TypeError, RecursionError) as error:
            # Its reason may quote a whole record.
            reason = readable(error, MOST_SHOWN)
            raise InputError(f"{name} is {shown(expression)}, which fails for these records: {reason}") from error
        known = set(map(id, given))
        if not isinstance(found, list) or any(id(one) not in known for one in found):
            raise InputError(
                f"{name} is {shown(expression)}, which gives something other than records: give an expression that filters the"
                f" list, such as {EXAMPLE}"
            )
        return found

    return select
