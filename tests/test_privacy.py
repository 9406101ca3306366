"""Only an audience for which a report is built gets one."""

from __future__ import annotations

import pytest

from alignment_toolkit.errors import ParameterError
from alignment_toolkit.privacy import AUDIENCES, BUILT, check_audience


@pytest.mark.parametrize("audience", BUILT)
def test_what_is_built_is_let_through(audience):
    assert check_audience(audience) == audience


@pytest.mark.parametrize("audience", sorted(set(AUDIENCES) - set(BUILT)))
def test_what_is_not_built_is_refused_by_name(audience):
    with pytest.raises(ParameterError) as e:
        check_audience(audience)
    assert f"'{audience}'" in str(e.value)
    assert "built: internal" in str(e.value)
    assert e.value.exit_code == 2


@pytest.mark.parametrize(
    ("audience", "said"), [("internel", "Did you mean 'internal'?"), ("", "There is:"), ("Client", "client")]
)
def test_what_is_unknown_is_refused_with_the_near_match(audience, said):
    with pytest.raises(ParameterError, match=said.replace("?", r"\?")):
        check_audience(audience)
