# Copyright (c) 2026, tfscale.study contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what a report has to say in the reader's language. PRIVATE, can break at any time.

A text is a whole sentence, a heading or a clause that stands by itself, never a piece of one. Its places, such as {cell}, are
filled with numbers in the language's own form, with other texts, or with data: data is never read as a text with places.

Source of plural forms and of the forms of numbers: Unicode CLDR 46, en and pl.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..._study.design.frameworks import TENSORFLOW
from ..._study.statistics import words
from ..._study.statistics.intervals import Estimate, Ratio
from . import Text, answer, causes, claims, common, comparison, figures, laws, page, reasons, tables
from .processes import INSTEAD

TOPICS = (common, answer, causes, page, tables, figures, laws, comparison, claims, reasons)
GROUPED = 10_000  # from here on the digits of a count stand in groups
SPELLED: dict[float, str] = dict(
    enumerate(("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), start=2)
)
PARTS_OF_TIME = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M"}


def english_form(n: float) -> str:
    return "one" if n == 1 else "other"


def polish_form(n: float) -> str:
    """`one` for 1, `few` for what ends in 2 to 4 but not in 12 to 14, `many` for other whole numbers, `other` for fractions."""
    if n != int(n):
        return "other"
    if n == 1:
        return "one"
    return "few" if n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14) else "many"


@dataclass(frozen=True, kw_only=True)
class Language:
    """`form` tells the plural form of a number, `forms` are those that each counting text has.

    `marks` turn the digits of Python, such as 1,234.5, into those of the language. `spelled` are numbers that a sentence spells.
    """

    code: str
    form: Callable[[float], str]
    forms: tuple[str, ...]
    marks: Mapping[int, str]
    # The same for the numbers on axes, as d3-format takes them.
    axes: Mapping[str, Any]
    spelled: Mapping[float, str]

    @property
    def texts(self) -> dict[str, Text]:
        return {key: text for topic in TOPICS for key, text in topic.TEXTS[self.code].items()}


def _axes(decimal: str, thousands: str) -> dict[str, Any]:
    return {"decimal": decimal, "thousands": thousands, "grouping": [3], "currency": ["", ""]}


LANGUAGES = {
    "en": Language(
        code="en", form=english_form, forms=("one", "other"), marks={}, axes=_axes(".", ","), spelled=SPELLED
    ),
    "pl": Language(
        code="pl",
        form=polish_form,
        # A text that also counts fractions has `other`; the rest count what comes whole.
        forms=("one", "few", "many"),
        marks=str.maketrans({".": ",", ",": "\u00a0"}),
        axes=_axes(",", "\u00a0"),
        # Polish numerals agree with their nouns; reports write digits.
        spelled={},
    ),
}


class Catalogue:
    """The texts of one language. `say = Catalogue("pl")`, then `say("runs", n=3)`."""

    def __init__(self, code: str, *, of_processes: bool = False) -> None:
        self.language = LANGUAGES[code]
        self.code = code
        self._texts = {**self.language.texts, **(INSTEAD[code] if of_processes else {})}

    def of(self, specs: Iterable[Mapping[str, Any]]) -> Catalogue:
        """The catalogue for these cells: where none may have ps, their workers are called processes."""
        told = [(spec.get("framework", TENSORFLOW), spec.get("processes_per_worker", 1)) for spec in specs]
        are_processes = all(framework != TENSORFLOW and processes == 1 for framework, processes in told)
        return Catalogue(self.code, of_processes=True) if told and are_processes else self

    def __call__(self, key: str, /, *, n: Any = None, **values: Any) -> str:
        """The text of this key. `n` chooses its plural form and is the number at {n}, or that number as Python writes it."""
        text = self._texts[key]
        if not isinstance(text, str):
            text = text.get(self._form(n)) or text[self.language.forms[-1]]
        told = values if n is None else {"n": self.figures(n) if isinstance(n, str) else n, **values}
        return text.format_map({name: of if isinstance(of, str) else self.count(of) for name, of in told.items()})

    def _form(self, n: float | str | None) -> str:
        """Of a number that is written with decimals always `other`: its reader sees 4.00, not 4."""
        if isinstance(n, str):
            return "other" if "." in n else self.language.form(int(n.replace(",", "")))
        return self.language.form(n or 0)

    def named(self, kind: str, code: str, /, **values: Any) -> str:
        """The text `<kind>_<code>`; a code without one, such as a user's own factor, is shown as it is."""
        key = f"{kind}_{code}"
        return self(key, **values) if key in self._texts else code.replace("_", " ")

    def listed(self, items: Sequence[str]) -> str:
        """`a`, `a and b`, `a, b and c`."""
        return self("list", before=", ".join(items[:-1]), last=items[-1]) if len(items) > 1 else "".join(items)

    def figures(self, written: str) -> str:
        """A number as Python writes it in the language's own form."""
        return written.translate(self.language.marks)

    def count(self, n: float) -> str:
        return self.figures(f"{n:,}" if n >= GROUPED else f"{n:g}")

    def spelled(self, n: float) -> str:
        """Of a sentence: two processors."""
        return self.language.spelled.get(n) or self.count(n)

    def fixed(self, value: float | None, digits: int) -> str:
        return words.NONE if value is None else self.figures(f"{value:,.{digits}f}")

    def number(self, value: float | None) -> str:
        """Three significant digits."""
        return self.figures(words.number(value))

    def seconds(self, value: float | None) -> str:
        return words.NONE if value is None else self("seconds", value=self.number(value))

    def speed(self, value: float) -> str:
        """Global steps per second."""
        return self("speed", n=words.number(value))

    def percent(self, share: float | None) -> str:
        return words.NONE if share is None else self("percent", value=self.fixed(100 * share, 0))

    def percents(self, low: float, high: float) -> str:
        return self("percents", low=self.fixed(100 * low, 0), high=self.fixed(100 * high, 0))

    def money(self, amount: float | None) -> str:
        """Two significant digits at least: a run costs cents or less."""
        return words.NONE if amount is None else self.fixed(amount, max(2, 1 - words.magnitude(amount)))

    def price(self, amount: float, currency: str) -> str:
        return self("price", amount=self.money(amount), currency=currency)

    def moment(self, seconds: float) -> str:
        time = datetime.fromtimestamp(seconds, UTC)
        parts: dict[str, Any] = {name: time.strftime(code) for name, code in PARTS_OF_TIME.items()}
        return self("moment", **parts)

    def interval(self, given: Estimate | None, key: str = "interval", **values: Any) -> str:
        """`4.0 (3.8-4.3)`, or another text of an interval; only the number when there are too few values for one."""
        if given is None:
            return words.NONE
        if given.low is None or given.high is None:
            center = words.number(given.center)
            return self(f"{key}_unknown", n=center, center=self.figures(center), **values)
        digits = words.places(given.center, given.high - given.low)
        ends = {"low": given.low, "center": given.center, "high": given.high}
        told = {name: f"{value:,.{digits}f}" for name, value in ends.items()}
        return self(key, n=told["center"], **values, **{name: self.figures(of) for name, of in told.items()})

    def slower(self, key: str, ratio: Ratio, *, n: Any = None, **values: Any) -> str:
        """The text of a cell that is slower: `<key>_percent`, or `<key>_times` where that reads better."""
        kind, digits = words.slowness(ratio)
        return self(f"{key}_{kind}", n=n, **values, **self._distance(kind, digits))

    def against(self, ratio: Ratio) -> str:
        """A ratio in a table: `+31 % (+24 to +39)`, or `2.3 times (2.1-2.6)`."""
        kind, digits = words.distance(ratio)
        return self(f"against_{kind}" if "low" in digits else f"against_{kind}_unknown", **self._distance(kind, digits))

    def _distance(self, kind: str, digits: Mapping[str, str]) -> dict[str, Any]:
        told: dict[str, Any] = {name: self.figures(of) for name, of in digits.items()}
        return {**told, "times": self("times", n=digits["center"])} if kind == "times" else told


ENGLISH = Catalogue("en")
