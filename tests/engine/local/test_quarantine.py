"""Who killed the engine?"""

import random

import pytest

from bdchat.engine.local.quarantine import Quarantine


def test_one_death_alone_is_forgiven_the_second_is_not() -> None:
    quarantine = Quarantine()
    assert quarantine.note_death(["a"]) is None
    assert quarantine.may_enter(["a"], []) == ["a"]
    assert quarantine.note_death(["a"]) == "a"
    assert quarantine.num_deaths("a") == 2
    assert not quarantine.has_suspects


def test_a_death_in_company_convicts_nobody_and_sends_them_back_one_at_a_time_newest_first() -> None:
    quarantine = Quarantine(num_tokens_to_clear=2)
    for _ in range(2):
        assert quarantine.note_death(["old", "middle", "new"]) is None
    assert quarantine.may_enter(["old", "middle", "new"], []) == ["new"]
    assert quarantine.may_enter(["old", "middle"], ["new"]) == []
    assert not quarantine.note_tokens("new", 1)
    assert quarantine.note_tokens("new", 1)
    assert quarantine.may_enter(["old", "middle"], ["new"]) == ["middle"]


def test_a_newcomer_waits_until_no_suspect_is_left() -> None:
    quarantine = Quarantine(num_tokens_to_clear=1)
    quarantine.note_death(["a"])
    assert quarantine.may_enter(["newcomer"], ["a"]) == []
    assert quarantine.note_tokens("a", 1)
    assert quarantine.may_enter(["newcomer", "other"], ["a"]) == ["newcomer", "other"]


def test_a_suspect_that_leaves_makes_way() -> None:
    quarantine = Quarantine()
    quarantine.note_death(["a", "b"])
    assert quarantine.forget("b")
    assert quarantine.may_enter(["a", "newcomer"], []) == ["a"]
    assert quarantine.forget("a")
    assert not quarantine.forget("newcomer")
    assert quarantine.may_enter(["newcomer"], []) == ["newcomer"]


@pytest.mark.parametrize("seed", range(200))
def test_the_guilty_is_found_and_no_innocent_is(seed: int) -> None:
    """A killer among innocents, killing after some tokens of its own, whatever stands beside it."""
    chance = random.Random(seed)
    requests = [f"r{i}" for i in range(chance.randint(1, 12))]
    killer, kills_at = chance.choice(requests), chance.randint(0, 12)
    num_to_go = {name: chance.randint(5, 30) for name in requests}
    num_to_go[killer] = max(num_to_go[killer], kills_at + 1)
    quarantine, alive, num_deaths, num_got = Quarantine(), list(requests), 0, dict.fromkeys(requests, 0)
    convicted: list[str] = []
    while alive:
        assert num_deaths < 50
        in_flight: list[str] = []
        died = False
        while alive and not died:
            in_flight += quarantine.may_enter([r for r in alive if r not in in_flight], in_flight)
            in_flight.sort(key=requests.index)
            assert in_flight, "somebody may always enter"
            for name in list(in_flight):  # a step: one token each, or the end
                if name == killer and num_got[name] == kills_at:
                    died = True
                    break
                num_got[name] += 1
                if num_got[name] >= num_to_go[name]:
                    alive.remove(name)
                    in_flight.remove(name)
                    quarantine.forget(name)
                else:
                    quarantine.note_tokens(name, 1)
        if died:
            num_deaths += 1
            guilty = quarantine.note_death(in_flight)
            if guilty is not None:
                convicted.append(guilty)
                alive.remove(guilty)
                quarantine.forget(guilty)
    assert convicted == [killer]
