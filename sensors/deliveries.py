"""The webhook_deliveries sensor: what forges sent is carried out."""

from collections.abc import Callable

import dagster as dg

from policy.inbox import Ourselves
from resources.wiring import Factory
from sensors.inbox import Effects, InboxDrain


def deliveries_sensor(
    effects_of: Callable[[Factory], Effects], ourselves: Callable[[Factory], Ourselves]
) -> dg.SensorDefinition:
    """Return the sensor over a factory's effects; Dagster launches nothing for it, the ledger does."""

    @dg.sensor(
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Decides on webhook deliveries in the inbox and carries out what they ask for.",
    )
    def webhook_deliveries(factory: dg.ResourceParam[Factory]) -> dg.SkipReason:
        settled = InboxDrain(factory, effects_of(factory), ourselves(factory)).drain()
        told = ", ".join(f"{number} {state}" for state, number in sorted(settled.items()))
        return dg.SkipReason(told or "no delivery waits")

    return webhook_deliveries
