"""The shape of `policy/rules/actions.yaml`: what each action takes before the factory may do it."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import BeforeValidator, model_validator

from domain.handwriting import texts
from domain.model import Name, Value
from domain.tickets import Tier

#: actions that the code knows by name, because facts of a change tell of them
SHARED_EDIT: Final = "shared_edit"
BY_FACTS: Final = ("dependency_add", "dependency_change", "new_dependency", SHARED_EDIT, "workflow_broadening")


class Leave(StrEnum):
    ALLOW = "allow"
    REQUIRE_APPROVAL = "require_approval"  #: a person approves, by the mechanism
    DENY = "deny"  #: until a recorded approval, which unlocks once


class Mechanism(StrEnum):
    """How a person says yes."""

    PULL_REQUEST_REVIEW = "pull_request_review"
    ENVIRONMENT_GATE = "environment_gate"
    ASK_AND_MANUAL = "ask_and_manual"  #: a person is asked, and carries out by hand what was proposed
    PROPOSAL_AND_REVIEW = "proposal_and_review"  #: proposed in the pull request, reviewed by a person
    RECORDED_APPROVAL = "recorded_approval"


class ActionRule(Value):
    leave: Leave
    mechanism: Mechanism | None = None  #: of whatever is not allowed
    person_only: bool = False  #: no recorded approval lets the factory do it
    from_tier: Tier = Tier.CONSTRAINED  #: of an allowed action: below it, a recorded approval is needed
    paths: Annotated[tuple[str, ...], BeforeValidator(texts)] = ()  #: a change of one of these is this action

    @model_validator(mode="after")
    def _says_how(self) -> "ActionRule":
        if (self.leave is Leave.ALLOW) is not (self.mechanism is None):
            raise ValueError("a mechanism belongs to what is not allowed, and only there")
        return self


class ActionPolicy(Value):
    """An action that is not listed is denied."""

    actions: dict[Name, ActionRule]

    @model_validator(mode="after")
    def _knows_what_facts_tell(self) -> "ActionPolicy":
        missing = sorted(set(BY_FACTS) - set(self.actions))
        if missing:
            raise ValueError(f"actions: say what holds for {', '.join(missing)}")
        return self
