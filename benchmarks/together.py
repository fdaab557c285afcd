"""Work done at once by processes of their own, which begin together; one that fails stops them all."""

import multiprocessing
from collections.abc import Callable, Sequence
from queue import Empty
from typing import Any

PATIENCE = 600  #: seconds until all are ready to begin


def together(work: Callable[..., None], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Call `work(gate, answers, *arguments)` in a fresh process each and return what each put into `answers`."""
    context = multiprocessing.get_context("spawn")
    gate, answers = context.Barrier(len(arguments), timeout=PATIENCE), context.Queue()
    processes = [context.Process(target=work, args=(gate, answers, *told)) for told in arguments]
    for process in processes:
        process.start()
    found: list[Any] = []
    try:
        while len(found) < len(processes):
            failed = any(process.exitcode for process in processes)
            try:
                found.append(answers.get(timeout=1))
            except Empty:
                if failed:
                    raise RuntimeError("a process failed; its error is above") from None
    finally:
        if len(found) < len(processes):
            gate.abort()
        for process in processes:
            process.join()
    return found
