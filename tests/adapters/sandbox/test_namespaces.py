"""What the container broker reads of a container by a process number that may be another's by now."""

import os

from adapters.sandbox.broker.namespaces import usage


def test_a_process_that_is_not_the_containers_tells_nothing_of_it() -> None:
    """A container's first process, once dead, is listed in the machine's own group: hours of processor time."""
    assert usage(os.getpid(), "0" * 64) == {"cpu_seconds": None, "memory_bytes": None, "out_of_memory": None}
