"""Demo data for development."""


def seed() -> str:
    return "none yet"
