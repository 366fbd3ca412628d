"""What the named questions cost: the plans of the statements that the API sends, on a table of 200,000 variants."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg.sql
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chassis.issuers import Caller
from genomics.models import Analysis, Variant
from genomics.querysets import VariantQuerySet
from genomics.rules import LOOK_BACK, Region
from tests.api import Api
from tests.database import execute, plan

from . import factories

ANALYSES = 4
SPACING = 1_000
A_CHROMOSOME = 5_000

# Ten chromosomes, a variant every thousand bases; one in 5,000 spans 50,000 bases.
FILL = """
INSERT INTO genomics_variant (analysis_id, id, chrom, pos, end_pos, ref, alt, kind, genotype, zygosity, qual, filters,
                              depth, rs_ids, gene_symbol, consequence, record_line, alt_index, info)
SELECT %s, uuidv7(), 1 + n / %s, 1 + (n %% %s) * %s, 1 + (n %% %s) * %s + CASE n %% 5000 WHEN 7 THEN 50000 ELSE 0 END,
       'A', 'G', 'snv', '0/1', 'heterozygous', n %% 100, CASE n %% 10 WHEN 0 THEN ARRAY['q10'] ELSE '{}'::text[] END,
       n %% 60, ARRAY['rs' || n], 'GENE' || n %% 2000, 'missense_variant', n + 2, 1, '{}'
FROM generate_series(0, 49999) AS n
"""


class Cost(NamedTuple):
    """What EXPLAIN ANALYZE tells of a statement."""

    nodes: list[str]
    indexes: set[str]
    rows_read: int


def cost_of(statement: str) -> Cost:
    """Runs it once more under EXPLAIN; `rows_read` counts rows of the variants that were returned or dropped."""
    nodes = plan(statement)
    variants = [node for node in nodes if node.get("Relation Name") == "genomics_variant"]
    read = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in variants
    )
    indexes = {node["Index Name"] for node in nodes if "Index Name" in node}
    return Cost([node["Node Type"] for node in nodes], indexes, read)


def cost_of_get(api: Api, path: str) -> tuple[Cost, list[dict[str, Any]]]:
    """The cost of the one query that a GET asks, and its results."""
    with CaptureQueriesContext(connection) as captured:
        answer = api.get(path)
    assert answer.status == 200, answer.content
    (query,) = captured.captured_queries
    return cost_of(query["sql"]), answer.json["results"]


@pytest.fixture(scope="class")
def crowded(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The path of the variants of one among several large analyses."""
    with django_db_blocker.unblock():
        api = Api("genomics")
        empty = (factories.HEADER + factories.PIK3CA.replace("chr3", "chr22").replace("179218303", "100")).encode()
        ids = [factories.ready_analysis(api, empty)["id"] for _ in range(ANALYSES)]
        for id_ in ids:
            execute(FILL, id_, A_CHROMOSOME, A_CHROMOSOME, SPACING, A_CHROMOSOME, SPACING)
        execute("ANALYZE genomics_variant")
        yield f"analyses/{ids[2]}/variants"
        tables = ["variant", "analysis", "sample", "analysisevent", "sampleevent"]
        execute(f"TRUNCATE {', '.join(f'genomics_{table}' for table in tables)} CASCADE")


@pytest.mark.django_db
@pytest.mark.xdist_group("crowded")
class TestCost:
    @pytest.mark.parametrize("start", [1, 2_000_000, 4_900_000])
    def test_a_region_is_read_from_the_index_in_order(self, crowded: str, start: int) -> None:
        cost, found = cost_of_get(Api("genomics"), f"{crowded}?region=3:{start}-{start + 20_000}")
        assert len(found) >= 20
        assert "genomics_variant_position" in cost.indexes
        assert not [node for node in cost.nodes if "Sort" in node]
        # The 20 in the region, those of LOOK_BACK or of one spanning variant before it, and the row that tells of a next page.
        assert cost.rows_read <= 20 + 50 + LOOK_BACK // SPACING + 3

    def test_the_loss_of_its_index_would_be_seen(self, crowded: str) -> None:
        execute("DROP INDEX genomics_variant_position")
        cost, found = cost_of_get(Api("genomics"), f"{crowded}?region=3:2000000-2020000")
        assert len(found) >= 20
        assert [node for node in cost.nodes if "Sort" in node]
        assert cost.rows_read > 1000

    def test_a_spanning_variant_is_found_from_afar_and_widens_only_its_own_scan(self, crowded: str) -> None:
        # Variant 7 of each chromosome starts at 7,001 and ends at 57,001.
        near, found = cost_of_get(Api("genomics"), f"{crowded}?region=3:57001-57001")
        assert [row["pos"] for row in found] == [7001, 57001]
        far, found = cost_of_get(Api("genomics"), f"{crowded}?region=3:57002-58001")
        assert [row["pos"] for row in found] == [58001]
        assert far.rows_read <= 5 < near.rows_read <= 60

    def test_it_is_the_same_when_it_is_planned_for_any_region(self, crowded: str) -> None:
        """As PostgreSQL plans what is prepared, after some executions: without the values."""
        question = (
            VariantQuerySet(Variant).of_analysis(crowded.split("/")[1]).overlapping(Region(3, 2_000_000, 2_020_000))
        )
        sql, values = question.order_by("chrom", "pos", "id").query.sql_with_params()
        with connection.cursor() as cursor:
            numbered = sql % tuple(f"${number + 1}" for number in range(len(values)))
            cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            cursor.execute(f"PREPARE region AS {numbered}")
            literals = ", ".join(psycopg.sql.Literal(value).as_string() for value in values)
            cost = cost_of(f"EXECUTE region({literals})")
            cursor.execute("DEALLOCATE region")
        assert cost.indexes == {"genomics_variant_position", "genomics_variant_long"}

    def test_a_page_reads_a_page(self, crowded: str) -> None:
        cost, found = cost_of_get(Api("genomics"), f"{crowded}?limit=50")
        assert (len(found), cost.rows_read) == (50, 51)
        assert not [node for node in cost.nodes if "Sort" in node]

    @pytest.mark.parametrize("ordering", ["position", "-position"])
    def test_a_page_far_down_costs_what_the_first_one_costs(self, crowded: str, ordering: str) -> None:
        link = f"{crowded}?ordering={ordering}&limit=200"
        for _ in range(100):
            link = Api("genomics").get(link.removeprefix("http://testserver")).json["next"]
        cost, found = cost_of_get(Api("genomics"), link.removeprefix("http://testserver"))
        assert (len(found), cost.rows_read) == (200, 201)
        assert "genomics_variant_position" in cost.indexes
        assert not [node for node in cost.nodes if "Sort" in node]

    def test_a_gene_has_its_own_index_in_order_of_position(self, crowded: str) -> None:
        cost, found = cost_of_get(Api("genomics"), f"{crowded}?gene=GENE77")
        assert [row["gene_symbol"] for row in found] == ["GENE77"] * 25
        assert "genomics_variant_gene" in cost.indexes
        assert cost.rows_read == 25
        assert not [node for node in cost.nodes if "Sort" in node]

    def test_an_rs_id_is_found_by_its_index(self, crowded: str) -> None:
        cost, found = cost_of_get(Api("genomics"), f"{crowded}?rs_id=rs31415")
        assert [row["rs_ids"] for row in found] == [["rs31415"]]
        assert {"genomics_variant_rs_id"} <= cost.indexes
        assert cost.rows_read <= 4

    def test_filters_narrow_the_scan_of_a_region(self, crowded: str) -> None:
        cost, found = cost_of_get(
            Api("genomics"), f"{crowded}?region=5:1000001-1100000&passed=true&min_qual=50&min_depth=10"
        )
        assert 0 < len(found) < 100
        assert cost.rows_read <= 160


@pytest.mark.django_db
class TestVariantQuerySet:
    @pytest.fixture
    def analysis(self) -> Analysis:
        return Analysis.objects.get(pk=factories.ready_analysis(Api("genomics"))["id"])

    @pytest.fixture
    def variants(self, analysis: Analysis) -> VariantQuerySet:
        found: VariantQuerySet = Variant.objects.of_analysis(analysis.pk)
        return found

    def test_of_analysis_leaves_out_other_analyses(self, analysis: Analysis) -> None:
        factories.ready_analysis(Api("genomics"))
        assert (Variant.objects.of_analysis(analysis.pk).count(), Variant.objects.count()) == (2, 4)

    def test_for_caller_leaves_out_other_organizations(self, analysis: Analysis) -> None:
        def caller(organization: str) -> Caller:
            return Caller("x:y", "y", organization, frozenset())

        assert Variant.objects.for_caller(caller("st-elsewhere")).count() == 2
        assert Variant.objects.for_caller(caller("general-hospital")).count() == 0

    def test_overlapping_shares_a_base_with_the_region(self, variants: VariantQuerySet) -> None:
        # ATCT>A loses its last three bases.
        ((start, end),) = variants.filter(chrom=7).values_list("pos", "end_pos")
        regions = [(start - 1, start - 1), (start, start), (end, end + 5), (end + 1, end + 1)]
        assert [variants.overlapping(Region(7, *region)).count() for region in regions] == [0, 1, 1, 0]

    def test_known_as_looks_at_every_rs_id(self, variants: VariantQuerySet) -> None:
        assert variants.known_as("rs104886003").count() == 1
        assert variants.known_as("rs10488600").count() == 0

    def test_passed_knows_that_no_filter_is_neither(self, variants: VariantQuerySet) -> None:
        assert (variants.passed(True).count(), variants.passed(False).count()) == (1, 1)
