"""Pure rules of the domain, and that the functions of migration 0001 judge as they do."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from clinical.rules import (
    AGE,
    CODES,
    MRN_SYSTEM,
    ONSET,
    ONSET_TERMS,
    PARTIAL_DATE,
    PHENOTYPE,
    has_check_digit,
    is_code,
    is_onset,
    is_partial_date,
)
from tests.database import execute

# Real concepts: carcinoma of breast, myocardial infarction, diabetes mellitus, male, and one of an extension.
CONCEPTS = ["254837009", "22298006", "73211009", "248153007", "900000000000207008", "6011000124106"]

with_database = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def verdicts(call: str, *columns: list[str]) -> list[bool]:
    """What an SQL function says of each row of the columns."""
    arrays = ", ".join("%s::varchar[]" for _ in columns)
    names = [f"c{number}" for number in range(len(columns))]
    arguments = ", ".join(names)
    sql = f"SELECT {call}({arguments}) FROM unnest({arrays}) WITH ORDINALITY AS t ({arguments}, place) ORDER BY place"
    return [verdict for (verdict,) in execute(sql, *columns)]


@st.composite
def spoiled(draw: st.DrawFn, good: st.SearchStrategy[str]) -> str:
    """A good text with one character more, less, or other."""
    text = draw(good)
    place = draw(st.integers(0, len(text)))
    rest = place + draw(st.integers(0, 1))
    other: str = draw(st.sampled_from(["", *"0123456789-PYMWDTH:.AZaz \n٣é"]))
    return text[:place] + other + text[rest:]


PARTIAL = st.from_regex(PARTIAL_DATE, fullmatch=True)
DAYS = st.dates(date(1800, 1, 1), date(2099, 12, 31)).map(str)
FEBRUARIES = st.builds("{}-02-{}".format, st.integers(1800, 2099), st.integers(28, 30))
DATES = st.one_of(PARTIAL, DAYS, FEBRUARIES)


@st.composite
def an_age(draw: st.DrawFn) -> str:
    if draw(st.booleans()):
        return f"P{draw(st.integers(0, 999))}W"
    numbers = [draw(st.none() | st.integers(0, most)) for most in (999, 999, 9999)]
    assume(any(number is not None for number in numbers))
    return "P" + "".join(f"{number}{unit}" for number, unit in zip(numbers, "YMD", strict=True) if number is not None)


MOMENTS = st.one_of(DATES, an_age(), st.sampled_from(sorted(ONSET_TERMS)))
ANY_TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)


class TestIsPartialDate:
    @pytest.mark.parametrize("text", ["1800", "2099", "1980-01", "1980-12", "1980-04-30", "2000-02-29", "2024-02-29"])
    def test_it_takes_what_the_calendar_has(self, text: str) -> None:
        assert is_partial_date(text)

    @pytest.mark.parametrize(
        "text",
        ["", "198", "19800", "1799", "2100", "1980-", "1980-00", "1980-13", "1980-1", "1980-04-31", "1980-04-00", "1900-02-29",
         "2023-02-29", "1980-04-1", "19800401", "1980-04-01Z", "1980 ", "1980\n", "٢٠٢٠", "P1Y"],
    )  # fmt: skip
    def test_it_refuses_all_else(self, text: str) -> None:
        assert not is_partial_date(text)

    @given(st.dates(date(1800, 1, 1), date(2099, 12, 31)), st.sampled_from([4, 7, 10]))
    def test_it_takes_every_date_as_far_as_it_is_known(self, day: date, known: int) -> None:
        assert is_partial_date(str(day)[:known])

    @given(st.integers(1800, 2099), st.integers(1, 12), st.integers(29, 31))
    def test_it_knows_how_long_each_month_is(self, year: int, month: int, day: int) -> None:
        assert is_partial_date(f"{year}-{month:02}-{day}") == (day <= calendar.monthrange(year, month)[1])


class TestIsOnset:
    @pytest.mark.parametrize(
        "text", ["P0D", "P3W", "P1Y3M", "P999Y999M9999D", "P7300D", "P1Y1D", "HP:0003577", "2019-03"]
    )
    def test_it_takes_dates_ages_and_terms(self, text: str) -> None:
        assert is_onset(text)

    @pytest.mark.parametrize(
        "text",
        ["", "P", "1Y", "p1Y", "P1", "PY", "P1Y2W", "P1M1Y", "P-1Y", "P1.5Y", "P1Y ", "PT1H", "P1000Y", "P10000D", "P1000W",
         "HP:0003674", "HP:0001250", "HP:3577", "congenital", "P١Y"],
    )  # fmt: skip
    def test_it_refuses_all_else(self, text: str) -> None:
        assert not is_onset(text)

    @given(st.one_of(MOMENTS, spoiled(MOMENTS), ANY_TEXT))
    def test_the_pattern_that_is_documented_says_the_same_but_for_the_calendar(self, text: str) -> None:
        documented = bool(re.search(ONSET, text)) and not text.endswith("\n")
        assert is_onset(text) == (documented and (is_partial_date(text) or not re.fullmatch(PARTIAL_DATE, text)))


class TestHasCheckDigit:
    DIHEDRAL = staticmethod(
        lambda j, k: (j + k) % 5 + 5 * (k > 4) if j < 5 else (j - k) % 5 + 5 * (k < 5)
    )  # rotations and reflections of a pentagon

    def by_the_book(self, number: str) -> bool:
        """Verhoeff (1969): a product in D5 of each digit, permuted as often as its place from the right."""
        product = 0
        for place, digit in enumerate(reversed(number)):
            value = int(digit)
            for _ in range(place % 8):
                value = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[value]
            product = self.DIHEDRAL(product, value)
        return product == 0

    @given(st.from_regex(r"[0-9]{1,18}", fullmatch=True).filter(str.isascii))
    def test_it_is_verhoeffs(self, number: str) -> None:
        assert has_check_digit(number) == self.by_the_book(number)

    @given(st.from_regex(r"[1-9][0-9]{4,16}", fullmatch=True).filter(str.isascii))
    def test_one_digit_of_ten_fits(self, number: str) -> None:
        assert [has_check_digit(f"{number}{digit}") for digit in range(10)].count(True) == 1

    @pytest.mark.parametrize("concept", CONCEPTS)
    def test_it_catches_every_wrong_digit(self, concept: str) -> None:
        assert has_check_digit(concept)
        for place, right in enumerate(concept):
            for wrong in set("0123456789") - {right}:
                assert not has_check_digit(concept[:place] + wrong + concept[place + 1 :])

    @pytest.mark.parametrize("concept", CONCEPTS)
    def test_it_catches_every_swap_of_neighbours(self, concept: str) -> None:
        for place, (one, other) in enumerate(pairwise(concept)):
            if one != other:
                assert not has_check_digit(concept[:place] + other + one + concept[place + 2 :])


GOOD_CODES = {
    "SNOMED CT": CONCEPTS,
    "ICD-10": ["E84", "E84.0", "U07.1", "C50.91"],
    "ICD-10-CM": ["E84.0", "S52.521A", "C7A.010", "C4A.9", "Z3A.40", "M1A.00X0"],
    "MONDO": ["MONDO:0016054"],
    "OMIM": ["OMIM:219700"],
    "ORPHA": ["ORPHA:586", "ORPHA:1", "ORPHA:999999"],
}
BAD_CODES = {
    "SNOMED CT": [
        "",
        "0254837009",
        "254837019",
        "25483700",
        "900000000000207008000",
        "254837009 ",
        "٢٥٤٨٣٧٠٠٩",
        "-54837009",
    ],
    "ICD-10": ["", "e84", "E8", "E84.", "E84.012", "E840", "884", "E84.A", "C7A"],
    "ICD-10-CM": ["", "S52.52100", "S5C", "s52", "S52.", "S52.521a"],
    "MONDO": ["", "0016054", "MONDO:16054", "MONDO:00160541", "mondo:0016054", "MONDO_0016054"],
    "OMIM": ["", "219700", "OMIM:21970", "OMIM:2197000", "#219700"],
    "ORPHA": ["", "ORPHA:", "ORPHA:1234567", "Orphanet:586", "586"],
}


class TestIsCode:
    @pytest.mark.parametrize(("system", "code"), [(s, code) for s, codes in GOOD_CODES.items() for code in codes])
    def test_it_takes_the_codes_of_a_system(self, system: str, code: str) -> None:
        assert is_code(system, code)

    @pytest.mark.parametrize(("system", "code"), [(s, code) for s, codes in BAD_CODES.items() for code in codes])
    def test_it_refuses_all_else(self, system: str, code: str) -> None:
        assert not is_code(system, code)

    def test_it_knows_every_system(self) -> None:
        from clinical.choices import CodeSystem

        assert set(CODES) == set(CodeSystem.values) == set(GOOD_CODES)


class TestPatterns:
    @pytest.mark.parametrize("text", ["urn:oid:2.16.840.1.113883.19.5", "https://hospital.example/mrn", "x-y.z+1:a"])
    def test_a_system_of_numbers_is_a_uri(self, text: str) -> None:
        assert re.search(MRN_SYSTEM, text)

    @pytest.mark.parametrize("text", ["", "hospital", ":x", "urn:", "1x:y", "urn:a b", "urn:ü", "ürn:x"])
    def test_what_is_no_uri_is_none(self, text: str) -> None:
        assert not re.search(MRN_SYSTEM, text)

    @pytest.mark.parametrize(("text", "fits"), [("HP:0001250", True), ("HP:001250", False), ("hp:0001250", False)])
    def test_a_phenotype_is_a_term_of_hpo(self, text: str, fits: bool) -> None:
        assert bool(re.search(PHENOTYPE, text)) == fits


@pytest.mark.django_db
class TestTheDatabase:
    """The same inputs, judged by the SQL functions: no client is told yes by one and no by the other."""

    @with_database
    @given(st.lists(st.one_of(MOMENTS, spoiled(DATES), ANY_TEXT), min_size=1, max_size=100))
    def test_it_knows_the_same_partial_dates(self, texts: list[str]) -> None:
        assert verdicts("is_partial_date", texts) == [is_partial_date(text) for text in texts]

    @with_database
    @given(st.lists(st.one_of(MOMENTS, spoiled(MOMENTS), ANY_TEXT), min_size=1, max_size=100))
    def test_it_knows_the_same_moments(self, texts: list[str]) -> None:
        assert verdicts("is_onset", texts) == [is_onset(text) for text in texts]

    def test_it_knows_every_leap_day_and_no_other(self) -> None:
        texts = [f"{year}-02-29" for year in range(1800, 2100)]
        leap = [calendar.isleap(year) for year in range(1800, 2100)]
        assert verdicts("is_partial_date", texts) == leap == [is_partial_date(text) for text in texts]

    def test_it_knows_the_same_terms_of_onset(self) -> None:
        terms = [f"HP:{number:07}" for number in [*range(3500, 3700), *range(11400, 11500), *range(34100, 34300)]]
        terms += [*ONSET_TERMS, "HP:0030675", "HP:0025711"]
        assert verdicts("is_onset", terms) == [term in ONSET_TERMS for term in terms]

    @with_database
    @given(st.lists(st.from_regex(r"\A[0-9]{1,18}\Z").filter(str.isascii), min_size=1, max_size=100))
    def test_it_computes_the_same_check_digit(self, numbers: list[str]) -> None:
        assert verdicts("has_check_digit", numbers) == [has_check_digit(number) for number in numbers]

    @with_database
    @given(st.data())
    def test_it_knows_the_same_codes(self, data: st.DataObject) -> None:
        codes = st.one_of(*(st.from_regex(pattern, fullmatch=True) for pattern in CODES.values()))
        real = st.sampled_from([code for codes in (*GOOD_CODES.values(), *BAD_CODES.values()) for code in codes])
        pairs = st.tuples(st.sampled_from(sorted(CODES)), st.one_of(codes, real, spoiled(real)))
        systems, texts = map(list, zip(*data.draw(st.lists(pairs, min_size=1, max_size=100)), strict=True))
        assert verdicts("is_code", systems, texts) == [is_code(*pair) for pair in zip(systems, texts, strict=True)]

    def test_it_knows_no_other_system(self) -> None:
        assert verdicts("is_code", ["ICD-9", "snomed ct", ""], ["E84", "254837009", ""]) == [False] * 3

    def test_an_age_is_not_taken_for_a_null(self) -> None:
        assert execute("SELECT is_partial_date(NULL), is_onset(NULL), is_not_after(NULL, '1980')") == [
            (None, None, None)
        ]


def span(moment: str) -> tuple[date, date]:
    """The first and the last day of a partial date."""
    year, month, day = (*map(int, moment.split("-")), 0, 0)[:3]
    last = date(year, month or 12, day or calendar.monthrange(year, month or 12)[1])
    return date(year, month or 1, day or 1), last


def after(birth: date, age: str, *, one_more: bool) -> int:
    """The day on which somebody of that birth reaches the age, or the next one of its last unit."""
    parts = {unit: int(number) for number, unit in re.findall(r"([0-9]+)([YMWD])", age)}
    if one_more:
        parts[age[-1]] += 1
    months = birth.month - 1 + parts.get("Y", 0) * 12 + parts.get("M", 0)
    year, month = birth.year + months // 12, months % 12 + 1
    reached = date(year, month, min(birth.day, calendar.monthrange(year, month)[1]))
    return (reached + timedelta(days=parts.get("W", 0) * 7 + parts.get("D", 0))).toordinal()


BIRTHS = [date(year, month, 1) for year in (2000, 2001, 2003) for month in range(1, 13)]


@pytest.mark.django_db
class TestIsNotAfter:
    @with_database
    @given(st.lists(st.tuples(DATES.filter(is_partial_date), DATES.filter(is_partial_date)), min_size=1, max_size=50))
    def test_dates_are_compared_as_far_as_both_are_known(self, pairs: list[tuple[str, str]]) -> None:
        near = [(one, one[:4]) for one, _ in pairs] + [(one[:7], one) for one, _ in pairs]
        earlier, later = map(list, zip(*pairs, *near, strict=False))
        expected = [span(one)[0] <= span(other)[1] for one, other in zip(earlier, later, strict=True)]
        assert verdicts("is_not_after", earlier, later) == expected

    @with_database
    @given(st.lists(st.tuples(an_age(), an_age()), min_size=1, max_size=50))
    def test_ages_are_compared_as_a_calendar_would(self, pairs: list[tuple[str, str]]) -> None:
        """What every birth allows passes, and what none allows does not."""
        told = verdicts("is_not_after", *map(list, zip(*pairs, strict=True)))
        for (earlier, later), verdict in zip(pairs, told, strict=True):
            days = [(after(b, earlier, one_more=False), after(b, later, one_more=True)) for b in BIRTHS]
            allowed = [reached < passed for reached, passed in days]
            assert verdict or not all(allowed), (earlier, later)
            assert not verdict or any(allowed), (earlier, later)

    @with_database
    @given(st.integers(0, 900), st.integers(0, 900), st.sampled_from("YMWD"))
    def test_ages_of_one_unit_are_compared_by_number(self, one: int, other: int, unit: str) -> None:
        assert verdicts("is_not_after", [f"P{one}{unit}"], [f"P{other}{unit}"]) == [one <= other]

    @with_database
    @given(st.lists(MOMENTS.filter(is_onset), min_size=1, max_size=50))
    def test_nothing_lies_before_itself(self, moments: list[str]) -> None:
        assert all(verdicts("is_not_after", moments, moments))

    @with_database
    @given(MOMENTS.filter(is_onset), MOMENTS.filter(is_onset))
    def test_the_other_way_round_it_says_the_same(self, one: str, other: str) -> None:
        assert verdicts("is_not_before", [other], [one]) == verdicts("is_not_after", [one], [other])

    @pytest.mark.parametrize(
        ("one", "other"), [("2019", "P3Y"), ("P3Y", "2019"), ("HP:0003577", "P0D"), ("HP:0003581", "HP:0003577")]
    )
    def test_what_cannot_be_compared_passes(self, one: str, other: str) -> None:
        assert verdicts("is_not_after", [one], [other]) == [True]


def test_the_age_pattern_is_the_one_of_ages() -> None:
    assert re.fullmatch(AGE, "P1Y3M")
    assert not re.fullmatch(AGE, "P")
