"""Consultations: patients, consultations, phenotypes, diagnoses, and links to genomic analyses.

Knows names and birth dates, and never a genotype: of an analysis a link keeps its id and a small snapshot.
"""
