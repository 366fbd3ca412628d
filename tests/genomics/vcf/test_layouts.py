"""INFO matched as a whole gives what reading it field by field gives, or steps aside."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from genomics.vcf.faults import Warnings
from genomics.vcf.info import InfoReader

names = st.sampled_from(
    ["AC", "AF", "AN", "DP", "QD", "SVLEN", "DB", "SOMATIC", "CLNSIG", "CIPOS", "OTHER", "a.b", "END"]
)
values = st.sampled_from([
    *("0", "1", "-1", "-0", "01", "+1", "1.5", "0.500", "-0.0", "1.", ".5", "1e5", "x", ".", "", "1,2", "nan", "%3B", '"', "="),
    *("1=2", "2147483648", "9" * 9, "9" * 10, "0." + "1" * 15, "0." + "1" * 16),
])  # fmt: skip
fields = st.one_of(st.builds("{}={}".format, names, values), names, st.just(""), st.sampled_from(["DB=1", "é", "A(B"]))
# Few orders of fields, many values: so that what one line taught is tried on others.
infos = st.lists(st.lists(fields, min_size=1, max_size=5).map(";".join), min_size=1, max_size=12)


def read(infos: Sequence[str]) -> tuple[list[str], dict[str, int]]:
    warnings = Warnings()
    reader = InfoReader(warnings)
    found = [reader.json(info, 1, 1, line) for line, info in enumerate(infos)]
    return found, {entry["code"]: entry["count"] for entry in warnings.listed()}


def apart(infos: Sequence[str]) -> tuple[list[str], dict[str, int]]:
    """By readers that have learned nothing yet."""
    found, counts = [], dict[str, int]()
    for info in infos:
        (text,), warned = read([info])
        found.append(text)
        for code, count in warned.items():
            counts[code] = counts.get(code, 0) + count
    return found, counts


class TestLayouts:
    @given(infos)
    @settings(max_examples=500)
    def test_what_was_learned_changes_nothing(self, infos: list[str]) -> None:
        assert read(infos) == apart(infos)

    @given(st.lists(names, min_size=1, max_size=6), st.data())
    @settings(max_examples=500)
    def test_nor_where_all_lines_have_one_order(self, order: list[str], data: st.DataObject) -> None:
        infos = [";".join(f"{name}={data.draw(values)}" for name in order) for _ in range(6)]
        assert read(infos) == apart(infos)

    def test_a_line_of_a_known_order_is_matched_as_a_whole(self) -> None:
        reader = InfoReader(Warnings())
        assert reader.json("AC=1;X=a;DB;AF=0.50", 1, 1, 1) == '{"AC":1,"DB":true,"AF":0.50}'
        assert reader._layouts.json("AC=22;X=;DB;AF=-3") == '{"AC":22,"DB":true,"AF":-3}'
        for other in (
            "AC=22;X=;AF=3",
            "AC=22;X;DB;AF=3",
            "AC=22;X=1;DB;AF=3;",
            "AC=1,2;X=1;DB;AF=3",
            "AC=22;X=1;Y=2;DB;AF=3",
        ):
            assert reader._layouts.json(other) is None

    def test_it_gives_up_on_a_file_without_order(self) -> None:
        reader = InfoReader(Warnings())
        for number in range(500):
            reader.json(f"K{number}=1;DP=3", 1, 1, number)
        assert len(reader._layouts._known) == 6

    def test_the_same_order_is_learned_once(self) -> None:
        reader = InfoReader(Warnings())
        for number in range(20):
            reader.json("AC=.;DP=3", 1, 1, number)
        assert len(reader._layouts._known) == 1
