"""Sources that nobody has met: for the rules of corpus.py, what files that nobody here has seen may hold."""

from __future__ import annotations

from typing import Any

from . import corpus

Json = dict[str, Any]

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"
MOMENTS: list[Json] = [
    {"onsetAge": {"value": 4, "unit": "years", "system": "http://unitsofmeasure.org", "code": "a"}},
    {"onsetAge": {"value": 4.5, "system": "http://unitsofmeasure.org", "code": "a"}},
    {"onsetAge": {"value": 15, "comparator": "<", "code": "mo"}, "abatementAge": {"value": 20, "code": "mo"}},
    {"onsetRange": {"low": {"value": 1}}, "abatementString": "in spring"},
    {"onsetPeriod": {"start": "2019"}, "abatementDateTime": "2020-02"},
    {"onsetString": "Congenital onset (HP:0003577)", "abatementDateTime": "2020-02-03T10:00:00Z"},
    {"onsetString": "P1Y2M3D"},
    {"onsetDateTime": "2019-05-01T00:00:00Z", "recordedDate": "2019-06"},
]
# Several names and numbers, the dead, other kinds of encounter, other terminologies, moments of every
# type, participants, plans; and what is no R4 at all.
STRANGE: Json = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {
            "fullUrl": "urn:uuid:1",
            "resource": {
                "resourceType": "Patient", "id": "1", "active": False, "gender": "other", "birthDate": "2019-04",
                "identifier": [{"value": "none's"}, {"system": "urn:oid:1.2", "value": "00071"}, {"system": "urn:x", "value": "8"}],
                "name": [{"use": "nickname", "given": ["Abby2"]}, {"use": "official", "family": "Ek", "given": ["Abby2", "周"]}],
                "_birthDate": {"extension": [{"url": "urn:time", "valueDateTime": "2019-04-03T10:00:00+02:00"}]},
                "deceasedDateTime": "2021-11-03T23:30:00-05:00", "multipleBirthInteger": 2,
            },
        },
        {
            "fullUrl": "urn:uuid:2",
            "resource": {
                "resourceType": "Encounter", "id": "2", "status": "finished", "class": {"system": "urn:x", "code": "WELLNESS"},
                "subject": {"reference": "urn:uuid:1", "display": "Abby"}, "period": {"start": "2020", "end": "2020-02-01"},
                "participant": [{"individual": {"display": "Dr. Ek"}}, {"individual": {"reference": "Practitioner/3"}}],
                "reasonCode": [{"text": "Cough"}, {"coding": [{"system": "urn:x", "code": "1", "display": "Fever; high"}]}],
                "hospitalization": {"dischargeDisposition": {"text": "home"}},
            },
        },
        {
            "resource": {
                "resourceType": "Encounter", "id": "3", "status": "planned", "subject": {"reference": "Patient/1"},
                "class": {"code": "ACUTE"}, "period": {"start": "2126-01-01T10:00:00Z", "end": "2126-01-01T11:00:00Z"},
            },
        },
        *(
            {
                "resource": {
                    "resourceType": "Encounter", "id": f"e-{status}", "status": status, "subject": {"reference": "Patient/1"},
                    "class": {"system": ACT_CODE, "code": "VR", "display": "virtual"}, "period": {"start": "2021-01-01T10:00:00+01:00"},
                }
            }
            for status in corpus.WAYS
        ),
        *(
            {
                "resource": {
                    "resourceType": "Condition", "id": f"c-{number}", "subject": {"reference": "urn:uuid:1"},
                    "encounter": {"reference": ["urn:uuid:2", "Encounter/e-cancelled", "Encounter/gone"][number % 3]},
                    "clinicalStatus": {"coding": [{"system": f"{CATEGORY[:-8]}clinical", "code": "resolved"}]},
                    "code": {"coding": [{"system": "urn:x", "code": "?"}, {"system": "http://snomed.info/sct", "code": "84757009"}]},
                    "severity": {"coding": [{"system": "http://snomed.info/sct", "code": "6736007"}], "text": "Moderate"},
                    **moment,
                }
            }
            for number, moment in enumerate(MOMENTS)
        ),
        {
            "resource": {
                "resourceType": "Condition", "id": "stu3", "subject": {"reference": "Patient/1"}, "clinicalStatus": "active",
                "context": {"reference": "urn:uuid:2"}, "code": {"coding": [{"system": "http://snomed.info/sct", "code": "84757009"}]},
            },
        },
        *(
            {
                "resource": {
                    "resourceType": "Condition", "id": f"d-{number}", "subject": {"reference": "Patient/unknown"},
                    "verificationStatus": {"coding": [{"system": f"{CATEGORY[:-8]}ver-status", "code": status}]},
                    "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code, "display": "Burn"}], "text": "Burnt"},
                }
            }
            for number, (code, status) in enumerate(
                [("T20.21", "confirmed"), ("T20.21", "confirmed"), ("nonsense", "confirmed"), ("T20.22", "entered-in-error")]
            )
        ),
    ],
}  # fmt: skip
STRANGE_PACKET: Json = {
    "id": "strange",
    "subject": {
        "id": "p.(Arg913Ter) individual 7", "sex": "UNKNOWN_SEX", "dateOfBirth": "2013-01-01T00:00:00Z", "karyotypicSex": "XXY",
        "vitalStatus": {"status": "DECEASED", "timeOfDeath": {"age": {"iso8601duration": "P4Y"}}},
        "timeAtLastEncounter": {"age": {"iso8601duration": "P0D"}},
    },
    "phenotypicFeatures": [
        {"type": {"id": "HP:0001250", "label": "Seizure"}, "onset": {"age": {"iso8601duration": age}}}
        for age in ("P1Y3M", "P3W", "P0D", "P2M3D", "PT5H", "P1Y")
    ] + [
        {"type": {"id": "HP:0001251"}, "onset": {"ontologyClass": {"id": "HP:0003577", "label": "Congenital onset"}}},
        {"type": {"id": "HP:0001252"}, "onset": {"ontologyClass": {"id": "HP:0031796", "label": "Recurrent"}}, "excluded": True},
        {"type": {"id": "HP:0001253"}, "onset": {"ageRange": {"start": {"iso8601duration": "P1Y"}}}, "modifiers": [{"id": "HP:1"}]},
        {"type": {"id": "HP:0001254"}, "onset": {"timestamp": "2022-10-31T00:00:00Z"}, "excluded": False},
        {"type": {"id": "HANCESTRO:0852", "label": "Middle Eastern"}},
    ],
    "diseases": [
        {"term": {"id": "OMIM:219700", "label": "Cystic fibrosis"}, "onset": {"age": {"iso8601duration": "P28D"}}},
        {"term": {"id": "ORPHA:58", "label": "Alexander disease"}, "excluded": True, "resolution": {"age": {"iso8601duration": "P9Y"}}},
        {"term": {"id": "NCIT:C1"}},
        {"term": {"id": "OMIM:219700"}},
    ],
}  # fmt: skip
