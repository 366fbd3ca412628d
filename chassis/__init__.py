"""What every service stands on: the API contract, authentication, history, health, telemetry.

Imports neither `config` nor a service (import-linter holds it to that), so a copy of the template replaces this
folder whole when the template moves on. Each file is one policy, and has a test and a heading in docs/ of its name.
"""
