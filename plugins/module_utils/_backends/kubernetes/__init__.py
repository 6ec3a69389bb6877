# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replicas in pods of a Kubernetes cluster. PRIVATE, can break at any time.

The kinds of objects that make the pods (Job, StatefulSet) are rows of _study/design/workloads.py: a new kind is added there.
"""
