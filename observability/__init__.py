"""What a release is seen with: the configurations of the servers behind its telemetry, and `make observe`, which runs them."""
