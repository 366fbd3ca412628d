"""A client that nobody here wrote: openapi-python-client makes it from our documents, and it does the whole walkthrough.

Nothing that it generates is touched. What it cannot say, our documents do not say.
"""

from __future__ import annotations

import compileall
import io
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from django.conf import settings

from tests.api import token
from tests.servers import ROOT, Server, make_database

pytestmark = pytest.mark.skipif(
    settings.SERVICES != ["genomics", "clinical"], reason="the walkthrough needs both services"
)

# It sends and reads media types that it has not heard of once it is told that they are bytes.
CONFIGURATION = {
    "content_type_overrides": dict.fromkeys(
        ["text/vcf", "text/plain", "application/gzip", "application/x-gzip", "application/x-ndjson"],
        "application/octet-stream",
    )
}
WALKTHROUGH = ROOT / "docs" / "walkthrough.vcf"
PHENOTYPES = "phenotypes.consultations_phenotypes"
LINKS = "genomic_links.consultations_genomic_links"
ADDENDA = "addenda.consultations_addenda"
AT = "2026-11-{:02}T08:30:00+00:00"


@dataclass
class Generated:
    """The generated package of one service, and its client as one subject."""

    service: str
    url: str
    client: Any

    @property
    def package(self) -> str:
        return f"careway_{self.service}"

    def model(self, name: str, **members: Any) -> Any:
        """An instance of a generated model, its members parsed as those of an answer are."""
        return getattr(import_module(f"{self.package}.models"), name).from_dict(members)

    def call(self, operation: str, *path: UUID, **arguments: Any) -> Any:
        """The detailed answer of an operation, called by the module that it was generated into."""
        module = import_module(f"{self.package}.api.{operation}")
        return module.sync_detailed(*path, client=self.client, **arguments)

    def create(self, operation: str, model: str, *path: UUID, **members: Any) -> Any:
        return self.call(f"{operation}_create", *path, body=self.model(f"{model}Request", **members))

    def move(self, operation: str, *path: UUID, tag: str, to: str, **members: Any) -> Any:
        name = operation.split(".")[1].title().replace("_", "")
        body = self.model(f"{name}TransitionsCreateBody", to=to, **members)
        return self.call(f"{operation}_transitions_create", *path, if_match=tag, body=body)

    def as_(self, subject: str) -> Generated:
        """The same client as somebody else."""
        authenticated = import_module(self.package).AuthenticatedClient
        return Generated(self.service, self.url, authenticated(base_url=self.url, token=token(subject)))


def parsed(answer: Any, status: int, model: str) -> Any:
    """The body as the generated model that the document promises for the status."""
    assert answer.status_code == status, answer.content
    assert type(answer.parsed).__name__ == model
    assert not answer.parsed.additional_properties, "members that the document does not know"
    return answer.parsed


def tag_of(answer: Any) -> str:
    return str(answer.headers["ETag"])


def generate(url: str, folder: Path) -> str:
    """Generates a package from a document, and answers what the generator said."""
    configuration = folder.parent / "configuration.json"
    configuration.write_text(json.dumps(CONFIGURATION))
    binaries = Path(sys.executable).parent
    done = subprocess.run(
        [
            *(str(binaries / "openapi-python-client"), "generate", "--url", url, "--config", str(configuration)),
            *("--meta", "none", "--output-path", str(folder), "--fail-on-warning"),
        ],
        cwd=folder.parent,
        # It calls ruff by name to lay out what it wrote.
        env={**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def both() -> Iterator[Server]:
    """One server for both services, which asks itself about analyses: so it has a thread to spare in another worker."""
    running = Server.that_asks_itself(make_database("careway_generated")).start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def clients(both: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Generated]]:
    """The clients by service, each generated from the document as the server gives it."""
    folder = tmp_path_factory.mktemp("generated")
    sys.path.insert(0, str(folder))
    made = {}
    for service in settings.SERVICES:
        said = generate(f"{both.url}/{service}/v1/openapi.json", folder / f"careway_{service}")
        assert said.split() == ["Generating", str(folder / f"careway_{service}")]
        made[service] = Generated(service, f"{both.url}/{service}/v1", None).as_("dr-lee")
    yield made
    sys.path.remove(str(folder))
    for each in made.values():
        each.client.get_httpx_client().close()


@pytest.fixture
def genomics(clients: dict[str, Generated]) -> Generated:
    return clients["genomics"]


@pytest.fixture
def clinical(clients: dict[str, Generated]) -> Generated:
    return clients["clinical"]


def patient() -> dict[str, Any]:
    return {"mrn_system": "urn:oid:1.2.3", "mrn": uuid4().hex, "family_name": "Lee", "sex": "unknown"}


def available_sample(genomics: Generated, patient: UUID) -> Any:
    made = genomics.create(
        "samples.samples", "Sample",
        accession=f"S-{uuid4().hex[:12]}", patient_id=str(patient), kind="blood", origin="germline",
        collected_at=AT.format(16), received_at=AT.format(17),
    )  # fmt: skip
    sample = parsed(made, 201, "Sample")
    assert made.headers["Location"].endswith(f"/genomics/v1/samples/{sample.id}")
    moved = genomics.move("samples.samples", sample.id, tag=tag_of(made), to="available")
    assert parsed(moved, 200, "Sample").status.value == "available"
    assert tag_of(moved) != tag_of(made)
    return moved.parsed


def registered_analysis(genomics: Generated, patient: UUID) -> Any:
    made = genomics.create(
        "analyses.analyses", "Analysis",
        sample=str(available_sample(genomics, patient).id), assay="wes", genome_build="GRCh38",
        pipeline_name="sarek", pipeline_version="3.5.1",
    )  # fmt: skip
    return parsed(made, 201, "Analysis")


def put_vcf(genomics: Generated, analysis: UUID, **query: str) -> Any:
    file = import_module(f"{genomics.package}.types").File
    body = file(payload=io.BytesIO(WALKTHROUGH.read_bytes()))
    return genomics.call("analyses.analyses_vcf_update", analysis, body=body, **query)


def ready_analysis(genomics: Generated, patient: UUID) -> Any:
    analysis = registered_analysis(genomics, patient)
    parsed(put_vcf(genomics, analysis.id, vcf_sample="CHILD"), 201, "AnalysisVcfOutcome")
    return parsed(genomics.call("analyses.analyses_retrieve", analysis.id), 200, "Analysis")


def confirmed_finding(genomics: Generated, analysis: UUID) -> Any:
    page = parsed(genomics.call("variants.analyses_variants_list", analysis, gene="PIK3CA"), 200, "VariantPage")
    (variant,) = page.results
    made = genomics.create(
        "findings.findings", "Finding",
        analysis=str(analysis), variant=str(variant.id), classification="likely-pathogenic",
        criteria=["PS2", "PM1", "PM2_Supporting"], condition="MONDO:0016054", inheritance="HP:0000006",
    )  # fmt: skip
    finding = parsed(made, 201, "Finding")
    assert finding.inheritance.value == "HP:0000006"
    moved = genomics.move("findings.findings", finding.id, tag=tag_of(made), to="confirmed")
    return parsed(moved, 200, "Finding")


@pytest.fixture(scope="module")
def signed(clients: dict[str, Generated]) -> Any:
    """The report that the walkthrough ends with."""
    genomics = clients["genomics"]
    analysis = ready_analysis(genomics, uuid4())
    finding = confirmed_finding(genomics, analysis.id)
    made = genomics.create(
        "reports.reports", "Report",
        analysis=str(analysis.id), findings=[str(finding.id)], outcome="positive", conclusion="It explains the findings.",
    )  # fmt: skip
    report = parsed(made, 201, "Report")
    assert report.content is None
    refused = genomics.move("reports.reports", report.id, tag=tag_of(made), to="final")
    assert parsed(refused, 403, "Problem").code.value == "forbidden"
    signatory = genomics.as_("dr-lindqvist")
    moved = signatory.move("reports.reports", report.id, tag=tag_of(made), to="final")
    signatory.client.get_httpx_client().close()
    return parsed(moved, 200, "Report")


class TestGenerating:
    @pytest.mark.parametrize("service", settings.SERVICES)
    def test_every_operation_has_its_function(self, clients: dict[str, Generated], both: Server, service: str) -> None:
        document = both.api.get(f"/{service}/v1/openapi.json").json
        package = import_module(f"careway_{service}.api")
        names = [
            each.name for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.") if not each.ispkg
        ]
        assert len(names) == sum(map(len, document["paths"].values())) > 20
        assert all(callable(import_module(name).sync_detailed) for name in names)

    @pytest.mark.parametrize("service", settings.SERVICES)
    def test_every_module_of_it_compiles(self, clients: dict[str, Generated], service: str) -> None:
        (folder,) = import_module(f"careway_{service}").__path__
        assert compileall.compile_dir(folder, quiet=2, force=True)

    def test_models_are_described_as_what_they_are(self, genomics: Generated, clinical: Generated) -> None:
        assert "A specimen of one patient" in import_module(f"{genomics.package}.models").Sample.__doc__
        assert "A late note to a consultation" in import_module(f"{clinical.package}.models").AddendumRequest.__doc__


class TestGenomics:
    def test_a_file_with_two_columns_asks_for_one(self, genomics: Generated) -> None:
        analysis = registered_analysis(genomics, uuid4())
        problem = parsed(put_vcf(genomics, analysis.id), 422, "Problem")
        assert problem.samples == ["CHILD", "MOTHER"]
        assert [fault.code for fault in problem.errors] == ["sample-required"]
        counted = parsed(put_vcf(genomics, analysis.id, vcf_sample="CHILD"), 201, "AnalysisVcfOutcome")
        assert (counted.stored, counted.skipped_reference, counted.skipped_other_contigs) == (11, 1, 1)
        again = parsed(put_vcf(genomics, analysis.id, vcf_sample="CHILD"), 200, "AnalysisVcfOutcome")
        assert again.sha256 == counted.sha256

    def test_a_region_is_paged(self, genomics: Generated) -> None:
        analysis = ready_analysis(genomics, uuid4())
        query = {"region": "chr3:179148114-179240093", "passed": True, "limit": 2}
        page = parsed(genomics.call("variants.analyses_variants_list", analysis.id, **query), 200, "VariantPage")
        found = list(page.results)
        while page.next_:
            (cursor,) = parse_qs(urlsplit(page.next_).query)["cursor"]
            answer = genomics.call("variants.analyses_variants_list", analysis.id, cursor=cursor, **query)
            page = parsed(answer, 200, "VariantPage")
            found += page.results
        assert [(row.pos, row.kind.value) for row in found] == [
            (179150260, "snv"), (179175012, "deletion"), (179175012, "insertion"), (179218303, "snv"), (179230377, "deletion"),
        ]  # fmt: skip

    def test_both_exports_are_files(self, genomics: Generated) -> None:
        analysis = ready_analysis(genomics, uuid4())
        rows = genomics.call("variants.analyses_variants_ndjson_list", analysis.id)
        lines = genomics.call("variants.analyses_variants_vcf_list", analysis.id)
        assert (rows.status_code, lines.status_code) == (200, 200)
        found = [genomics.model("Variant", **json.loads(row)) for row in rows.parsed.payload]
        assert [row.pos for row in found] == [
            int(line.split(b"\t")[1]) for line in lines.parsed.payload if not line.startswith(b"#")
        ]
        assert len(found) == 11

    def test_a_report_is_signed(self, genomics: Generated, signed: Any) -> None:
        assert (signed.status.value, signed.signed_by) == ("final", "development:dr-lindqvist")
        assert [each["id"] for each in signed.content["findings"]] == [str(each) for each in signed.findings]
        listed = parsed(genomics.call("reports.reports_list", analysis=signed.analysis), 200, "ReportPage")
        assert listed.results == [signed]

    def test_history_shows_each_version(self, genomics: Generated, signed: Any) -> None:
        page = parsed(genomics.call("reports.reports_history_retrieve", signed.id), 200, "ReportEventPage")
        assert [(event.actor, event.record.status.value) for event in page.results] == [
            ("development:dr-lindqvist", "final"),
            ("development:dr-lee", "preliminary"),
        ]
        of_analysis = genomics.call("analyses.analyses_history_retrieve", signed.analysis)
        statuses = [event.record.status.value for event in parsed(of_analysis, 200, "AnalysisEventPage").results]
        assert statuses == ["reported", "ready", "registered"]
        # Whose sample it was then, no past version says.
        assert not hasattr(of_analysis.parsed.results[0].record, "patient_id")

    def test_standard_views_are_objects(self, genomics: Generated, signed: Any) -> None:
        bundle = genomics.call("reports.reports_fhir_retrieve", signed.id)
        assert bundle.parsed["resourceType"] == "Bundle"
        packet = genomics.call("analyses.analyses_phenopacket_retrieve", signed.analysis)
        assert packet.parsed["metaData"]
        unchanged = genomics.call("reports.reports_fhir_retrieve", signed.id, if_none_match=tag_of(bundle))
        assert unchanged.status_code == 304


@pytest.fixture(scope="module")
def consultation(clients: dict[str, Generated]) -> Any:
    """A consultation in progress, of a patient of its own."""
    clinical = clients["clinical"]
    made = clinical.create(
        "patients.patients", "Patient",
        mrn_system="urn:oid:2.16.840.1.113883.19.5", mrn="00012345", family_name="Okafor", given_names=["Ada"],
        birth_date="1980-04", sex="female",
    )  # fmt: skip
    patient = parsed(made, 201, "Patient")
    assert (patient.mrn, patient.birth_date, patient.merged_into) == ("00012345", "1980-04", None)
    planned = clinical.create(
        "consultations.consultations", "Consultation",
        patient=str(patient.id), kind="AMB", scheduled_at=AT.format(25), reason="Exome reported.",
    )  # fmt: skip
    assert parsed(planned, 201, "Consultation").status.value == "planned"
    begun = clinical.move("consultations.consultations", planned.parsed.id, tag=tag_of(planned), to="in-progress")
    assert parsed(begun, 200, "Consultation").started_at
    return begun.parsed


class TestClinical:
    def test_a_phenotype_is_recorded_and_corrected(self, clinical: Generated, consultation: Any) -> None:
        made = clinical.create(PHENOTYPES, "Phenotype", consultation.id, term="HP:0001250", onset="2019")
        phenotype = parsed(made, 201, "Phenotype")
        assert (phenotype.consultation, phenotype.excluded) == (consultation.id, False)
        body = clinical.model("PatchedPhenotypeRequest", onset="HP:0003577")
        path = (consultation.id, phenotype.id)
        changed = clinical.call(f"{PHENOTYPES}_partial_update", *path, if_match=tag_of(made), body=body)
        assert parsed(changed, 200, "Phenotype").onset == "HP:0003577"
        wrong = clinical.move(
            PHENOTYPES, *path, tag=tag_of(changed), to="entered-in-error", reason="Of another patient."
        )
        assert parsed(wrong, 200, "Phenotype").status_reason == "Of another patient."
        page = parsed(clinical.call(f"{PHENOTYPES}_history_retrieve", *path), 200, "PhenotypeEventPage")
        assert [event.action.value for event in page.results] == ["changed", "changed", "created"]
        listed = parsed(clinical.call(f"{PHENOTYPES}_list", consultation.id), 200, "PhenotypePage")
        assert listed.results == [wrong.parsed]

    def test_a_diagnosis_has_codings(self, clinical: Generated, consultation: Any) -> None:
        coding = {"system": "MONDO", "code": "MONDO:0016054", "display": "Cerebral malformation"}
        made = clinical.create(
            "diagnoses.diagnoses", "Diagnosis",
            patient=str(consultation.patient), consultation=str(consultation.id), codings=[coding, {"system": "ICD-10", "code": "Q04.9"}],
            clinical_status="active", verification_status="provisional", severity="moderate",
        )  # fmt: skip
        diagnosis = parsed(made, 201, "Diagnosis")
        assert [each.to_dict() for each in diagnosis.codings] == [coding, {"system": "ICD-10", "code": "Q04.9"}]
        assert (diagnosis.severity.value, diagnosis.clinical_status.value) == ("moderate", "active")
        moved = clinical.move("diagnoses.diagnoses", diagnosis.id, tag=tag_of(made), to="confirmed")
        assert parsed(moved, 200, "Diagnosis").verification_status.value == "confirmed"
        listed = clinical.call("diagnoses.diagnoses_list", patient=consultation.patient)
        assert parsed(listed, 200, "DiagnosisPage").results == [moved.parsed]
        wrong = clinical.move(
            "diagnoses.diagnoses", diagnosis.id, tag=tag_of(moved), to="entered-in-error", reason="Typed."
        )
        assert parsed(wrong, 200, "Diagnosis").clinical_status is None

    def test_an_analysis_is_linked(self, clinical: Generated, genomics: Generated, consultation: Any) -> None:
        analysis = ready_analysis(genomics, consultation.patient)
        made = clinical.create(LINKS, "GenomicLink", consultation.id, analysis_id=str(analysis.id), relation="reviewed")
        link = parsed(made, 201, "GenomicLink")
        assert (link.verification.value, link.analysis_id) == ("verified", analysis.id)
        assert link.snapshot["status"] == "ready"
        assert link.checked_at
        read = clinical.call(f"{LINKS}_retrieve", consultation.id, link.id)
        assert parsed(read, 200, "GenomicLink") == link

    def test_another_patient_s_analysis_is_not(
        self, clinical: Generated, genomics: Generated, consultation: Any
    ) -> None:
        analysis = registered_analysis(genomics, uuid4())
        refused = clinical.create(
            LINKS, "GenomicLink", consultation.id, analysis_id=str(analysis.id), relation="ordered"
        )
        problem = parsed(refused, 409, "Problem")
        assert [(fault.pointer, fault.code) for fault in problem.errors] == [("/analysis_id", "other-patient")]

    def test_an_addendum_follows_the_end(self, clinical: Generated, consultation: Any) -> None:
        read = clinical.call("consultations.consultations_retrieve", consultation.id)
        ended = clinical.move("consultations.consultations", consultation.id, tag=tag_of(read), to="completed")
        assert parsed(ended, 200, "Consultation").ended_at
        refused = clinical.move("consultations.consultations", consultation.id, tag=tag_of(ended), to="on-hold")
        problem = parsed(refused, 409, "Problem")
        assert (problem.current, problem.allowed) == ("completed", ["entered-in-error"])
        made = clinical.create(ADDENDA, "Addendum", consultation.id, note="The patient called.")
        assert parsed(made, 201, "Addendum").created_by == "development:dr-lee"
        listed = parsed(clinical.call(f"{ADDENDA}_list", consultation.id), 200, "AddendumPage")
        assert listed.results == [made.parsed]

    def test_the_standard_view_is_an_object(self, clinical: Generated, consultation: Any) -> None:
        bundle = clinical.call("consultations.consultations_fhir_retrieve", consultation.id)
        assert bundle.status_code == 200, bundle.content
        assert bundle.parsed["resourceType"] == "Bundle"


class TestContract:
    def test_a_whole_record_replaces_its_version_alone(self, genomics: Generated) -> None:
        sample = available_sample(genomics, uuid4())
        read = genomics.call("samples.samples_retrieve", sample.id)
        members = {**read.parsed.to_dict(), "kind": "saliva"}
        del members["collected_at"]
        body = genomics.model("SampleRequest", **members)
        answer = genomics.call("samples.samples_update", sample.id, if_match=tag_of(read), body=body)
        replaced = parsed(answer, 200, "Sample")
        assert (replaced.kind.value, replaced.collected_at) == ("saliva", None)
        assert replaced.received_at == sample.received_at
        again = genomics.call("samples.samples_update", sample.id, if_match=tag_of(read), body=body)
        assert parsed(again, 412, "Problem").code.value == "stale-version"

    def test_a_record_that_nothing_needs_is_deleted(self, clinical: Generated, genomics: Generated) -> None:
        sample = available_sample(genomics, uuid4())
        read = genomics.call("samples.samples_retrieve", sample.id)
        kept = genomics.call("samples.samples_destroy", sample.id, if_match=tag_of(read))
        assert parsed(kept, 409, "Problem").current == "available"
        made = clinical.create("patients.patients", "Patient", **patient())
        gone = clinical.call("patients.patients_destroy", made.parsed.id, if_match=tag_of(made))
        assert gone.status_code == 204, gone.content
        assert parsed(clinical.call("patients.patients_retrieve", made.parsed.id), 404, "Problem").status == 404

    def test_a_retry_is_answered_as_the_first_time(self, clinical: Generated) -> None:
        body = clinical.model("PatientRequest", **patient())
        key = str(uuid4())
        first, second = (clinical.call("patients.patients_create", body=body, idempotency_key=key) for _ in range(2))
        assert parsed(first, 201, "Patient") == parsed(second, 201, "Patient")
        assert second.headers["Idempotent-Replayed"] == "true"

    def test_faults_are_named(self, clinical: Generated) -> None:
        refused = clinical.create("patients.patients", "Patient", **{**patient(), "mrn_system": "none"})
        problem = parsed(refused, 400, "Problem")
        assert [(fault.pointer, fault.code) for fault in problem.errors] == [("/mrn_system", "pattern")]

    def test_without_a_token_nothing_is_answered(self, clinical: Generated) -> None:
        with import_module(clinical.package).Client(base_url=clinical.url) as anonymous:
            answer = Generated("clinical", clinical.url, anonymous).call("patients.patients_list")
        assert parsed(answer, 401, "Problem").code.value == "unauthenticated"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
