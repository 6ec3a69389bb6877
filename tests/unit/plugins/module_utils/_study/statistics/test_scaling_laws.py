# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Laws that are sums of terms: published parameters, planted ones, and bounds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics import scaling_laws
from ansible_collections.tfscale.study.plugins.module_utils._study.statistics.scaling_laws import Sizes
from scipy import optimize


class Published(NamedTuple):
    """Throughput by load, and what is published of the USL that least squares of the throughput give: gamma is 1 / a."""

    load: list[float]
    throughput: list[float]
    sigma: float
    kappa: float
    gamma: float


PUBLISHED = {
    # SPEC SDM91 of a Sun SPARCcenter 2000: Gunther, Guerrilla Capacity Planning, 2007; R package usl 3.0, data(specsdm91), README.
    "specsdm91": Published(
        [1, 18, 36, 72, 108, 144, 216],
        [64.9, 995.9, 1652.4, 1853.2, 1828.9, 1775.0, 1702.2],
        0.0277285,
        0.0001044,
        89.9952330,
    ),
    # BRL-CAD's ray tracer on an SGI Origin 2000: Gunther, 2007; R package usl 3.0, data(raytracer), vignette. Kappa is at its bound.
    "raytracer": Published(
        [1, 4, 8, 12, 16, 20, 24, 28, 32, 48, 64],
        [20, 78, 130, 170, 190, 200, 210, 230, 260, 280, 310],
        0.057771,
        0.0,
        21.848843,
    ),
    # Its first six rows: tests/confint.Rout.save of the same package.
    "raytracer to 20": Published([1, 4, 8, 12, 16, 20], [20, 78, 130, 170, 190, 200], 0.02444, 0.00163, 20.85605),
    # MySQL on a Cisco server: Schwartz, Practical Scalability Analysis with the Universal Scalability Law, 2015.
    "cisco": Published(
        list(range(1, 33)),
        [
            955.16, 1878.91, 2688.01, 3548.68, 4315.54, 5130.43, 5931.37, 6531.08, 7219.8, 7867.61, 8278.71, 8646.7, 9047.84, 9426.55,
            9645.37, 9897.24, 10097.6, 10240.5, 10532.39, 10798.52, 11151.43, 11518.63, 11806, 12089.37, 12075.41, 12177.29, 12211.41,
            12158.93, 12155.27, 12118.04, 12140.4, 12074.39,
        ],
        0.02671591,
        7.690945e-4,
        995.6486,
    ),
    # The test of the R package usl for its coefficients, tests/coef.R.
    "usl coef": Published([1, 2, 4, 6, 8, 10], [1, 1.8868, 3.0769, 3.5294, 3.5398, 3.3557], 0.02, 0.02, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_fit_agrees_with_published_parameters(name: str) -> None:
    data = PUBLISHED[name]
    at = Sizes.of(data.load)
    logs = -np.log([data.throughput])
    terms = scaling_laws.USL_LAW.terms(at)
    found = scaling_laws.fit(terms, logs, np.ones(len(data.load)), of=scaling_laws.SPEEDS)
    law = scaling_laws.USL_LAW.parameters_of(found)
    assert law["s"][0] == pytest.approx(data.sigma, rel=1e-3)
    assert law["k"][0] == pytest.approx(data.kappa, rel=1e-3, abs=5e-6)
    assert 1 / law["a"][0] == pytest.approx(data.gamma, rel=1e-3)


def test_peak_and_knee_are_those_of_the_usl_package() -> None:
    """Of specsdm91 it says: peak at load 96.52, optimal scalability at load 36.06 (tests/summary.Rout.save)."""
    made = np.array([[1.0 - 0.0277285, 0.0277285, 0.0001043656]]) / 89.9952330
    assert scaling_laws.USL_LAW.peak(made, 1)[0] == pytest.approx(96.52, abs=0.01)
    assert scaling_laws.USL_LAW.knee(made, 1)[0] == pytest.approx(36.06, abs=0.01)


def test_law_that_always_falls_has_no_peak() -> None:
    made = np.array([[6.0, 1.0, 0.0, 0.0], [6.0, 1.0, 0.3, 0.0]])
    assert scaling_laws.AMDAHL_LAW.peak(made[:1, :2], 1)[0] == np.inf
    assert scaling_laws.USL_LAW.peak(made[:1, :3], 1)[0] == np.inf
    assert scaling_laws.PS_AWARE_LAW.peak(made, 2).tolist() == [np.inf, pytest.approx(np.sqrt(6.0 / 0.15))]


@pytest.mark.parametrize("form", [scaling_laws.AMDAHL_LAW, scaling_laws.USL_LAW, scaling_laws.PS_AWARE_LAW])
def test_fit_is_the_least_squares_of_scipy(form: scaling_laws.Form) -> None:
    """With noise, unequal weights and several resamples at once, some of which have coefficients of zero."""
    draw = np.random.default_rng(3)
    at = Sizes.of([1, 2, 4, 8] * 2, [1] * 4 + [2] * 4)
    terms, weights = form.terms(at), np.array([1.0, 2, 3, 4, 4, 3, 2, 1])
    logs = np.log(8 / at.workers + 0.05) + draw.normal(0, 0.1, (20, 8))
    found = scaling_laws.fit(terms, logs, weights)
    assert (found == 0).any()
    for ours, observed in zip(found, logs, strict=True):

        def residuals(coefficients: Any, observed: Any = observed) -> Any:
            return np.sqrt(weights) * (observed - np.log(terms @ coefficients))

        theirs = optimize.least_squares(residuals, ours + 0.01, bounds=(1e-12, np.inf), xtol=1e-12, ftol=1e-12)
        assert (residuals(np.maximum(ours, 1e-12)) ** 2).sum() == pytest.approx(2 * theirs.cost, rel=1e-5)


def test_fit_of_superlinear_speed_stays_at_its_bound() -> None:
    at = Sizes.of([1, 2, 4, 8])
    logs = np.log([[8.0, 3.0, 1.2, 0.5]])
    law = scaling_laws.USL_LAW.parameters_of(scaling_laws.USL_LAW.fit(at, logs, np.ones(4)))
    assert (law["s"][0], law["k"][0]) == (0.0, 0.0)


def test_fit_of_many_resamples_is_that_of_each() -> None:
    at = Sizes.of(np.arange(1, 41))
    logs = np.log(5 / at.workers + 1) + np.random.default_rng(5).normal(0, 0.1, (1200, 40))
    form, weights = scaling_laws.USL_LAW, np.ones(40)
    assert logs.size > scaling_laws.AT_ONCE
    whole = form.fit(at, logs, weights)
    assert whole.shape == (1200, 3)
    assert whole[[0, 700, 1199]] == pytest.approx(form.fit(at, logs[[0, 700, 1199]], weights), rel=1e-6, abs=1e-9)
