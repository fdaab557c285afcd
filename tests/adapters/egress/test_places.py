"""Places are shared: whoever holds many waits, whoever holds none does not."""

import asyncio
import resource
from functools import wraps

from adapters.egress.places import Places, places_of_process


def run(test):
    """Make a test of a coroutine."""

    @wraps(test)
    def ran():
        asyncio.run(test())

    return ran


async def taken(places, held):
    """Take places until none is given at once; return how many are held then."""
    while True:
        waiting = asyncio.ensure_future(places.take(held))
        await asyncio.sleep(0)
        if not waiting.done():
            waiting.cancel()
            return len(held)
        held.append(waiting)


@run
async def test_a_door_has_no_more_than_its_limit():
    assert await taken(Places(1000, 64), []) == 64
    assert await taken(Places(1000, 1), []) == 1


@run
async def test_a_door_has_no_more_than_a_part_of_what_is_free():
    assert await taken(Places(100, 64), []) == 21  # its own, and a quarter of the 80 left


@run
async def test_however_many_take_what_they_can_the_next_has_one():
    places = Places(100, 64)
    held = [await taken(places, []) for _ in range(200)]
    assert min(held) == 1
    assert sum(held) <= 100 + 200


@run
async def test_what_is_given_back_goes_to_whoever_waits():
    places = Places(100, 64)
    first, second = ["own"], ["own"]
    assert await taken(places, first) == 21
    assert await taken(places, second) == 17
    waiting = asyncio.ensure_future(places.take(second))
    await asyncio.sleep(0)
    while first and not waiting.done():
        first.pop()
        places.give_back(first)
        await asyncio.sleep(0)
    await waiting


@run
async def test_nothing_is_lost_or_made_by_taking_and_giving_back():
    places, held = Places(20, 64), []
    most = await taken(places, held)
    for _ in range(100):
        while held:
            held.pop()
            places.give_back(held)
        assert await taken(places, held) == most


@run
async def test_one_that_stops_waiting_takes_none():
    places, held = Places(4, 2), ["own", "another"]
    waiting = asyncio.ensure_future(places.take(held))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert await taken(places, ["own"]) == 2


@run
async def test_the_limit_of_open_files_bounds_them():
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert await taken(places_of_process(10**9), []) < soft // 4
