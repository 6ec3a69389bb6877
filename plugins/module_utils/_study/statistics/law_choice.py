# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which laws describe measured times, and whether they may speak about sizes that were not measured. PRIVATE, can break at any time.

All laws whose AICc is within 2 of the lowest are kept. Of these, a law may speak if it has earned it: fitted without the largest size,
and without all sizes above half of that, it predicts the largest inside its band. docs/laws.md explains the method and has the
simulated error rates.

Sources:
  AICc: Hurvich and Tsai, Biometrika 76 (1989) 297-307; within 2: Burnham and Anderson, Model Selection and Multimodel Inference, 2nd ed.
    (2002), section 2.6.
  Lack of fit: Draper and Smith, Applied Regression Analysis, 3rd ed. (1998), section 2.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from .bootstrap import RESAMPLES, Sample, bounds_of, resample
from .intervals import CONFIDENCE, exponential
from .scaling_laws import Sizes
from .scientific import numpy, special

WITHIN = 2.0  # of AICc
# Bands also count a law that is a bit farther: the USL whose k is zero is Amdahl's law, and has an AICc that is higher by just over 2.
COUNTED = 3.0
FEWEST = 3  # sizes by which a law may predict the largest
SIZES, BLOCKS = 4, 3  # a law needs so many different numbers of workers, each measured in so many blocks
REACH = 4.0  # times the largest number of workers that was measured: beyond it no law speaks
MIN_GAIN = 0.10  # of speed: with less, one more worker is not worth it
SIGNIFICANT = 0.01  # a misfit that chance has less often widens the law's bands
EXACT = 1e-3  # times are no more exact than this share: a prediction as near as that is right
AT = 1e-9  # as near as this a parameter is at its bound
FAR = 30.0  # logarithms of times of a damaged ledger that are farther apart have no squares
FLOOR = 1e-12  # of the variance of a run's logarithm

# Why no law speaks.
ONE_SIZE, FEW_SIZES, FEW_BLOCKS = "one_size", "few_sizes", "few_blocks"
EQUAL_TIMES, MISSED, NO_LAW = "equal_times", "missed", "no_law"


class Band(NamedTuple):
    """A centre with its 95 % interval."""

    center: float
    low: float
    high: float


@dataclass(frozen=True)
class Reason:
    """Why laws do not speak: a code, and the values for its sentence."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


class Form(Protocol):
    """A law before its fit; scaling_laws.Form and queueing.QueueingLaw say what each part means."""

    @property
    def name(self) -> str: ...
    @property
    def units(self) -> Mapping[str, str]: ...
    @property
    def least(self) -> Mapping[str, float]: ...
    @property
    def most(self) -> Mapping[str, float]: ...
    @property
    def size(self) -> int: ...
    def fit(self, at: Sizes, logs: Any, weights: Any) -> Any: ...
    def log_seconds(self, coefficients: Any, at: Sizes) -> Any: ...
    def parameters_of(self, coefficients: Any) -> dict[str, Any]: ...
    def knee(self, coefficients: Any, ps: float, /) -> Any: ...
    def peak(self, coefficients: Any, ps: float, /) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """`unit` is seconds, or empty for a pure number. `at_bound` is whether its best value is the least or the most that it may be."""

    name: str
    band: Band
    unit: str
    at_bound: bool


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """The largest size predicted by the sizes up to `by_workers`, in seconds."""

    by_workers: int
    workers: int
    ps: int
    measured: float
    predicted: Band

    @property
    def is_inside(self) -> bool:
        return self.predicted.low * (1.0 - EXACT) <= self.measured <= self.predicted.high * (1.0 + EXACT)


@dataclass(frozen=True, kw_only=True, eq=False)
class Law:
    """A fitted law with its resamples. `misfit` is how many times wider its bands are than noise alone would make them."""

    form: Form
    aicc: float
    misfit: float
    center: Any
    draws: Any
    fresh: Any
    # Of the largest size, with each number of ps.
    held_out: tuple[HeldOut, ...] = ()

    @property
    def name(self) -> str:
        return self.form.name

    @property
    def has_earned(self) -> bool:
        return bool(self.held_out) and all(one.is_inside for one in self.held_out)

    def band(self, at: Sizes) -> list[Band]:
        """Seconds at each size, with the interval of what as many blocks of its own would show there."""
        middle, drawn = self.form.log_seconds(self.center, at)[0], self.form.log_seconds(self.draws, at)
        wide = self.misfit * (drawn - middle) + self.fresh[:, None]
        return [_band(*of) for of in zip(middle, *(middle + end for end in bounds_of(wide)), strict=True)]

    def parameters(self) -> tuple[Parameter, ...]:
        drawn = self.form.parameters_of(self.draws)
        return tuple(self._parameter(*one, drawn[one[0]]) for one in self.form.parameters_of(self.center).items())

    def _parameter(self, name: str, center: Any, drawn: Any) -> Parameter:
        least, most = self.form.least.get(name), self.form.most.get(name)
        bound = next((end for end in (least, most) if end is not None and abs(float(center[0]) - end) <= AT), None)
        middle = float(center[0]) if bound is None else bound
        low, high = bounds_of(middle + self.misfit * (drawn - middle))
        band = Band(middle, float(low) if least is None else max(float(low), least), float(high))
        return Parameter(name=name, band=band, unit=self.form.units[name], at_bound=bound is not None)

    def knee(self, ps: float = 1) -> Band:
        """Workers from which on the law bends away from n times the workers, n times the speed."""
        return _quantiles(self.form.knee(self.center, ps), self.form.knee(self.draws, ps))

    def peak(self, ps: float = 1) -> Band:
        """Workers with the lowest time; infinite where more always gain."""
        return _quantiles(self.form.peak(self.center, ps), self.form.peak(self.draws, ps))

    def enough(self, most: int, ps: float = 1, gain: float = MIN_GAIN) -> int | None:
        """The fewest workers of which one more gains less than this share of speed; None if that lies beyond `most`."""
        np = numpy()
        logs = self.form.log_seconds(self.center, Sizes.of(np.arange(1, most + 2), ps))[0]
        little = np.flatnonzero(logs[:-1] - logs[1:] < math.log1p(gain))
        return int(little[0]) + 1 if len(little) else None


@dataclass(frozen=True)
class Choice:
    """The laws that may speak, best first; `refusal` is why there are none. `counted` are those whose bands count, `fitted` are all."""

    laws: tuple[Law, ...] = ()
    refusal: Reason | None = None
    counted: tuple[Law, ...] = ()
    fitted: tuple[Law, ...] = ()


def choose(forms: Iterable[Form], at: Sizes, logs: Any, *, resamples: int = RESAMPLES) -> Choice:
    """`logs` has the shape (blocks, sizes) and holds logarithms of seconds; a run that is missing is NaN."""
    refusal = refusal_of(at, logs)
    if refusal:
        return Choice(refusal=refusal)
    sample = resample(logs, resamples=resamples)
    parts = parts_of(at)
    fitted = tuple(sorted((fit_law(form, at, sample, parts) for form in forms), key=lambda law: law.aicc))
    if not fitted or not math.isfinite(fitted[0].aicc):
        return Choice(refusal=Reason(NO_LAW), fitted=fitted)
    counted = tuple(law for law in fitted if law.aicc <= fitted[0].aicc + COUNTED and law.has_earned)
    laws = tuple(law for law in counted if law.aicc <= fitted[0].aicc + WITHIN)
    if not laws:
        return Choice(refusal=_missed(fitted[0]), fitted=fitted)
    return Choice(laws, None, counted, fitted)


def parts_of(at: Sizes) -> list[Any]:
    """The sizes by which laws have to predict the largest: all smaller ones, and those up to half of it; true or false for each."""
    several: list[Any] = []
    largest = at.workers.max()
    for border in (at.workers[at.workers < largest].max(), largest / 2):
        part = at.workers <= border
        if len(set(at.workers[part])) >= FEWEST and not any((part == one).all() for one in several):
            several.append(part)
    return several


def refusal_of(at: Sizes, logs: Any) -> Reason | None:
    """Why these times are too few for any law, or say nothing of one."""
    np = numpy()
    sizes = _sizes(at)
    if len(sizes) < SIZES:
        return Reason(FEW_SIZES if len(sizes) > 1 else ONE_SIZE, {"sizes": sizes, "needed": SIZES})
    runs = (~np.isnan(logs)).sum(0)
    if runs.min() < BLOCKS:
        least = int(runs.argmin())
        values = {"workers": int(at.workers[least]), "ps": int(at.ps[least]), "blocks": int(runs[least])}
        return Reason(FEW_BLOCKS, {**values, "needed": BLOCKS})
    if np.nanmax(logs) - np.nanmin(logs) <= EXACT / 100:
        return Reason(EQUAL_TIMES, {"seconds": exponential(float(np.nanmean(logs))), "sizes": sizes})
    if np.nanmax(logs) - np.nanmin(logs) > FAR:
        return Reason(NO_LAW)
    return None


def _sizes(at: Sizes) -> list[int]:
    return sorted({int(one) for one in at.workers})


def _missed(law: Law) -> Reason:
    """The size that the best law missed by most."""
    wrong = [one for one in law.held_out if not one.is_inside]
    if not wrong:
        return Reason(NO_LAW)
    one = max(wrong, key=lambda held: abs(math.log(held.measured / held.predicted.center)))
    low, high = one.predicted.low, one.predicted.high
    values = {"law": law.name, "by": one.by_workers, "workers": one.workers, "ps": one.ps, "measured": one.measured}
    return Reason(MISSED, {**values, "center": one.predicted.center, "low": low, "high": high})


def fit_law(form: Form, at: Sizes, sample: Sample, parts: Sequence[Any] = ()) -> Law:
    """A law by all sizes, and how it predicts the largest by each of the `parts` of these."""
    center = form.fit(at, sample.means[None, :], sample.weights)
    draws = form.fit(at, sample.draws, sample.weights)
    off = sample.means - form.log_seconds(center, at)[0]
    squares = float((sample.weights * off**2).sum())
    misfit = _misfit(squares, len(sample.means) - form.size, sample)
    criterion = aicc(sample.squares + squares, sample.runs, form.size)
    held_out = tuple(one for part in parts for one in _held_out(form, at, sample, part, len(parts)))
    return Law(
        form=form, aicc=criterion, misfit=misfit, center=center, draws=draws, fresh=sample.fresh, held_out=held_out
    )


def aicc(squares: float, runs: int, coefficients: int) -> float:
    """Of normal deviations with this sum of squares, whose variance is one more parameter; infinite if the runs are too few."""
    parameters = coefficients + 1
    if runs - parameters - 1 <= 0:
        return math.inf
    corrected = 2.0 * parameters * (parameters + 1) / (runs - parameters - 1)
    return runs * math.log(max(squares / runs, FLOOR)) + 2.0 * parameters + corrected


def _misfit(squares: float, df: int, sample: Sample) -> float:
    """1, or the root of the F ratio of lack of fit to noise where chance alone hardly has it."""
    if df <= 0 or squares <= 0:
        return 1.0
    ratio = (squares / df) / max(sample.squares / sample.df, FLOOR)
    # Noise-free times differ from a law by their rounding only.
    unlikely = float(special().fdtrc(df, sample.df, ratio)) < SIGNIFICANT and squares / sample.weights.sum() > EXACT**2
    return math.sqrt(ratio) if unlikely else 1.0


def _held_out(form: Form, at: Sizes, sample: Sample, part: Any, parts: int) -> Iterable[HeldOut]:
    """Each cell of the largest size: the band of what it would show, because its own mean is as uncertain as the law."""
    is_largest = at.workers == at.workers.max()
    fewer, smaller, largest = at.only(part), sample.only(part), at.only(is_largest)
    center = form.fit(fewer, smaller.means[None, :], smaller.weights)
    draws = form.fit(fewer, smaller.draws, smaller.weights)
    off = smaller.means - form.log_seconds(center, fewer)[0]
    misfit = _misfit(float((smaller.weights * off**2).sum()), len(smaller.means) - form.size, smaller)
    predicted = form.log_seconds(center, largest)[0]
    means = sample.means[is_largest]
    # The blocks of both are the same, so what the machine did to both of them cancels.
    differences = misfit * (form.log_seconds(draws, largest) - predicted) - (sample.draws[:, is_largest] - means)
    # All predictions together miss under a right law no more often than one does.
    low, high = bounds_of(differences, 1.0 - (1.0 - CONFIDENCE) / (len(means) * parts))
    for number, middle in enumerate(predicted):
        yield HeldOut(
            by_workers=int(fewer.workers.max()),
            workers=int(largest.workers[number]),
            ps=int(largest.ps[number]),
            measured=exponential(float(means[number])),
            predicted=_band(middle, middle + low[number], middle + high[number]),
        )


def envelope(bands: Sequence[Band]) -> Band:
    """Of the first one's centre: each of these laws may be the true one."""
    return Band(bands[0].center, min(one.low for one in bands), max(one.high for one in bands))


def _band(center: Any, low: Any, high: Any) -> Band:
    return Band(*(exponential(float(end)) for end in (center, low, high)))


def _quantiles(center: Any, draws: Any) -> Band:
    tail = (1.0 - CONFIDENCE) / 2.0
    # Of values that are infinite none lies between two: each end is one of the resamples.
    low, high = numpy().quantile(draws, [tail, 1.0 - tail], method="nearest")
    return Band(float(center[0]), float(low), float(high))
