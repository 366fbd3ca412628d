"""The routes of this service choose: a queryset, a serializer, a filterset, and one operation a verb."""

from __future__ import annotations

from typing import Any

from chassis.models import Record
from chassis.viewsets import RecordViewSet

from . import filters, linking, operations, serializers
from .models import Addendum, Consultation, Diagnosis, GenomicLink, Patient, Phenotype


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

    def perform_create(self, **values: Any) -> Record:
        return operations.plan_consultation(caller=self.caller, **values)

    def perform_update(self, record: Any, **values: Any) -> None:
        operations.edit_consultation(record, caller=self.caller, **values)

    def perform_transition(self, record: Any, **values: Any) -> None:
        operations.move_consultation(record, caller=self.caller, **values)


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

    def perform_transition(self, record: Any, **values: Any) -> None:
        operations.move_diagnosis(record, caller=self.caller, **values)


class GenomicLinkViewSet(RecordViewSet):
    """Links to analyses of the genomics service. Making one needs the scope `genomics:read` as well."""

    queryset = GenomicLink.objects.all()
    serializer_class = serializers.GenomicLinkSerializer
    filterset_class = filters.GenomicLinkFilter
    parent = "consultation"

    def perform_create(self, **values: Any) -> Record:
        return linking.link_analysis(caller=self.caller, **values)

    def perform_update(self, record: Any, **values: Any) -> None:
        linking.edit_link(record, caller=self.caller, **values)

    def perform_delete(self, record: Any) -> None:
        operations.delete_entry(record, caller=self.caller, consultation_id=record.consultation_id)
