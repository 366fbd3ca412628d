"""The ground built on a double of AWS: applied, read back, asked for its promises, and taken away."""
