# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Distributed training with TensorFlow's own runtime, measured.

A program of another framework needs no code here: `training_command` runs it (docs/own-trainer.md).
"""
