"""PUT of a VCF file, through the API."""

import base64
import gzip
import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from chassis.history import recorded
from chassis.issuers import Caller
from genomics import bulk, ingestion
from genomics.models import Analysis, Variant
from genomics.vcf import Allele, Reader, Window
from tests.api import Answer, Api
from tests.database import execute

from . import factories
from .files import RICH, file, record
from .test_variants import rows


def put(api: Api, analysis_id: str, vcf: bytes, *, query: str = "", content_type: str = "text/vcf", **headers: str) -> Answer:  # fmt: skip
    return api.call("PUT", f"analyses/{analysis_id}/vcf{query}", vcf, content_type=content_type, **headers)


def digest(vcf: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(vcf).digest()).decode()}:"


@pytest.fixture
def analysis(api: Api) -> str:
    return str(factories.analysis(api)["id"])


def assert_untouched(api: Api, analysis: str) -> None:
    """Still registered, in its first version, without a single variant."""
    found = api.get(f"analyses/{analysis}").json
    assert (found["status"], found["version"], found["file_sha256"], found["stored"]) == ("registered", 1, None, None)
    assert not Variant.objects.of_analysis(analysis).exists()
    assert len(api.get(f"analyses/{analysis}/history").json["results"]) == 1


class TestStoring:
    def test_it_answers_the_counters(self, api: Api, analysis: str) -> None:
        answer = put(api, analysis, RICH)
        assert answer.status == 201
        assert answer.json == {
            "stored": 9,
            "skipped_reference": 1,
            "skipped_other_contigs": 1,
            "duplicates": 0,
            "warnings": [],
            "sha256": hashlib.sha256(RICH).hexdigest(),
        }

    def test_the_analysis_is_ready_and_remembers_the_file(self, api: Api, analysis: str) -> None:
        answer = put(api, analysis, RICH).json
        found = api.get(f"analyses/{analysis}").json
        assert (found["status"], found["version"], found["vcf_sample"]) == ("ready", 2, "CHILD")
        assert (found["file_size"], found["file_sha256"]) == (len(RICH), answer["sha256"])
        assert {name: found[name] for name in answer if name != "sha256"} == {
            name: answer[name] for name in answer if name != "sha256"
        }

    def test_every_value_is_what_the_reader_yields(self, api: Api, analysis: str) -> None:
        assert put(api, analysis, RICH).status == 201
        expected = {UUID(bytes=allele.id): allele for allele in Window(Reader([RICH], build="GRCh38")).ordered()}
        stored = {row[0]: Allele._make(row) for row in Variant.objects.of_analysis(analysis).values_list(*Allele._fields)}  # fmt: skip
        assert stored.keys() == expected.keys()
        for id_, allele in stored.items():
            assert allele._replace(id=id_.bytes, info="") == expected[id_]._replace(info="")
            assert allele.info == json.loads(expected[id_].info)

    def test_it_is_one_event_in_the_history(self, api: Api, analysis: str) -> None:
        put(api.as_(subject="pipeline"), analysis, RICH)
        later, first = api.get(f"analyses/{analysis}/history").json["results"]
        assert (first["action"], first["record"]["status"]) == ("created", "registered")
        assert (later["action"], later["actor"], later["version"]) == ("changed", "development:pipeline", 2)
        now = api.get(f"analyses/{analysis}").json
        assert later["record"] == {name: value for name, value in now.items() if name != "patient_id"}  # the sample's

    @pytest.mark.parametrize("pack", [gzip.compress, lambda vcf: gzip.compress(vcf[:900]) + gzip.compress(vcf[900:])])
    def test_it_unpacks_gzip_of_several_members(self, api: Api, analysis: str, pack: Any) -> None:
        packed = pack(RICH)
        answer = put(api, analysis, packed, content_type="application/gzip")
        assert (answer.status, answer.json["stored"]) == (201, 9)
        assert answer.json["sha256"] == hashlib.sha256(packed).hexdigest()

    def test_a_header_alone_is_a_legal_file_with_a_warning(self, api: Api, analysis: str) -> None:
        answer = put(api, analysis, file())
        assert (answer.status, answer.json["stored"]) == (201, 0)
        assert [warning["code"] for warning in answer.json["warnings"]] == ["no-records"]

    def test_nothing_but_reference_calls_is_a_legal_file(self, api: Api, analysis: str) -> None:
        answer = put(api, analysis, file(record(samples=["0/0"]), record(pos=2000, samples=["./."])))
        assert (answer.status, answer.json["stored"], answer.json["skipped_reference"]) == (201, 0, 2)

    def test_two_deletions_of_different_ends_are_two_variants(self, api: Api, analysis: str) -> None:
        ends = (2000, 3000)
        put(api, analysis, file(*(record("chr7", 1000, "N", "<DEL>", info=f"SVTYPE=DEL;END={end}") for end in ends)))
        found = rows(api, f"analyses/{analysis}/variants")
        assert [row["pos"] for row in found] == [1000, 1000]
        assert {row["end_pos"] for row in found} == set(ends)
        assert len({row["id"] for row in found}) == 2


class TestDuplicates:
    @pytest.mark.parametrize(
        ("first", "second", "kept"),
        [
            ({"filter_": "q10", "qual": "90"}, {"qual": "10"}, 2),  # PASS before quality
            ({"qual": "10"}, {"qual": "90"}, 2),
            ({"qual": "90"}, {"qual": "10"}, 1),
            ({"qual": "50"}, {"qual": "50"}, 1),
            ({"filter_": "."}, {"filter_": "PASS", "qual": "1"}, 2),
        ],
    )
    def test_the_best_is_kept(self, api: Api, analysis: str, first: Any, second: Any, kept: int) -> None:
        answer = put(api, analysis, file(record(**first), record(**second))).json
        assert (answer["stored"], answer["duplicates"]) == (1, 1)
        (row,) = rows(api, f"analyses/{analysis}/variants")
        assert row["record_line"] == 4 + kept

    def test_an_allele_is_known_again_after_trimming(self, api: Api, analysis: str) -> None:
        spellings = record(pos=1000, ref="CAG", alt="CTG"), record(pos=1001, ref="A", alt="T")
        assert put(api, analysis, file(*spellings)).json["duplicates"] == 1
        (row,) = rows(api, f"analyses/{analysis}/variants")
        assert (row["pos"], row["ref"], row["alt"]) == (1001, "A", "T")

    def test_two_genotypes_of_one_allele_are_a_warning(self, api: Api, analysis: str) -> None:
        answer = put(api, analysis, file(record(samples=["0/1"]), record(samples=["1/1"]))).json
        assert [warning["code"] for warning in answer["warnings"]] == ["genotype-conflict"]


class TestUnsortedFiles:
    RECORDS = tuple(
        record("chr7", pos, "A", alt, qual=str(pos % 97)) for pos in range(100, 900, 7) for alt in ("C", "T")
    )

    def test_they_hold_what_the_sorted_file_holds(self, api: Api, analysis: str) -> None:
        ordered = factories.ready_analysis(api, file(*self.RECORDS))["id"]
        answer = put(api, analysis, file(*self.RECORDS[150:], *self.RECORDS[:150])).json
        assert (answer["stored"], answer["duplicates"]) == (len(self.RECORDS), 0)
        assert [warning["code"] for warning in answer["warnings"]] == ["unsorted"]
        forgotten = {"record_line": None}
        found, expected = (
            [{**row, **forgotten} for row in rows(api, f"analyses/{id_}/variants?limit=200")] for id_ in (analysis, ordered)
        )  # fmt: skip
        assert found == expected

    def test_they_may_return_to_a_contig(self, api: Api, analysis: str) -> None:
        answer = put(api, analysis, file(record("chr3", 5), record("chr7", 5), record("chr3", 9))).json
        assert (answer["stored"], answer["warnings"][0]["code"]) == (3, "unsorted")

    def test_what_was_copied_before_the_step_back_wins(self, api: Api, analysis: str) -> None:
        vcf = file(record(pos=100, qual="1"), record(pos=200), record(pos=100, qual="99"))
        answer = put(api, analysis, vcf).json
        assert (answer["stored"], answer["duplicates"]) == (2, 1)
        assert [row["qual"] for row in rows(api, f"analyses/{analysis}/variants")] == [1.0, 50.0]

    def test_the_best_of_those_after_it_is_kept(self, api: Api, analysis: str) -> None:
        again = [record(pos=100, qual="1"), record(pos=100, qual="99"), record(pos=100, filter_="q10", qual="100")]
        answer = put(api, analysis, file(record(pos=200), *again)).json
        assert (answer["stored"], answer["duplicates"]) == (2, 2)
        assert [row["qual"] for row in rows(api, f"analyses/{analysis}/variants")] == [99.0, 50.0]


class TestSendingAgain:
    def test_the_same_file_is_answered_with_the_same_counters(self, api: Api, analysis: str) -> None:
        first, again = put(api, analysis, RICH), put(api, analysis, RICH)
        assert (first.status, again.status) == (201, 200)
        assert again.json == first.json
        assert api.get(f"analyses/{analysis}").json["version"] == 2

    def test_it_may_name_the_column_it_named_before(self, api: Api, analysis: str) -> None:
        put(api, analysis, RICH)
        assert put(api, analysis, RICH, query="?vcf_sample=CHILD").status == 200

    def test_it_holds_after_the_report_was_signed(self, api: Api) -> None:
        signed = factories.signed_report(api)
        assert put(api, signed["analysis"], factories.VCF).status == 200

    def test_another_file_or_column_is_refused(self, api: Api, analysis: str) -> None:
        put(api, analysis, RICH)
        for vcf, query in ((file(record()), ""), (RICH, "?vcf_sample=MOTHER"), (b"", "")):
            refused = put(api, analysis, vcf, query=query)
            assert (refused.status, refused.json["code"], refused.json["current"]) == (409, "wrong-state", "ready")
        assert Variant.objects.of_analysis(analysis).count() == 9

    @pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
    def test_a_dead_analysis_takes_no_file(self, api: Api, analysis: str, status: str) -> None:
        if status == "entered-in-error":
            put(api, analysis, RICH)
        api.move(f"analyses/{analysis}", status, "because")
        assert put(api, analysis, RICH).json["current"] == status


class TestSameFileTwice:
    def test_another_analysis_of_the_sample_is_refused_with_a_link_to_the_first(self, api: Api) -> None:
        first = factories.ready_analysis(api, RICH)
        second = factories.analysis(api, sample=first["sample"])["id"]
        refused = put(api, second, RICH)
        assert (refused.status, refused.json["code"]) == (409, "duplicate")
        assert api.get(refused.json["existing"]).json["id"] == first["id"]
        assert_untouched(api, second)

    def test_another_sample_may_have_it(self, api: Api, analysis: str) -> None:
        factories.ready_analysis(api, RICH)
        assert put(api, analysis, RICH).status == 201

    def test_an_analysis_in_error_makes_room(self, api: Api) -> None:
        first = factories.ready_analysis(api, RICH)
        api.move(f"analyses/{first['id']}", "entered-in-error", "wrong build")
        assert put(api, factories.analysis(api, sample=first["sample"])["id"], RICH).status == 201


class TestContentDigest:
    @pytest.mark.parametrize("header", ["{0}", "md5=:AAAA:, {0}", "sha-512=:AAAA:", ""])
    def test_the_right_one_or_one_of_another_algorithm_is_accepted(self, api: Api, analysis: str, header: str) -> None:
        assert put(api, analysis, RICH, Content_Digest=header.format(digest(RICH))).status == 201

    def test_a_wrong_one_is_refused(self, api: Api, analysis: str) -> None:
        refused = put(api, analysis, RICH, Content_Digest=digest(b"something else"))
        assert (refused.status, refused.json["code"]) == (422, "digest-mismatch")
        assert_untouched(api, analysis)

    @pytest.mark.parametrize("header", ["sha-256=abc", "sha-256=:!!:", "sha-256", "sha-256=::"])
    def test_a_malformed_one_is_refused(self, api: Api, analysis: str, header: str) -> None:
        refused = put(api, analysis, RICH, Content_Digest=header)
        assert (refused.status, refused.json["errors"][0]["header"]) == (400, "Content-Digest")
        assert_untouched(api, analysis)


class TestMediaTypes:
    @pytest.mark.parametrize(
        "media_type",
        ["text/vcf", "TEXT/VCF; charset=utf-8", "text/plain", "application/gzip", "application/x-gzip", "application/octet-stream", ""],
    )  # fmt: skip
    def test_those_of_vcf_and_of_bytes_are_accepted(self, api: Api, analysis: str, media_type: str) -> None:
        assert put(api, analysis, RICH, content_type=media_type).status == 201

    @pytest.mark.parametrize(
        "media_type", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/html", "nonsense"]
    )  # fmt: skip
    def test_others_are_refused(self, api: Api, analysis: str, media_type: str) -> None:
        refused = put(api, analysis, RICH, content_type=media_type)
        assert (refused.status, refused.json["code"]) == (415, "unsupported-media-type")
        assert_untouched(api, analysis)

    @pytest.mark.parametrize("coding", ["gzip", "br", "identity"])
    def test_content_codings_are_refused(self, api: Api, analysis: str, coding: str) -> None:
        assert put(api, analysis, RICH, Content_Encoding=coding).status == 415

    @pytest.mark.parametrize(
        "magic",
        [
            *(b"BZh91AY&SY", b"PK\x03\x04", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"BCF\x02\x02"),
            gzip.compress(b"BCF\x02\x02" + bytes(99), mtime=0),
        ],
    )  # fmt: skip
    def test_other_formats_are_told_by_their_content(self, api: Api, analysis: str, magic: bytes) -> None:
        refused = put(api, analysis, magic)
        assert (refused.status, refused.json["code"]) == (415, "unsupported-media-type")
        assert_untouched(api, analysis)


class TestFaults:
    @pytest.mark.parametrize(
        ("bad", "column", "code"),
        [
            (record(chrom="chr 7"), "CHROM", "bad-chrom"),
            (record(pos=-1), "POS", "bad-pos"),
            (record(pos=159_345_975), "POS", "position-beyond-contig"),
            (record(ref="Q"), "REF", "bad-ref"),
            (record(alt="G,"), "ALT", "bad-alt"),
            (record(qual="high"), "QUAL", "bad-qual"),
            (record(filter_="q10;"), "FILTER", "bad-filter"),
            (record(samples=["0/2"]), "sample", "genotype-out-of-range"),
            (record(samples=["0/1", "0/1"]), "file", "column-count"),
            (record(alt="<DEL>", info="END=10"), "INFO", "end-before-pos"),
        ],
    )
    def test_each_is_told_by_line_and_column(self, api: Api, analysis: str, bad: str, column: str, code: str) -> None:
        refused = put(api, analysis, file(record(pos=10), bad, record(pos=2000)))
        assert (refused.status, refused.json["code"]) == (422, "unprocessable-file")
        (fault,) = refused.json["errors"]
        assert (fault["line"], fault["column"], fault["code"]) == (6, column, code)
        assert_untouched(api, analysis)

    def test_all_are_told_up_to_a_hundred(self, api: Api, analysis: str) -> None:
        refused = put(api, analysis, file(record(), *(record(ref="Q") for _ in range(150)))).json
        assert [fault["line"] for fault in refused["errors"]] == list(range(6, 106))

    def test_one_at_the_very_end_undoes_what_was_copied(self, api: Api, analysis: str) -> None:
        good = [record(pos=pos) for pos in range(100, 5000)]
        assert put(api, analysis, file(*good, record(pos=6000, ref="Q"))).status == 422
        assert_untouched(api, analysis)

    def test_one_after_a_step_back_does_too(self, api: Api, analysis: str) -> None:
        assert put(api, analysis, file(record(pos=900), record(pos=100), record(pos=200, ref="Q"))).status == 422
        assert_untouched(api, analysis)
        assert put(api, analysis, RICH).status == 201

    @pytest.mark.parametrize(
        ("vcf", "code"),
        [
            (b"", "empty-file"),
            (bytes(1000), "nul-byte"),
            (b"\xef\xbb\xbf" + RICH, "byte-order-mark"),
            (record().encode(), "no-fileformat"),
            (RICH.replace(b"\t", b" "), "not-tab-separated"),
            (RICH.split(b"#CHROM")[0], "no-chrom-line"),
            (file(columns=()).replace(b"\tFORMAT\n", b"\n"), "no-sample-column"),
            (file(columns=["A", "A"]), "duplicate-sample"),
            (gzip.compress(RICH, mtime=0)[:-20], "truncated"),
            (file(record("Pf3D7_01")), "no-known-contig"),
            (RICH.replace(b"198295559", b"198022430"), "wrong-build"),
            (RICH.replace(b"##contig", b"##reference=hg19\n##cont", 1).replace(b"##contig", b"##x"), "wrong-build"),
        ],
    )
    def test_a_file_that_is_wrong_as_a_whole_is_refused(self, api: Api, analysis: str, vcf: bytes, code: str) -> None:
        refused = put(api, analysis, vcf)
        assert refused.status == 422, refused.content
        assert [fault["code"] for fault in refused.json["errors"]] == [code]
        assert_untouched(api, analysis)

    def test_they_do_not_repeat_what_the_file_holds(self, api: Api, analysis: str) -> None:
        refused = put(api, analysis, file(record(ref="CANARY!"), record(filter_="CANARY CANARY"), record(samples=["CANARY"])))  # fmt: skip
        assert (refused.status, b"CANARY" in refused.content) == (422, False)

    def test_a_line_beyond_the_limit_is_too_large(self, api: Api, analysis: str) -> None:
        refused = put(api, analysis, file(record(info="X=" + "y" * 1_100_000)))
        assert (refused.status, refused.json["code"]) == (413, "too-large")
        assert_untouched(api, analysis)

    def test_a_gzip_bomb_is_too_large(self, api: Api, analysis: str) -> None:
        bomb = gzip.compress(b"##fileformat=VCFv4.3\n" + (b"##" + b"y" * 900_000 + b"\n") * 20)
        refused = put(api, analysis, bomb)
        assert (refused.status, refused.json["code"]) == (413, "too-large")
        assert_untouched(api, analysis)


class TestSampleColumn:
    TRIO = file(record(samples=["0/0", "0/1", "1/1"]), columns=["FATHER", "MOTHER", "THE CHILD"])

    def test_it_must_be_named_where_there_are_several(self, api: Api, analysis: str) -> None:
        refused = put(api, analysis, self.TRIO)
        assert (refused.status, refused.json["errors"][0]["code"]) == (422, "sample-required")
        assert refused.json["samples"] == ["FATHER", "MOTHER", "THE CHILD"]
        assert_untouched(api, analysis)

    def test_an_unknown_one_is_refused_with_the_names(self, api: Api, analysis: str) -> None:
        refused = put(api, analysis, self.TRIO, query="?vcf_sample=UNCLE")
        assert (refused.status, refused.json["errors"][0]["code"]) == (422, "sample-unknown")
        assert refused.json["samples"] == ["FATHER", "MOTHER", "THE CHILD"]

    @pytest.mark.parametrize(("name", "genotypes"), [("FATHER", []), ("MOTHER", ["0/1"]), ("THE%20CHILD", ["1/1"])])
    def test_the_named_one_is_read(self, api: Api, analysis: str, name: str, genotypes: list[str]) -> None:
        assert put(api, analysis, self.TRIO, query=f"?vcf_sample={name}").status == 201
        assert [row["genotype"] for row in rows(api, f"analyses/{analysis}/variants")] == genotypes

    @pytest.mark.parametrize("query", ["?sample=MOTHER", "?vcf_sample=A&vcf_sample=B", "?vcf_sample=%00"])
    def test_other_parameters_are_refused(self, api: Api, analysis: str, query: str) -> None:
        assert put(api, analysis, self.TRIO, query=query).status == 400


class TestASlowFile:
    def test_the_database_does_not_end_the_wait(self, api: Api) -> None:
        """Neither for the header, nor when a file that is held already is sent again."""
        analysis = factories.analysis(api)["id"]
        caller = Caller("development:dr-okafor", "dr-okafor", "st-elsewhere", frozenset())

        def slowly() -> Iterator[bytes]:
            yield factories.VCF[:30]
            time.sleep(0.6)
            yield factories.VCF[30:]

        for created in (True, False):
            execute("SET LOCAL idle_in_transaction_session_timeout = '200ms'")
            with recorded(caller):
                summary = ingestion.ingest(
                    caller=caller, analysis_id=analysis, body=slowly(), vcf_sample=None, content_digest=None
                )
            assert summary.created is created


class TestASpoiltSample:
    @pytest.mark.parametrize("status", ["rejected", "entered-in-error"])
    def test_it_takes_no_file(self, api: Api, status: str) -> None:
        analysis = factories.analysis(api)
        assert api.move(f"samples/{analysis['sample']}", status, "mixed up").status == 200
        answer = api.call("PUT", f"analyses/{analysis['id']}/vcf", factories.VCF, content_type="text/vcf")
        assert (answer.status, answer.json["code"]) == (409, "wrong-state")
        assert api.get(f"analyses/{analysis['id']}").json["status"] == "registered"


class TestBounds:
    def test_a_process_ingests_only_so_many_files_at_once(self, api: Api, analysis: str) -> None:
        taken = 0
        try:
            while ingestion._slots.acquire(blocking=False):
                taken += 1
            refused = put(api, analysis, RICH)
        finally:
            ingestion._slots.release(taken)
        assert (refused.status, refused.json["code"], refused.header("Retry-After")) == (503, "busy", "10")
        assert put(api, analysis, RICH).status == 201

    def test_a_refused_file_gives_its_place_back(self, api: Api, analysis: str) -> None:
        for _ in range(5):
            assert put(api, analysis, b"nonsense").status == 422
        assert put(api, analysis, RICH).status == 201

    def test_the_columns_of_copy_are_those_of_the_table(self) -> None:
        assert set(bulk.COLUMNS) == {field.column for field in Variant._meta.concrete_fields if field.column}
        assert len(bulk.TYPES) == len(bulk.COLUMNS)

    def test_an_unknown_analysis_is_not_found(self, api: Api) -> None:
        assert put(api, str(UUID(int=7)), RICH).status == 404
        assert Analysis.objects.count() == 0
