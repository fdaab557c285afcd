"""Circuit breakers that opened are told once: to the timeline and to the operator."""

from typing import Final

from domain.alerts import Alert
from domain.execution import EventDraft
from domain.lifecycle import Component
from resources.wiring import Factory
from sensors.routing import Router

TOLD: Final = "breaker_told "  #: beat that holds until when the last told breaker of a scope was open


def tell_opened(factory: Factory, router: Router) -> None:
    for scope, state in router.opened():
        until = state.until or factory.now()
        if factory.oversight.last_beat(f"{TOLD}{scope}") == until:
            continue
        factory.oversight.beat(f"{TOLD}{scope}", now=until)
        payload = {"scope": scope, "reason": state.reason, "until": until.isoformat()}
        draft = EventDraft(name="breaker_opened", payload=payload, component=Component.DISPATCH)
        factory.run_ledger.record_event(draft, lease=None, now=factory.now())
        text = f"the circuit breaker of {scope} opened until {until:%H:%M:%S}: {state.reason}"
        factory.notifier.alert(Alert(kind="breaker_opened", text=text, at=factory.now(), details=payload))
