import json

import pytest

from genomics.vcf.faults import Warnings
from genomics.vcf.info import KEPT, MAX_BYTES, InfoReader, decode, encode

from .files import only, row, vcf, warned


def kept(info: str) -> object:
    return json.loads(only(vcf(row(info=info))).info)


class TestKeptKeys:
    @pytest.mark.parametrize(
        ("info", "expected"),
        [
            (".", {}),
            ("", {}),
            ("UNKNOWN=1;ALSO", {}),
            ("DP=10;DB;AF=0.5", {"DP": 10, "DB": True, "AF": 0.5}),
            ("AF=.5", {"AF": 0.5}),
            ("AF=1e-5", {"AF": 1e-5}),
            ("AF=.", {}),
            ("CIPOS=-5,5", {"CIPOS": [-5, 5]}),
            ("CIPOS=-5,.", {"CIPOS": [-5, None]}),
            ("MATEID=a", {"MATEID": "a"}),
            ("MATEID=a,b", {"MATEID": ["a", "b"]}),
            ("MATEID=a%2Cb%3bc%20d", {"MATEID": "a,b;c%20d"}),
            ('MATEID=say "é"\\', {"MATEID": 'say "é"\\'}),
            ("DP=1;DP=2", {"DP": 2}),
            ("SVLEN=-5;IMPRECISE", {"SVLEN": -5, "IMPRECISE": True}),
        ],
    )
    def test_it_keeps_an_allow_list_with_types(self, info: str, expected: object) -> None:
        assert kept(info) == expected

    @pytest.mark.parametrize(
        "info",
        [
            "DP=x",
            "DP=1.5",
            "DP=1,2",
            "DP=99999999999",
            "AF=NaN",
            "AF=inf",
            "AF=1e999",
            "AC=1,2",
            "DB=5",
            "AF=",
            "MQ=1_0",
        ],
    )
    def test_it_counts_what_does_not_fit(self, info: str) -> None:
        assert kept(info) == {}
        assert warned(vcf(row(info=info)))["bad-info-value"] == (1, 3)

    def test_it_never_makes_a_number_that_the_database_cannot_hold(self) -> None:
        text = only(vcf(row(info="AF=0.0000000000000000000000001;MQ=1e-300;QD=123456789012345678901234567890"))).info
        assert len(text) < 100
        assert "e-300" in text

    def test_it_is_bounded(self) -> None:
        found = only(vcf(row(alt="<DEL>", info="MATEID=" + "é" * 5000 + ";DP=3;CLNSIG=" + "x" * 9000 + ";SVLEN=-5")))
        assert json.loads(found.info)["SVLEN"] == -5
        assert len(found.info.encode()) <= MAX_BYTES
        assert warned(vcf(row(info="CLNSIG=" + "x" * 9000)))["info-too-long"] == (1, 3)

    def test_it_has_a_description_for_every_key(self) -> None:
        assert all(key.number in "01A." and key.description.isprintable() for key in KEPT.values())


def test_a_bad_value_counts_each_time_it_stands_in_a_file() -> None:
    data = vcf(*(row(pos=pos, info="DP=x;OTHER=y") for pos in (100, 200, 300)))
    assert warned(data) == {"bad-info-value": (3, 3)}


class TestPercentEncoding:
    def test_it_decodes_the_eight_listed_codes(self) -> None:
        assert decode("%3A%3B%3D%25%2C%0D%0A%09") == ":;=%,\r\n\t"

    @pytest.mark.parametrize("text", ["%20", "%00", "%", "%3", "100%", "%7C", "%253A"[:3] + "x"])
    def test_it_leaves_the_rest(self, text: str) -> None:
        assert decode(text) == text.replace("%25", "%")

    def test_it_comes_back(self) -> None:
        text = "a:b;c=d%e,f\rg\nh\ti %20 %3A"
        assert decode(encode(text)) == text


class TestManyAlts:
    def test_a_line_is_split_once_however_many_alts_it_calls(self) -> None:
        reader = InfoReader(Warnings())
        info = "DP=1;AC=1,2;AC=3,4;END=9;OTHER=5"
        fields = reader.fields(info)
        assert fields == {"DP": "1", "AC": "3,4", "END": "9"}
        assert reader.fields(info) is fields

    def test_a_list_too_long_to_be_kept_is_not_even_read(self) -> None:
        warnings = Warnings()
        assert InfoReader(warnings).json("CLNSIG=" + ",".join("a" * 9000), 1, 2, 7) == "{}"
        assert [(entry["code"], entry["first_line"]) for entry in warnings.listed()] == [("info-too-long", 7)]
