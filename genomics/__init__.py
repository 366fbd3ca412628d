"""Patient analyses: samples, sequencing analyses, variants read from VCF files, findings, signed reports.

Knows a patient as an opaque UUID alone; names and birth dates live in the clinical service, and never come here.
"""
