#!/usr/bin/python
# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the variables of all roles before anything starts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: variables_info
short_description: Check the variables of all roles before anything starts
version_added: 0.4.0
description:
  - Refuses bad values of the roles' variables with one sentence, such as a wrong type or sign, an empty value, or an absurdly large
    number. Each role calls it before its first task that changes anything.
  - Lists and mappings may be given as YAML text, as a survey or C(-e name=value) does. The text is read as in an inventory, so C(no)
    is false, and C(1e3) is a word.
extends_documentation_fragment:
  - tfscale.study.attributes.info
options:
  values:
    description: Variables by name. Unless given they are those of the play, all that there are.
    type: dict
    default: {}
  roles:
    description: The roles whose variables are looked at. Unless given it is all.
    type: list
    elements: str
author:
  - tfscale.study contributors (@tfscale)
"""

EXAMPLES = r"""
- name: Check what is set for the roles of this play
  tfscale.study.variables_info:

- name: Check what somebody has answered
  tfscale.study.variables_info:
    values: {sweep_repeats: "{{ answer }}"}
"""

RETURN = r"""
msg:
  description: One sentence that says what was done, or what is wrong.
  returned: always
  type: str
  sample: "sweep_repeats is 'two': give a whole number from 1 to 1000, or auto"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tfscale.study.plugins.module_utils._common.context import Context
from ansible_collections.tfscale.study.plugins.module_utils._common.errors import StepError
from ansible_collections.tfscale.study.plugins.module_utils._steps.variables_info import ARGUMENT_SPEC, execute


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = execute(module.params, Context(check_mode=module.check_mode))
    except StepError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
