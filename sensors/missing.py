"""The missed_words sensor: looks for what no webhook told."""

from collections.abc import Callable

import dagster as dg

from resources.wiring import Factory
from sensors.inbox_effects import ForgeEffects
from sensors.missed import MissedWords


def missed_words_sensor(effects_of: Callable[[Factory], ForgeEffects]) -> dg.SensorDefinition:
    """Return the sensor over a factory's effects; it launches nothing."""

    @dg.sensor(
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks forges for merges, closings and objections whose webhook never came.",
    )
    def missed_words(factory: dg.ResourceParam[Factory]) -> dg.SkipReason:
        told = MissedWords(factory, effects_of(factory)).look()
        return dg.SkipReason(", ".join(f"{word} {len(found)}" for word, found in told.items()))

    return missed_words
