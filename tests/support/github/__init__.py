"""A stand-in for github.com: its REST API with real git behind it. README.md lists what it cannot do."""

from tests.support.github.stand_in import InvalidRequests, StandIn, github_stand_in

__all__ = ["InvalidRequests", "StandIn", "github_stand_in"]
