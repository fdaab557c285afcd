"""Was a daemon's dispatch seen lately?"""

from datetime import datetime, timedelta

from control_plane.desk import Reads

BEAT_LIMIT = timedelta(seconds=20)
BEAT = "dispatch"


def is_alive(factory: Reads, since: datetime | None = None) -> bool:
    """Tell whether a daemon's dispatch was seen lately (or since a moment)."""
    last = factory.oversight.last_beat(BEAT)
    if last is None:
        return False
    return last >= since if since else factory.now() - last < BEAT_LIMIT
