"""Gathering and judging apart: what the rules are given is stored between the two, so that each can be done again."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pydantic import ValidationError

from domain.changes import ChangeFacts
from domain.errors import NotFound
from domain.execution import ArtifactRef
from domain.governed import GovernanceReport
from domain.model import Value
from policy.governance.model import GovernancePolicy
from policy.governance.refinement import COMMITTED
from policy.governance.reporting import make_report
from resources.governance.auditing import NAME as AUDIT
from resources.governance.auditing import can_audit
from resources.governance.gathering import Tell, gather
from resources.governance.source import Source, mirror_of, read_policy_text
from resources.governance.subject import Subject
from resources.governance_texts import refined_policy
from resources.wiring import Factory
from resources.workspaces import settings_at

POLICY_BYTES: Final = 256_000
FACTS: Final = "governance-facts.json"


class Given(Value):
    """What the rules were given: all that a report is made of."""

    facts: ChangeFacts
    policy: GovernancePolicy
    rules: tuple[str, ...] = ()  #: only these are judged; empty: all


def gather_given(factory: Factory, subject: Subject, tell: Tell) -> ArtifactRef:
    """Return what the rules are given of a subject: its facts and the policy of its merge base.

    Raises:
        PolicyInvalid, RepositoryInvalid: the merge base's own files are wrong. ForgeUnavailable: git cannot tell.
    """
    source = Source(mirror_of(factory.settings, subject.repository.remote), subject)
    with ThreadPoolExecutor(2, thread_name_prefix="governance") as pool:
        reading = pool.submit(settings_at, factory, subject.repository, subject.base_sha)
        pool.submit(lambda: source.changes)  # what fails here fails again where it is told
        policy = policy_of(factory, source)
        settings = reading.result()
    given = Given(facts=gather(factory, source, settings, policy, tell), policy=policy, rules=subject.rules)
    return factory.artifacts.put(given.model_dump_json(indent=1).encode(), kind="facts", name=FACTS)


def judge_given(factory: Factory, ref: ArtifactRef, *, number: int | None, seconds: float) -> GovernanceReport:
    """Return the report on stored facts; it is not saved yet.

    Raises:
        NotFound: they are missing, changed, or of a release that cannot be read.
    """
    try:
        given = Given.model_validate_json(factory.artifacts.get(ref))
    except ValidationError as error:
        raise NotFound(f"the facts {ref.sha256[:12]} are of another release") from error
    return make_report(given.facts, given.policy, number=number, stored=ref, seconds=seconds, only=given.rules)


def policy_of(factory: Factory, source: Source) -> GovernancePolicy:
    """Return the operator's policy, refined by what the merge base has committed.

    Without a server of the operator's there is no second opinion to wait for; the first one still has to know.
    """
    policy = refined_policy(factory.policy.governance, read_policy_text(source, COMMITTED, POLICY_BYTES))
    return policy if can_audit(factory.settings) else _without(policy, AUDIT)


def _without(policy: GovernancePolicy, scanner: str) -> GovernancePolicy:
    rules = {
        name: rule.model_copy(update={"scanners": tuple(one for one in rule.scanners if one != scanner)})
        for name, rule in policy.rules.items()
    }
    return policy.model_copy(update={"rules": rules})
