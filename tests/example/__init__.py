"""The smallest service of this house: one resource, in the files that every service has.

The tests of the chassis stand on it, so that they stay when services come and go; nothing but the tests serves it. It
is also the pattern of a small resource: docs/copying.md points here. `factories.py` and `world.py` belong to the tests.
"""
