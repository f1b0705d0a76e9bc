"""Files made to harm whoever reads them: a few of them. All: `python -m tests.reading.hostile.corpus`."""

import pytest

from bdchat.reading.reasons import REASONS
from tests.reading.hostile.attack import READ, Attack
from tests.reading.hostile.corpus import ATTACKS, outcome


def test_there_are_more_than_120_hostile_files_each_with_its_reason() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) > 120
    assert all(code == READ or code in REASONS for attack in ATTACKS for code in attack.codes)


@pytest.mark.anyio
@pytest.mark.parametrize("attack", [each for each in ATTACKS if each.is_sample], ids=lambda attack: attack.name)
async def test_a_hostile_file_ends_with_its_reason(attack: Attack) -> None:
    assert await outcome(attack) == ""
