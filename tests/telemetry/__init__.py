"""What needs the real servers of telemetry: `make prove-telemetry` runs it, and `make test` does not collect it."""
