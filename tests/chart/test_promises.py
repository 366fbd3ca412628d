"""Whatever the values, a release keeps what the chart promises."""

from __future__ import annotations

import pytest

from tests.chart.promises import PROMISES, broken
from tests.chart.promises.release import Release
from tests.chart.releases import SHAPES


@pytest.mark.parametrize("shape", SHAPES)
def test_every_promise_is_kept(shape: str) -> None:
    assert list(broken(Release.of(SHAPES[shape]))) == []


def test_every_promise_says_what_it_is() -> None:
    assert len(PROMISES) > 25
    assert [each.__name__ for each in PROMISES if not each.__doc__] == []
