"""The smallest service of this house: one resource, in the files that every service has.

The tests of the chassis stand on it, so that they stay when services come and go; nothing but the tests serves it. It
is also the small resource that a copy of the house begins with: docs/copying.md takes it from here. `factories.py`,
`world.py`, `conftest.py` and `test_*.py` are its tests, and `README.md` its document.
"""
