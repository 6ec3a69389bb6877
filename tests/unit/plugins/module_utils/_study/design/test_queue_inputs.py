# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that do not go with a queue."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import InputError
from ansible_collections.tfscale.study.plugins.module_utils._study.design import variables

QUEUE = {"training_queue": "team", "training_backend": "job"}


@pytest.mark.parametrize(
    "given",
    [
        QUEUE,
        {**QUEUE, "training_gang": True, "training_long_running": False},
        {"training_queue": "", "training_gang": False, "training_backend": "processes"},
        {"training_queue": "", "training_long_running": True},
    ],
)
def test_check_of_what_goes_together(given: dict[str, Any]) -> None:
    assert variables.check(given) == given


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"training_gang": True, "training_queue": ""}, ("training_gang is true", "training_queue is ''", "Kueue")),
        ({**QUEUE, "training_backend": "processes"}, ("training_queue is 'team'", "'processes'", "job")),
        ({**QUEUE, "training_long_running": True}, ("training_queue is 'team'", "training_long_running is true")),
        ({"training_queue": "Team"}, ("training_queue is 'Team'", "object of Kubernetes")),
    ],
)
def test_check_of_what_does_not(given: dict[str, Any], told: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as caught:
        variables.check(given)
    assert all(part in str(caught.value) for part in told)
