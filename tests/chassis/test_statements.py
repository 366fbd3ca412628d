"""chassis/statements.py"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from django.db.models import F, IntegerField, QuerySet, Value

from chassis import statements
from chassis.issuers import Caller
from chassis.statements import Question, Values
from tests.api import Api
from tests.example import factories
from tests.example.models import Specimen
from tests.example.views import SpecimenViewSet

CALLER = Caller("dr-okafor", "issuer:dr-okafor", "st-elsewhere", frozenset({"example:read"}))
OTHER = Caller("dr-lund", "issuer:dr-lund", "st-nowhere", frozenset())


class Span(NamedTuple):
    first: int
    last: int


class Asker:
    """Asks the same kind of question with other values, and counts how often it was put together."""

    def __init__(self, build: Callable[[Values], QuerySet[Any]]) -> None:
        self.made = 0
        self.kind = (uuid.uuid4(),)
        self._build = build

    def __call__(self, **values: Any) -> Question:
        return Question(Specimen, self.kind, self._counted, values)

    def _counted(self, values: Values) -> QuerySet[Any]:
        self.made += 1
        return self._build(values)

    def is_compiled_once(self, **values: Any) -> bool:
        return self(**values).statement() is not None


def of(**lookups: str) -> Asker:
    """Filters by lookup, each with the value of that name."""
    return Asker(lambda values: Specimen.objects.filter(**{lookup: values[name] for lookup, name in lookups.items()}))


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the comparison of tests/conftest.py, which puts each question together once more."""
    monkeypatch.undo()


class TestAQuestion:
    def test_it_is_put_together_once_and_answered_by_its_values(self, api: Api) -> None:
        mine, other = factories.sample(api), factories.sample(api)
        ask = Asker(lambda values: Specimen.objects.filter(pk=values["pk"]).values_list("accession"))
        assert ask(pk=uuid.UUID(mine["id"])).rows() == [(mine["accession"],)]
        made = ask.made
        assert ask(pk=uuid.UUID(other["id"])).rows() == [(other["accession"],)]
        assert ask(pk=uuid.uuid4()).rows() == []
        # Two of the three are the comparison's.
        assert ask.made == made + 2

    @pytest.mark.usefixtures("unchecked")
    def test_it_costs_no_queryset_afterwards(self, db: None) -> None:
        ask = of(accession="text")
        first = ask(text="A-1").statement()
        assert ask.made == 2
        second = ask(text="A-2").statement()
        assert ask.made == 2
        assert first
        assert second
        assert (first[1], second[1]) == (["A-1"], ["A-2"])

    def test_what_is_narrowed_is_another_kind(self, db: None) -> None:
        plain = of(accession="text")(text="A-1")
        narrowed = plain.narrowed("moved", lambda found, values: found.filter(status=values["to"]), to="expected")
        (sql, _), found = plain.statement() or ("", []), narrowed.statement()
        assert found
        assert found[0] != sql
        assert found[1] == ["A-1", "expected"]

    def test_more_kinds_than_a_service_has_are_forgotten(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(statements, "_statements", {})
        monkeypatch.setattr(statements, "MOST", 3)
        asks = [of(accession="text") for _ in range(10)]
        assert all(ask.is_compiled_once(text="A-1") for ask in asks)
        assert len(statements._statements) <= 3


class TestAValue:
    @pytest.mark.parametrize(
        ("lookup", "value"),
        [
            ("accession", "A-1"),
            ("patient_id", uuid.uuid4()),
            ("created_at__lt", dt.datetime.now(dt.UTC)),
            ("version", 70_000),
        ],
    )
    def test_it_is_bound(self, db: None, lookup: str, value: Any) -> None:
        found = of(**{lookup: "value"})(value=value).statement()
        assert found
        assert found[1] == [value]

    def test_it_is_bound_in_the_type_of_its_column(self, db: None) -> None:
        """As Django binds it: PostgreSQL plans a statement for each type that it is given."""
        ask = Asker(lambda values: Specimen.objects.filter(version__gte=values["least"]))
        for least in (3, 70_000, Decimal(3)):
            found = ask(least=least).statement()
            assert found
            (bound,) = found[1]
            (usual,) = ask(least=least).queryset().query.sql_with_params()[1]
            assert type(bound) is type(usual)
            ask.kind = (uuid.uuid4(),)

    def test_parts_of_a_tuple_are_bound(self, db: None) -> None:
        ask = Asker(lambda values: Specimen.objects.filter(version__range=tuple(values["span"])))
        found = ask(span=Span(3, 9)).statement()
        assert found
        assert found[1] == [3, 9]

    def test_of_a_caller_what_a_question_takes_is_bound(self, db: None) -> None:
        ask = Asker(
            lambda values: Specimen.objects.for_caller(values["caller"]).filter(created_by=values["caller"].subject)
        )
        for caller in (CALLER, OTHER):
            found = ask(caller=caller).statement()
            assert found
            assert found[1] == [caller.organization, caller.subject]

    def test_true_and_false_are_two_kinds(self, db: None) -> None:
        ask = Asker(lambda values: Specimen.objects.filter(received_at__isnull=values["open"]))
        true, false = ask(open=True).statement(), ask(open=False).statement()
        assert true
        assert false
        assert true[0] != false[0]


class TestItIsCompiledForEachRequest:
    """Where its SQL or its parameters are more than the values."""

    def test_when_something_is_calculated_from_a_value(self, db: None) -> None:
        assert not Asker(lambda values: Specimen.objects.filter(version=values["n"] + 1)).is_compiled_once(n=1)
        assert Asker(lambda values: Specimen.objects.filter(version=Value(values["n"]) + Value(1))).is_compiled_once(
            n=1
        )

    @pytest.mark.parametrize("change", [str.strip, str.upper, str.lower, lambda text: text.replace("e\u0301", "é")])
    def test_when_text_is_changed(self, db: None, change: Callable[[str], str]) -> None:
        ask = Asker(lambda values: Specimen.objects.filter(accession=change(values["text"])))
        assert not ask.is_compiled_once(text="A-1")

    def test_when_a_value_decides(self, db: None) -> None:
        decided = Asker(lambda values: Specimen.objects.filter(version=1 if values["n"] > 16_000 else 2))
        assert not decided.is_compiled_once(n=1)

    def test_when_the_scopes_of_the_caller_are_looked_at(self, db: None) -> None:
        def build(values: Values) -> QuerySet[Any]:
            every = Specimen.objects.all()
            return every if "example:sign" in values["caller"].scopes else every.filter(status="available")

        ask = Asker(build)
        assert not ask.is_compiled_once(caller=CALLER)
        assert "status" in str(ask(caller=CALLER).queryset().query)

    def test_when_it_answers_nothing_whatever_is_there(self, db: None) -> None:
        ask = Asker(lambda _: Specimen.objects.none().values_list("id"))
        assert not ask.is_compiled_once()
        assert ask().rows() == []

    def test_and_is_answered_all_the_same(self, api: Api) -> None:
        sample = factories.sample(api)
        ask = Asker(
            lambda values: Specimen.objects.annotate(
                next=F("version") + Value(values["n"] * 2, output_field=IntegerField())
            ).values_list("accession", "next")
        )
        assert not ask.is_compiled_once(n=1)
        assert [ask(n=n).rows() for n in (1, 2)] == [[(sample["accession"], 3)], [(sample["accession"], 5)]]


class TestAView:
    @pytest.mark.parametrize("name", ["get_queryset", "filter_queryset"])
    def test_one_that_overrides_what_is_not_asked_is_refused(self, name: str) -> None:
        """Its lists would show what it hides elsewhere."""
        with pytest.raises(TypeError, match=f"Hidden: reads do not ask {name}; override `visible`"):
            type("Hidden", (SpecimenViewSet,), {name: lambda *_: Specimen.objects.none()})

    def test_what_it_narrows_holds_for_lists_and_records(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        sample, expected = factories.available_sample(api), factories.sample(api)
        usual = SpecimenViewSet.visible.__func__  # type: ignore[attr-defined]
        monkeypatch.setattr(statements, "_statements", {})
        monkeypatch.setattr(
            SpecimenViewSet, "visible", classmethod(lambda cls, values: usual(cls, values).filter(status="available"))
        )
        assert [row["id"] for row in api.get("samples").json["results"]] == [sample["id"]]
        assert api.get(f"samples/{expected['id']}").status == 404
        monkeypatch.setattr(statements, "_statements", {})
