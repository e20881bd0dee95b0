"""The law, for every pitfall: broken fails for its declared reason and no other, fixed never does."""

import pytest

from conlab import pitfall
from conlab.law import examine
from conlab.pitfall import Pitfall

every_pitfall = pytest.mark.parametrize("pitfall", pitfall.collect(), ids=str)


@every_pitfall
def test_broken_fails_for_its_declared_reason(pitfall: Pitfall) -> None:
    finding = examine(pitfall, "broken")
    assert not finding.against_the_law, f"{finding.sentence}\n{finding.exhibit}"


@every_pitfall
def test_fixed_never_fails(pitfall: Pitfall) -> None:
    finding = examine(pitfall, "fixed")
    assert not finding.against_the_law, f"{finding.sentence}\n{finding.exhibit}"
