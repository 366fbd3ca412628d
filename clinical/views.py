"""The routes of this service choose: a queryset, a serializer, a filterset, and one operation a verb."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.decorators import action
from rest_framework.request import Request

from chassis.fhir import MEDIA_TYPE
from chassis.filters import check_parameters
from chassis.models import Record
from chassis.permissions import check_scope
from chassis.representation import json_of
from chassis.views import Rendition
from chassis.viewsets import RecordViewSet

from . import filters, linking, operations, serializers
from .fhir import consultation_bundle
from .models import Addendum, Consultation, Diagnosis, GenomicLink, Patient, Phenotype

# What a consultation's rendition is made of: itself, its patient, and the relations below it.
WHOLE = {
    "consultation": serializers.ConsultationSerializer,
    "patient": serializers.PatientSerializer,
    "diagnoses": serializers.DiagnosisSerializer,
    "phenotypes": serializers.PhenotypeSerializer,
    "addenda": serializers.AddendumSerializer,
    "genomic_links": serializers.GenomicLinkSerializer,
}


class PatientViewSet(RecordViewSet):
    """People under care. One who was registered twice is merged: a transition to `merged` that names `into`."""

    queryset = Patient.objects.all()
    serializer_class = serializers.PatientSerializer
    transition_serializer = serializers.PatientTransitionSerializer
    filterset_class = filters.PatientFilter

    def perform_update(self, record: Any, **values: Any) -> None:
        operations.edit_patient(record, caller=self.caller, **values)

    def perform_transition(self, record: Any, **values: Any) -> None:
        operations.move_patient(record, caller=self.caller, **values)


class ConsultationViewSet(RecordViewSet):
    """Meetings of a patient with a practitioner. Once ended they take addenda alone."""

    queryset = Consultation.objects.all()
    serializer_class = serializers.ConsultationSerializer
    filterset_class = filters.ConsultationFilter
    renditions: ClassVar[Mapping[str, Rendition]] = {
        "fhir": Rendition(MEDIA_TYPE, "A Bundle of HL7 FHIR R4 around an Encounter."),
    }

    def perform_create(self, **values: Any) -> Record:
        return operations.plan_consultation(caller=self.caller, **values)

    def perform_update(self, record: Any, **values: Any) -> None:
        operations.edit_consultation(record, caller=self.caller, **values)

    def perform_transition(self, record: Any, **values: Any) -> None:
        operations.move_consultation(record, caller=self.caller, **values)

    @action(detail=True, methods=["get"])
    def fhir(self, request: Request, pk: Any) -> HttpResponse:
        """The consultation as HL7 FHIR R4: an Encounter with its Patient, Conditions, Observations, notes and studies.

        What was entered in error is shown, with a status that says so. The genomics service is not asked.
        """
        check_parameters(request, set())
        whole = self.get_queryset().whole(**{name: json_of(shown, as_text=False) for name, shown in WHOLE.items()})
        return self.render(pk, consultation_bundle(json.loads(whole.get(pk=pk)), organization=self.caller.organization))


class PhenotypeViewSet(RecordViewSet):
    """Phenotypic features that a consultation found or excluded."""

    queryset = Phenotype.objects.all()
    serializer_class = serializers.PhenotypeSerializer
    filterset_class = filters.PhenotypeFilter
    parent = "consultation"

    def perform_create(self, **values: Any) -> Record:
        return operations.record_phenotype(caller=self.caller, **values)

    def perform_update(self, record: Any, **values: Any) -> None:
        operations.edit_phenotype(record, caller=self.caller, **values)

    def perform_delete(self, record: Any) -> None:
        operations.delete_entry(record, caller=self.caller, consultation_id=record.consultation_id)


class AddendumViewSet(RecordViewSet):
    """Late notes to a consultation that has ended. Never edited and never deleted."""

    queryset = Addendum.objects.all()
    serializer_class = serializers.AddendumSerializer
    filterset_class = filters.AddendumFilter
    parent = "consultation"

    def perform_create(self, **values: Any) -> Record:
        return operations.add_addendum(caller=self.caller, **values)

    def perform_delete(self, record: Any) -> None:
        operations.keep_addendum(record, caller=self.caller)


class DiagnosisViewSet(RecordViewSet):
    """Conditions of a patient. Transitions move `verification_status`; `clinical_status` is edited."""

    queryset = Diagnosis.objects.all()
    serializer_class = serializers.DiagnosisSerializer
    filterset_class = filters.DiagnosisFilter

    def perform_create(self, **values: Any) -> Record:
        return operations.diagnose(caller=self.caller, **values)

    def perform_update(self, record: Any, **values: Any) -> None:
        operations.edit_diagnosis(record, caller=self.caller, **values)

    def perform_delete(self, record: Any) -> None:
        operations.delete_entry(record, caller=self.caller, consultation_id=record.consultation_id)

    def perform_transition(self, record: Any, **values: Any) -> None:
        operations.move_diagnosis(record, caller=self.caller, **values)


class GenomicLinkViewSet(RecordViewSet):
    """Links to analyses of the genomics service."""

    queryset = GenomicLink.objects.all()
    serializer_class = serializers.GenomicLinkSerializer
    filterset_class = filters.GenomicLinkFilter
    parent = "consultation"

    def create(self, request: Request, **above: Any) -> HttpResponse:
        """Makes a link, once genomics says that the analysis is this patient's. Needs the scope `genomics:read` as well."""
        # Before the retry key is looked up: a stored answer shows the analysis too.
        check_scope(self.caller, linking.NEEDED_SCOPE)
        return super().create(request, **above)

    def perform_create(self, **values: Any) -> Record:
        return linking.link_analysis(caller=self.caller, **values)

    def perform_update(self, record: Any, **values: Any) -> None:
        linking.edit_link(record, caller=self.caller, **values)

    def perform_delete(self, record: Any) -> None:
        operations.delete_entry(record, caller=self.caller, consultation_id=record.consultation_id)
