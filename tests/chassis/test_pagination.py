"""chassis/pagination.py"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api import Answer, Api
from tests.database import execute, plan
from tests.example import factories

OTHER_PATIENT = "01890a5d-ac96-774b-bcce-000000000000"


def samples(count: int, *, organization: str = "st-elsewhere", tied: bool = False) -> None:
    """That many samples by SQL, a second apart or all of one moment: one in ten rejected, one in five another patient's.

    Without triggers: there may be 60,000.
    """
    execute("SET LOCAL session_replication_role = replica")
    execute(
        """
        INSERT INTO example_specimen (organization, version, created_at, created_by, updated_at, updated_by, status_reason, labels, comment,
                                     accession, patient_id, kind, origin, status)
        SELECT %s, 1, timestamptz '2026-01-01Z' + CASE WHEN %s THEN interval '0' ELSE n * interval '1 second' END,
               'sql', now(), 'sql', '', '{}', '', 'N-' || lpad((n * 7919 %% 1000003)::text, 7, '0'),
               (CASE n %% 5 WHEN 0 THEN %s ELSE %s END)::uuid, 'blood', 'germline',
               CASE n %% 10 WHEN 3 THEN 'rejected' ELSE 'expected' END
        FROM generate_series(1, %s) AS n
        """,
        organization, tied, OTHER_PATIENT, factories.PATIENT, count,
    )  # fmt: skip
    execute("SET LOCAL session_replication_role = origin")


def walk(api: Api, url: str, link: str = "next") -> Iterator[Answer]:
    """Every page from here on."""
    following: str | None = url
    while following:
        page = api.get(following.removeprefix("http://testserver"))
        assert page.status == 200, page.content
        yield page
        following = page.json[link]


def ids(pages: Iterator[Answer]) -> list[str]:
    return [row["id"] for page in pages for row in page.json["results"]]


def cursor_of(link: str) -> str:
    return parse_qs(urlsplit(link).query)["cursor"][0]


class TestAPage:
    def test_it_has_results_and_links_and_no_total(self, api: Api) -> None:
        assert api.get("samples").json == {"results": [], "next": None, "previous": None}

    def test_it_has_fifty_rows_unless_asked_otherwise(self, api: Api) -> None:
        samples(60)
        assert len(api.get("samples").json["results"]) == 50

    @pytest.mark.parametrize("limit", [1, 59, 60, 200])
    def test_it_has_as_many_rows_as_asked_for(self, api: Api, limit: int) -> None:
        samples(60)
        page = api.get(f"samples?limit={limit}").json
        assert len(page["results"]) == min(limit, 60)
        assert (page["next"] is None) == (limit >= 60)

    @pytest.mark.parametrize(
        "limit", ["0", "201", "-1", "1.5", "1e1", "ten", "%2050", "+50", "٥", "99999999999999999999"]
    )
    def test_another_limit_is_400(self, api: Api, limit: str) -> None:
        answer = api.get(f"samples?limit={limit}")
        assert answer.status == 400
        assert answer.json["errors"][0] == {
            "parameter": "limit",
            "code": "out-of-range",
            "message": "Must be a whole number from 1 to 200.",
        }

    def test_its_links_are_absolute_and_keep_the_other_parameters(self, api: Api) -> None:
        samples(5)
        link = urlsplit(api.get("samples?limit=2&ordering=created_at&status=expected").json["next"])
        assert (link.scheme, link.netloc, link.path) == ("http", "testserver", "/example/v1/samples")
        assert {"limit", "ordering", "status", "cursor"} == set(parse_qs(link.query))

    def test_rows_are_as_each_would_be_read_alone(self, api: Api, path: str) -> None:
        assert api.get("samples").json["results"] == [api.get(path).json]


class TestOrdering:
    @pytest.mark.parametrize(
        ("ordering", "member", "falling"),
        [
            ("", "created_at", True),
            ("&ordering=-created_at", "created_at", True),
            ("&ordering=created_at", "created_at", False),
            ("&ordering=accession", "accession", False),
            ("&ordering=-accession", "accession", True),
        ],
    )
    def test_it_is_as_asked_for_over_all_pages(self, api: Api, ordering: str, member: str, falling: bool) -> None:
        samples(45)
        found = [row[member] for page in walk(api, f"samples?limit=7{ordering}") for row in page.json["results"]]
        assert found == sorted(found, reverse=falling)
        assert len(set(found)) == 45

    @pytest.mark.parametrize("ordering", ["id", "kind", "created_at,id", "--created_at", "patient_id", "accession;"])
    def test_any_other_is_400(self, api: Api, ordering: str) -> None:
        answer = api.get(f"samples?ordering={ordering}")
        assert answer.status == 400
        assert answer.json["errors"][0]["parameter"] == "ordering"
        assert answer.json["errors"][0]["code"] == "invalid-choice"


class TestAWalk:
    @pytest.mark.parametrize("tied", [False, True])
    @pytest.mark.parametrize("ordering", ["created_at", "-created_at"])
    @pytest.mark.parametrize("limit", [7, 50, 200])
    def test_it_meets_every_row_once_forwards_and_back(self, api: Api, tied: bool, ordering: str, limit: int) -> None:
        samples(230, tied=tied)
        forwards = list(walk(api, f"samples?limit={limit}&ordering={ordering}"))
        there = ids(iter(forwards))
        assert len(there) == len(set(there)) == 230
        direction = "DESC" if ordering.startswith("-") else "ASC"
        inside = execute(f"SELECT id FROM example_specimen ORDER BY created_at {direction}, id {direction}")
        assert there == [str(row_id) for (row_id,) in inside]
        last = forwards[-1].json
        backwards = list(walk(api, last["previous"], "previous"))
        back = [row["id"] for page in reversed(backwards) for row in page.json["results"]]
        assert back + [row["id"] for row in last["results"]] == there

    def test_a_page_back_and_forth_is_the_same_page(self, api: Api) -> None:
        samples(30)
        second = api.get(api.get("samples?limit=10").json["next"].removeprefix("http://testserver")).json
        third = api.get(second["next"].removeprefix("http://testserver")).json
        again = api.get(third["previous"].removeprefix("http://testserver")).json
        assert again["results"] == second["results"]

    def test_the_first_page_reached_backwards_has_no_previous(self, api: Api) -> None:
        samples(20)
        second = next(walk(api, api.get("samples?limit=10").json["next"])).json
        first = next(walk(api, second["previous"])).json
        assert (second["next"], first["previous"]) == (None, None)
        assert first["results"] == api.get("samples?limit=10").json["results"]

    def test_rows_that_arrive_meanwhile_shift_nothing(self, api: Api) -> None:
        samples(20)
        first = api.get("samples?limit=10")
        factories.sample(api)
        rest = ids(walk(api, first.json["next"]))
        assert len(set(rest) | {row["id"] for row in first.json["results"]}) == 20

    def test_rows_that_leave_meanwhile_shift_nothing(self, api: Api) -> None:
        samples(20)
        first = api.get("samples?limit=10")
        edge = first.json["results"][-1]["id"]
        execute("DELETE FROM example_specimen WHERE id = %s", edge)
        assert len(ids(walk(api, first.json["next"]))) == 10

    def test_a_filtered_one_keeps_to_its_filter(self, api: Api) -> None:
        samples(100)
        found = [row for page in walk(api, "samples?limit=3&status=rejected") for row in page.json["results"]]
        ((expected,),) = execute("SELECT count(*) FROM example_specimen WHERE status = 'rejected'")
        assert len({row["id"] for row in found}) == len(found) == expected > 3
        assert {row["status"] for row in found} == {"rejected"}

    def test_it_never_meets_another_organization(self, api: Api) -> None:
        samples(15)
        samples(15, organization="st-nowhere")
        assert len(ids(walk(api, "samples?limit=4"))) == 15

    def test_the_limit_may_change_on_the_way(self, api: Api) -> None:
        samples(30)
        first = api.get("samples?limit=10").json
        rest = api.get(first["next"].removeprefix("http://testserver").replace("limit=10", "limit=200")).json
        assert len(rest["results"]) == 20


class TestACursor:
    @pytest.fixture
    def cursor(self, api: Api) -> str:
        samples(20)
        return cursor_of(api.get("samples?limit=5").json["next"])

    def refused(self, api: Api, url: str) -> None:
        answer = api.get(url)
        assert (answer.status, answer.json["code"]) == (400, "invalid-cursor"), answer.content

    @pytest.mark.parametrize("forged", ["x", "eyJ9", "é", "null", "1:1:1", "W10:1aaaaa:AAAA", "." * 3000])
    def test_a_forged_one_is_400(self, api: Api, forged: str) -> None:
        self.refused(api, f"samples?cursor={forged}")

    def test_one_changed_by_a_character_is_400(self, api: Api, cursor: str) -> None:
        self.refused(api, f"samples?cursor={cursor[:-1]}{'A' if cursor[-1] != 'A' else 'B'}")
        self.refused(api, f"samples?cursor={'A' if cursor[0] != 'A' else 'B'}{cursor[1:]}")

    def test_one_of_another_list_is_400(self, api: Api, cursor: str, path: str) -> None:
        self.refused(api, f"{path}/history?cursor={cursor}")

    def test_one_of_another_ordering_is_400(self, api: Api, cursor: str) -> None:
        self.refused(api, f"samples?cursor={cursor}&ordering=created_at")

    @pytest.mark.parametrize("filters", ["status=expected", f"patient_id={factories.PATIENT}"])
    def test_one_of_other_filters_is_400(self, api: Api, cursor: str, filters: str) -> None:
        self.refused(api, f"samples?cursor={cursor}&{filters}")

    def test_one_of_another_record_s_history_is_400(self, api: Api) -> None:
        one, other = factories.available_sample(api), factories.available_sample(api)
        link = api.get(f"samples/{one['id']}/history?limit=1").json["next"]
        self.refused(api, f"samples/{other['id']}/history?cursor={cursor_of(link)}")

    @pytest.mark.parametrize(
        "content",
        [[], ["n"], ["n", "x", "y"], ["x", "2026-01-01T00:00:00+00:00", OTHER_PATIENT], ["n", None, "x"], {}, "n", 7,
         ["n", "2026-01-01T00:00:00+00:00", OTHER_PATIENT, 1], [["n"], "2026-01-01T00:00:00+00:00", OTHER_PATIENT]],
    )  # fmt: skip
    def test_one_signed_with_our_key_over_nonsense_is_400(self, api: Api, content: Any) -> None:
        self.refused(api, f"samples?cursor={signing.dumps(content, salt='/example/v1/samples?#-created_at')}")

    def test_it_shows_another_organization_nothing_of_ours(self, api: Api, cursor: str) -> None:
        assert api.as_(organization="st-nowhere").get(f"samples?cursor={cursor}").json["results"] == []


class TestTheCost:
    """Page 1,000 of a list costs what page 1 costs."""

    LIMIT = 50

    @pytest.fixture
    def crowd(self, api: Api) -> Api:
        samples(60_000)
        samples(500, organization="st-nowhere")
        execute("ANALYZE example_specimen")
        return api

    def test_every_row_it_reads_is_on_the_page_or_begins_the_next(self, crowd: Api) -> None:
        for filters, ordering, page in [
            ("", "-created_at", 1000),
            ("", "created_at", 1000),
            ("", "accession", 1000),
            ("", "-accession", 1000),
            ("status=rejected", "-created_at", 110),
            ("status=rejected", "created_at", 110),
            (f"patient_id={OTHER_PATIENT}", "-created_at", 230),
            (f"patient_id={OTHER_PATIENT}", "created_at", 230),
        ]:
            for sql in self.queries(crowd, filters, ordering, page):
                nodes = plan(sql)
                assert {node["Node Type"] for node in nodes} - {"Result"} == {"Limit", "Index Scan"}, (ordering, nodes)
                assert not any("Rows Removed by Filter" in node for node in nodes), (ordering, nodes)
                assert max(node["Actual Rows"] for node in nodes) <= self.LIMIT + 1

    def test_a_filter_that_most_rows_pass_reads_few_more(self, crowd: Api) -> None:
        """PostgreSQL may then prefer the list's own index, and drop the rare others."""
        for sql in self.queries(crowd, "status=expected", "-created_at", 900):
            nodes = plan(sql)
            assert {node["Node Type"] for node in nodes} - {"Result"} == {"Limit", "Index Scan"}, nodes
            assert nodes[-1]["Actual Rows"] + nodes[-1].get("Rows Removed by Filter", 0) < 2 * self.LIMIT

    def queries(self, api: Api, filters: str, ordering: str, page: int) -> Iterator[str]:
        """The statements of the first page, and of those after and before the row that begins `page`."""
        condition = filters.replace("=", "='") + "'" if filters else "true"
        columns = [ordering.lstrip("-"), "id"][: 1 if "accession" in ordering else 2]
        falling = " DESC" if ordering.startswith("-") else ""
        (values,) = execute(
            f"SELECT {', '.join(columns)} FROM example_specimen WHERE organization = 'st-elsewhere' AND {condition}"
            f" ORDER BY {', '.join(column + falling for column in columns)} OFFSET {page * self.LIMIT} LIMIT 1"
        )
        salt = f"/example/v1/samples?{filters}#{ordering}"
        portable = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
        ways = [f"&cursor={signing.dumps([way, *portable], salt=salt)}" for way in "np"]
        for way in ["", *ways]:
            with CaptureQueriesContext(connection) as captured:
                answer = api.get(f"samples?limit={self.LIMIT}&ordering={ordering}{filters and '&'}{filters}{way}")
            assert len(answer.json["results"]) == self.LIMIT, answer.content
            (query,) = captured.captured_queries
            yield query["sql"]

    @pytest.mark.parametrize("limit", [1, 50, 200])
    def test_it_is_one_query_whatever_the_size(self, api: Api, limit: int, django_assert_num_queries: Any) -> None:
        samples(210)
        with django_assert_num_queries(1):
            page = api.get(f"samples?limit={limit}")
        with django_assert_num_queries(1):
            api.get(page.json["next"].removeprefix("http://testserver"))
