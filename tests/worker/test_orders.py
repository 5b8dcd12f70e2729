from __future__ import annotations

import multiprocessing
import threading
from multiprocessing.connection import Connection

from tests.eventually import DEADLINE
from worker.messages import Failed
from worker.orders import Orders

THREADS, EVENTS = 2, 50
LONG = 300_000  # characters: more than a pipe takes at once


def send_many(connection: Connection) -> None:
    orders = Orders(connection)

    def send(letter: str) -> None:
        for number in range(EVENTS):
            orders.send(Failed(failure="bug", reason=f"{number}", traceback=letter * LONG))

    threads = [threading.Thread(target=send, args=(letter,)) for letter in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    orders.dismissed()


def test_what_two_threads_send_at_the_same_time_arrives_whole() -> None:
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")  # it ends itself when the pipe is closed
    process = context.Process(target=send_many, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        heard: dict[str, list[str]] = {"a": [], "b": []}
        for _ in range(THREADS * EVENTS):
            assert ours.poll(DEADLINE)
            event = ours.recv()
            assert event.traceback == event.traceback[0] * LONG
            heard[event.traceback[0]].append(event.reason)
    finally:
        ours.close()
        process.kill()
        process.join()
    in_turn = [f"{number}" for number in range(EVENTS)]
    assert heard == {"a": in_turn, "b": in_turn}
