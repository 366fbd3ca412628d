"""What every service stands on: the API contract, authentication, history, health, telemetry.

Imports neither `config` nor a service (import-linter holds it to that), so a copy of the template replaces this
folder whole when the template moves on. Each file is one policy, with a test of its name and a line in
docs/architecture.md.
"""
