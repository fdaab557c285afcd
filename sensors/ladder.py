"""The autonomy_ladder sensor: repositories whose recent work breaches what their tier rests on go a tier back."""

import dagster as dg

from domain.alerts import Alert
from domain.repositories import Repository
from resources.stages import demote
from resources.wiring import Factory


@dg.sensor(
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Takes repositories a tier of autonomy back when duplicates, reruns or the pass rate demand it.",
)
def autonomy_ladder(factory: dg.ResourceParam[Factory]) -> dg.SkipReason:
    enrolled = [one for one in factory.oversight.repositories() if one.enabled]
    moved = [after for one in enrolled if (after := demote(factory, one)) is not None]
    for one in moved:
        factory.notifier.alert(_told(factory, one))
    return dg.SkipReason(", ".join(f"{one.name} is {one.settings.autonomy} now" for one in moved) or "nothing to do")


def _told(factory: Factory, one: Repository) -> Alert:
    text = f"{one.name} went a tier back and is {one.settings.autonomy} now: see `factory stage report`"
    return Alert(kind="autonomy_changed", text=text, at=factory.now(), details={"repository": one.name})
