"""Variants, through the API: lists, regions, pages, exports."""

import json
import logging
import random
from typing import Any

import pytest

from genomics.rules import LOOK_BACK
from tests.api import Api

from . import factories
from .files import RICH, file, record


def loaded(api: Api, vcf: bytes, **values: Any) -> str:
    """The path of the variants of a file."""
    return f"analyses/{factories.ready_analysis(api, vcf, **values)['id']}/variants"


def rows(api: Api, path: str) -> list[dict[str, Any]]:
    """All pages of a list, one after the other."""
    found, link = [], path
    while link:
        page = api.get(link.removeprefix("http://testserver"))
        assert page.status == 200, page.content
        found += page.json["results"]
        link = page.json["next"]
    return found


def deletion(start: int, end: int, chrom: str = "chr7") -> str:
    return record(chrom, start, "N", "<DEL>", info=f"SVTYPE=DEL;END={end};SVLEN={start - end}")


class TestList:
    def test_it_shows_what_the_file_says(self, api: Api) -> None:
        first = rows(api, loaded(api, RICH))[0]
        assert first == {
            "id": first["id"], "chrom": "3", "pos": 900, "end_pos": 900, "ref": "G", "alt": "A", "kind": "snv", "genotype": "0/1",
            "zygosity": "heterozygous", "qual": 50.0, "filters": [], "depth": None, "depth_ref": None, "depth_alt": None,
            "genotype_quality": None, "rs_ids": ["rs1", "rs22"], "gene_symbol": "GENE1", "consequence": "missense_variant",
            "hgvs_c": "c.5G>A", "hgvs_p": "p.Gly2Asp", "record_line": 6, "alt_index": 1, "info": {"DP": 40},
        }  # fmt: skip

    def test_it_is_in_order_of_position(self, api: Api) -> None:
        found = rows(api, loaded(api, RICH))
        chromosomes = [*map(str, range(1, 23)), "X", "Y", "MT"]
        order = [(chromosomes.index(row["chrom"]), row["pos"], row["id"]) for row in found]
        assert len(found) == 9
        assert order == sorted(order)
        assert rows(api, f"{loaded(api, RICH)}?ordering=-position") == found[::-1]

    def test_it_is_empty_when_nothing_matches(self, api: Api) -> None:
        page = api.get(f"{loaded(api, RICH)}?gene=NOBODY")
        assert (page.status, page.json) == (200, {"results": [], "next": None, "previous": None})

    @pytest.mark.parametrize("suffix", ["", "?region=7:1-2", ".vcf", ".ndjson"])
    def test_an_analysis_without_a_file_has_none(self, api: Api, suffix: str) -> None:
        refused = api.get(f"analyses/{factories.analysis(api)['id']}/variants{suffix}")
        assert (refused.status, refused.json["code"], refused.json["current"]) == (409, "wrong-state", "registered")

    @pytest.mark.parametrize("suffix", ["", ".vcf", ".ndjson"])
    def test_an_unknown_analysis_is_not_found(self, api: Api, suffix: str) -> None:
        assert api.get(f"analyses/01890a5d-ac96-774b-bcce-000000000000/variants{suffix}").status == 404

    def test_they_are_never_written_through_json(self, api: Api) -> None:
        path = loaded(api, RICH)
        one = rows(api, path)[0]
        assert api.post(path, one).status == 405
        for method in ("PUT", "PATCH", "DELETE"):
            assert api.call(method, f"{path}/{one['id']}", one).status == 405


class TestPages:
    @pytest.mark.parametrize("ordering", ["position", "-position"])
    def test_they_follow_each_other_in_both_directions(self, api: Api, ordering: str) -> None:
        # Several alleles at one position: the id breaks the tie.
        records = [record("chr7", pos, "A", alt) for pos in range(100, 108) for alt in ("C", "G", "T")]
        path = loaded(api, file(*records))
        whole = [row["id"] for row in api.get(f"{path}?ordering={ordering}").json["results"]]
        assert len(whole) == 24
        pages, link = [], f"{path}?ordering={ordering}&limit=5"
        while link:
            page = api.get(link.removeprefix("http://testserver")).json
            pages.append([row["id"] for row in page["results"]])
            link, last = page["next"], page
        assert [len(page) for page in pages] == [5, 5, 5, 5, 4]
        assert [row for page in pages for row in page] == whole
        back, link = [], last["previous"]
        while link:
            page = api.get(link.removeprefix("http://testserver")).json
            back.append([row["id"] for row in page["results"]])
            link = page["previous"]
        assert back[::-1] == pages[:-1]

    def test_a_cursor_belongs_to_its_list(self, api: Api) -> None:
        path, other = loaded(api, RICH), loaded(api, RICH)
        cursor = api.get(f"{path}?limit=2").json["next"].split("cursor=")[1]
        for foreign in (f"{other}?", f"{path}?gene=GENE1&", f"{path}?ordering=-position&"):
            refused = api.get(f"{foreign}limit=2&cursor={cursor}")
            assert (refused.status, refused.json["code"]) == (400, "invalid-cursor")
        assert api.get(f"{path}?limit=1&cursor={cursor}").status == 200

    @pytest.mark.parametrize("cursor", ["", "x", "WyJuIiwxLDIsM10:1abc:forged", "%00"])
    def test_a_forged_cursor_is_refused(self, api: Api, cursor: str) -> None:
        assert api.get(f"{loaded(api, RICH)}?cursor={cursor}").status == 400

    def test_a_page_costs_one_query(self, api: Api, django_assert_num_queries: Any) -> None:
        path = loaded(api, RICH)
        for query in ("limit=1", "limit=200", "region=3:1-2000&passed=true&min_qual=1"):
            with django_assert_num_queries(1):
                assert api.get(f"{path}?{query}").status == 200


class TestFilters:
    @pytest.mark.parametrize(
        ("query", "positions"),
        [
            ("gene=GENE1", [900]),
            ("gene=gene1", []),
            ("kind=breakend", [600]),
            ("kind=mnv", [970]),
            ("zygosity=homozygous", [970]),
            ("zygosity=hemizygous", [5_000_000]),
            ("zygosity=homoplasmic", [8993]),
            ("zygosity=unknown", [960]),
            ("passed=true", [900, 950, 952, 1000, 600, 5_000_000, 8993]),
            ("passed=false", [970]),
            ("min_qual=50", [900, 950, 952, 1000, 600, 5_000_000, 8993]),
            ("min_qual=7.5&passed=false", [970]),
            ("min_depth=40", [950, 952]),
            ("min_depth=41", []),
            ("consequence=missense_variant", [900]),
            ("rs_id=rs1", [900]),
            ("rs_id=rs22", [900]),
            ("rs_id=rs333", [970]),
            ("rs_id=rs2", []),
            ("region=3:951-960&zygosity=unknown", [960]),
        ],
    )
    def test_they_narrow(self, api: Api, query: str, positions: list[int]) -> None:
        path = loaded(api, RICH)
        found = api.get(f"{path}?{query}").json["results"]
        by_position = [row["pos"] for row in rows(api, path) if row["pos"] in positions]
        assert [row["pos"] for row in found] == by_position
        assert len(found) == len(positions)

    @pytest.mark.parametrize(
        ("query", "parameter", "code"),
        [
            ("region=7", "region", "region"),
            ("region=7:5-4", "region", "region"),
            ("kind=snp", "kind", "invalid-choice"),
            ("zygosity=het", "zygosity", "invalid-choice"),
            ("passed=yes", "passed", "invalid-choice"),
            ("passed=True", "passed", "invalid-choice"),
            ("min_qual=-1", "min_qual", "min-value"),
            ("min_qual=NaN", "min_qual", "invalid"),
            ("min_depth=1.5", "min_depth", "max-decimal-places"),
            ("min_depth=2147483648", "min_depth", "max-value"),
            ("rs_id=123", "rs_id", "pattern"),
            ("rs_id=rs1;rs2", "rs_id", "pattern"),
            ("ordering=pos", "ordering", "invalid-choice"),
            ("gene=A&gene=B", "gene", "repeated"),
            ("gene=%00", "gene", "control-character"),
            ("qual=5", "", "unknown-parameter"),
        ],
    )
    def test_they_refuse_what_they_cannot_use(self, api: Api, query: str, parameter: str, code: str) -> None:
        answer = api.get(f"{loaded(api, RICH)}?{query}")
        assert answer.status == 400, answer.content
        assert [(fault["parameter"], fault["code"]) for fault in answer.json["errors"]] == [(parameter, code)]


class TestRegion:
    @pytest.mark.parametrize(
        ("region", "found"),
        [
            ("7:1004000-1004100", {1_005_000}),  # only the long one reaches here
            ("7:1000400-1000450", {1_000_500, 1_005_000}),
            ("7:1000500-1000500", {1_000_500, 1_005_000}),
            ("7:1000501-1000501", {1_005_000}),
            ("7:999999-999999", set()),
            ("7:999999-1000000", {1_000_500, 1_005_000}),
            ("7:1005001-1005001", set()),
            ("7:1-300000000", {1_000_500, 1_005_000}),
            ("3:1000400-1000450", {1_000_450}),
            ("chr3:1000450-1000460", {1_000_450}),
            ("8:1000400-1000450", set()),
        ],
    )
    def test_it_answers_what_overlaps_it(self, api: Api, region: str, found: set[int]) -> None:
        records = [deletion(1_000_000, 1_000_500), deletion(1_000_000, 1_005_000), deletion(999_900, 1_000_450, "chr3")]
        path = loaded(api, file(*records))
        assert {row["end_pos"] for row in api.get(f"{path}?region={region}").json["results"]} == found

    @pytest.mark.parametrize("span", [LOOK_BACK - 1, LOOK_BACK, LOOK_BACK + 1, LOOK_BACK + 2, 100_000])
    def test_the_last_base_of_a_spanning_variant_counts(self, api: Api, span: int) -> None:
        path = loaded(api, file(deletion(500_000, 500_000 + span)))
        for start, expected in ((500_000 + span, 1), (500_000 + span + 1, 0)):
            assert len(api.get(f"{path}?region=7:{start}-{start + 5}").json["results"]) == expected

    def test_an_insertion_lies_where_it_is_written(self, api: Api) -> None:
        path = loaded(api, file(record("chr7", 100, "A", "ATTT")))
        assert len(api.get(f"{path}?region=7:100-100").json["results"]) == 1

    def test_it_agrees_with_a_plain_comparison(self, api: Api) -> None:
        chance = random.Random(7)
        spans = [1, 10, LOOK_BACK - 1, LOOK_BACK, LOOK_BACK + 1, LOOK_BACK + 2, 5 * LOOK_BACK, 100_000]
        starts = sorted(chance.randint(1_000, 300_000) for _ in range(150))
        path = loaded(api, file(*(deletion(start, start + chance.choice(spans)) for start in starts)))
        everything = rows(api, f"{path}?limit=200")
        for _ in range(60):
            start = chance.randint(1, 400_000)
            end = start + chance.choice([0, 100, 20_000])
            expected = [row["id"] for row in everything if row["pos"] <= end and row["end_pos"] >= start]
            found = api.get(f"{path}?region=7:{start}-{end}&limit=200").json["results"]
            assert [row["id"] for row in found] == expected, (start, end)


class TestGetOne:
    def test_it_answers_what_the_list_shows(self, api: Api) -> None:
        path = loaded(api, RICH)
        for row in rows(api, path):
            assert api.get(f"{path}/{row['id']}").json == row

    def test_it_never_changes(self, api: Api) -> None:
        path = loaded(api, RICH)
        one = api.get(f"{path}/{rows(api, path)[0]['id']}")
        again = api.get(f"{path}/{one.json['id']}", If_None_Match=one.etag)
        assert (again.status, again.content, again.etag) == (304, b"", one.etag)

    def test_the_same_allele_has_the_same_id_in_every_analysis(self, api: Api) -> None:
        ids = [[row["id"] for row in rows(api, loaded(api, RICH))] for _ in range(2)]
        assert ids[0] == ids[1]

    def test_it_is_one_of_that_analysis(self, api: Api) -> None:
        one = rows(api, loaded(api, RICH))[0]
        assert api.get(f"{loaded(api, file(record()))}/{one['id']}").status == 404

    def test_it_costs_one_query(self, api: Api, django_assert_num_queries: Any) -> None:
        path = loaded(api, RICH)
        one = rows(api, path)[0]["id"]
        with django_assert_num_queries(1):
            assert api.get(f"{path}/{one}").status == 200


class TestExports:
    def test_ndjson_holds_every_variant_as_the_list_shows_it(self, api: Api) -> None:
        path = loaded(api, RICH)
        export = api.get(f"{path}.ndjson")
        assert export.status == 200
        assert export.header("Content-Type") == "application/x-ndjson; charset=utf-8"
        assert [json.loads(line) for line in export.content.decode().splitlines()] == rows(api, path)

    def test_vcf_is_a_download_named_for_the_analysis(self, api: Api) -> None:
        path = loaded(api, RICH)
        export = api.get(f"{path}.vcf")
        assert export.header("Content-Type") == "text/vcf; charset=utf-8"
        assert export.header("Content-Disposition") == f'attachment; filename="{path.split("/")[1]}.vcf"'
        assert export.content.startswith(b"##fileformat=VCFv4.3\n")
        assert sum(not line.startswith(b"#") for line in export.content.splitlines()) == 9

    def test_vcf_can_be_ingested_again_and_says_the_same(self, api: Api) -> None:
        path = loaded(api, RICH)
        again = loaded(api, api.get(f"{path}.vcf").content)
        forgotten = {"record_line": None}
        assert [{**row, **forgotten} for row in rows(api, again)] == [{**row, **forgotten} for row in rows(api, path)]

    def test_an_export_of_an_export_is_the_same_file(self, api: Api) -> None:
        once = api.get(f"{loaded(api, RICH)}.vcf").content
        assert api.get(f"{loaded(api, once)}.vcf").content == once

    def test_a_genotype_names_only_the_alt_of_its_own_line(self, api: Api) -> None:
        export = api.get(f"{loaded(api, RICH)}.vcf").content.decode()
        for line in export.splitlines():
            if not line.startswith("#"):
                cells = line.split("\t")
                assert "," not in cells[4]
                assert set(cells[9].split(":")[0]) <= set("01./|")

    @pytest.mark.parametrize("suffix", ["vcf", "ndjson"])
    def test_they_hold_more_than_a_page(self, api: Api, suffix: str) -> None:
        path = loaded(api, file(*(record(pos=pos) for pos in range(1, 1503))))
        export = api.get(f"{path}.{suffix}").content
        assert sum(not line.startswith(b"#") for line in export.splitlines()) == 1502

    @pytest.mark.parametrize("suffix", ["vcf", "ndjson"])
    def test_they_cannot_be_filtered(self, api: Api, suffix: str) -> None:
        refused = api.get(f"{loaded(api, RICH)}.{suffix}?region=7:1-2")
        assert (refused.status, refused.json["errors"][0]["code"]) == (400, "unknown-parameter")

    def test_an_analysis_without_variants_exports_a_header(self, api: Api) -> None:
        path = loaded(api, file(record(samples=["0/0"])))
        assert api.get(f"{path}.ndjson").content == b""
        assert api.get(f"{path}.vcf").content.endswith(b"\tFORMAT\tCHILD\n")

    @pytest.mark.parametrize("suffix", ["vcf", "ndjson"])
    def test_of_another_organization_s_analysis_they_are_no_empty_file(self, api: Api, suffix: str) -> None:
        path = loaded(api, RICH)
        assert api.as_(organization="st-nowhere").get(f"{path}.{suffix}").status == 404


class TestAnAccess:
    def test_every_way_of_reading_them_is_one_event(self, api: Api, caplog: pytest.LogCaptureFixture) -> None:
        path = loaded(api, RICH)
        analysis, one = path.split("/")[1], rows(api, path)[0]["id"]
        caplog.set_level(logging.INFO, logger="careway.access")
        caplog.clear()
        for read in (path, f"{path}/{one}", f"{path}.vcf", f"{path}.ndjson"):
            api.get(read)
        told = [line.__dict__ for line in caplog.records if line.name == "careway.access"]
        assert [(line["action"], line["resource"], line["record"]) for line in told] == [
            ("list", "Variant", analysis),
            ("retrieve", "Variant", f"{analysis}/{one}"),
            ("export", "Variant", analysis),
            ("export", "Variant", analysis),
        ]
