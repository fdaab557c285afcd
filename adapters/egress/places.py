"""How many connections this process may hold at once, and how the doors share them."""

import asyncio
import resource
from collections.abc import Sized

DESCRIPTORS = 4  # of this process for one place: a connection and its server's, as many for logs, doors and look-ups

MANY = 2**20  # descriptors, where there is no limit


class Places:
    """Each door has one place of its own, and further ones, `each` at most, of `total` that all share.

    Of those it may take no more than a quarter of what is left: however many doors are flooded, the next has some.
    """

    def __init__(self, total: int, each: int) -> None:
        self._free = total
        self._each = each
        self._freed = asyncio.Event()

    async def take(self, held: Sized) -> None:
        """Wait for a place for a door that holds these."""
        while held and len(held) >= min(self._each, 1 + self._free // 4):
            self._freed.clear()
            await self._freed.wait()
        self._free -= 1 if held else 0

    def give_back(self, held: Sized) -> None:
        """Free a place of a door that still holds these."""
        self._free += 1 if held else 0
        self._freed.set()


def places_of_process(each: int) -> Places:
    """Return the places that this process's limit of open files allows."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Places((files if files != resource.RLIM_INFINITY else MANY) // DESCRIPTORS, each)
