"""Months a question means: "last month", "Q2", "since July", "the last six months"."""

import re
from collections.abc import Sequence

MONTH_NAMES = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
               "november", "december")
SEASONS = {"spring": (3, 4, 5), "summer": (6, 7, 8), "autumn": (9, 10, 11), "winter": (12, 1, 2)}  # northern
_QUARTERS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1": 1, "2": 2, "3": 3, "4": 4}
_NUMBERS = {word: n for n, word in enumerate(
    ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), start=1)}
_NEWEST = re.compile(r"\b(?:last|latest|newest|this|most recent|recent|current) "
                     r"(?:(?:monthly|weekly|fleet) )*(?:month|week|report|summary|review|(?:reporting )?period)s?\b")
_BEFORE = re.compile(r"\b(?:previous (?:month|report|summary)|(?:month|report|summary) before|month over month)\b")
_SPAN = re.compile(r"\b(?:last|past|previous|latest) (\d{1,2}|[a-z]+) months?\b")
_HALF_YEAR = re.compile(r"\bhalf[- ]?year\b")
_QUARTER = re.compile(r"\bq([1-4])\b|\b(first|second|third|fourth|[1-4](?:st|nd|rd|th)) quarter\b")


def month_name(month: str) -> str:
    """"2026-10" -> "October 2026"."""
    return f"{MONTH_NAMES[int(month[5:]) - 1].capitalize()} {month[:4]}"


def months_until(newest: str, years: int) -> list[str]:
    """All months of `years` years up to `newest`, oldest first."""
    last = 12 * int(newest[:4]) + int(newest[5:]) - 1
    return [f"{n // 12}-{n % 12 + 1:02d}" for n in range(last - 12 * years + 1, last + 1)]


def season_of(month: str) -> str:
    return next(name for name, numbers in SEASONS.items() if int(month[5:]) in numbers)


def months_meant(query: str, months: Sequence[str]) -> set[str]:
    """Those of `months` (sorted, "2026-10") that the query speaks of; empty if it names no time.

    "Last month" is the newest month there is, a month's name every year of it.
    """
    text = " ".join(query.lower().split())
    meant: set[str] = set()
    if not months:
        return meant
    if _NEWEST.search(text):
        meant.add(months[-1])
    if _BEFORE.search(text):
        meant |= set(months[-2:])
    for words in _SPAN.findall(text):
        meant |= set(months[-(_NUMBERS.get(words) or (int(words) if words.isdigit() else 1)):])
    if _HALF_YEAR.search(text):
        meant |= set(months[-6:])
    if "quarter" in text and re.search(r"\b(?:last|past|latest) quarter\b", text):
        meant |= set(months[-3:])
    return meant | _named(text, months)


def _named(text: str, months: Sequence[str]) -> set[str]:
    numbers = {n for n, name in enumerate(MONTH_NAMES, start=1) if name != "may" and re.search(rf"\b{name}\b", text)}
    if re.search(r"\b(?:in|of|since|for|than|to) may\b|\bmay (?:\d{4}|report|summary)\b", text):
        numbers.add(5)  # the word alone is more often a verb
    for digit, word in _QUARTER.findall(text):
        first = 3 * _QUARTERS[digit or word.removesuffix("st").removesuffix("nd").removesuffix("rd").removesuffix("th")]
        numbers |= {first - 2, first - 1, first}
    for season, of_season in SEASONS.items():
        if re.search(rf"\b{season}\b", text):
            numbers |= set(of_season)
    years = set(re.findall(r"\b20\d\d\b", text))
    exact = set(re.findall(r"\b20\d\d-\d\d\b", text))
    named = {m for m in months if int(m[5:]) in numbers and (not years or m[:4] in years)}
    if "since" in text and named:
        named = {m for m in months if m >= min(named)}
    return named | (exact & set(months))
