"""The ground on AWS that the chart lands on, and the verbs of the Makefile about it."""
