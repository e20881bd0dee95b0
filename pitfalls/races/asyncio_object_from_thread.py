"""Asyncio object used from a thread: the item is in the queue, and the consumer sleeps on.

Symptom: Items arrive late, all together, when something else happens to wake the loop; or never.

Why: asyncio's queues, events and futures are not thread-safe. put_nowait() from another thread puts
the consumer on the loop's list of what is ready, and does not wake the loop, which is asleep in
select().

Fix: loop.call_soon_threadsafe(), which writes to the pipe that wakes the loop.

Detect: python -X dev, once the order is forced and asyncio debug with a slow_callback_duration of
0.05 s, once the order is forced ("Non-thread-safe operation invoked on an event loop other "");
pytest-timeout by its thread method, once the order is forced and faulthandler's
dump_traceback_later(), once the order is forced, whose stacks show `return
asyncio.run(first_reading())`.

Source: https://github.com/python/cpython/issues/97970 and
https://github.com/python/cpython/issues/116654

Run: python asyncio_object_from_thread.py broken|fixed; conlab study asyncio_object_from_thread
"""

import asyncio
import faulthandler
import sys
from collections.abc import Callable
from threading import Thread

FAILURE = "deadlock"
SHOWS = "hung"
EVIDENCE = "explored"
STUCK_AT = ("return asyncio.run(first_reading())",)
AWAITING = ("reading = await readings.get()",)
AT_REST = ("give(21.5)",)


def broken() -> float:
    async def first_reading() -> float:
        readings: asyncio.Queue[float] = asyncio.Queue()

        def give(reading: float) -> None:
            readings.put_nowait(reading)

        sensor = Thread(target=sense, args=(give,))
        sensor.start()
        reading = await readings.get()
        sensor.join()
        return reading

    return asyncio.run(first_reading())


def fixed() -> float:
    async def first_reading() -> float:
        readings: asyncio.Queue[float] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def give(reading: float) -> None:
            loop.call_soon_threadsafe(readings.put_nowait, reading)

        sensor = Thread(target=sense, args=(give,))
        sensor.start()
        reading = await readings.get()
        sensor.join()
        return reading

    return asyncio.run(first_reading())


def holds(reading: float) -> bool:
    """The reading has come."""
    return reading == 21.5


def sense(give: Callable[[float], None]) -> None:
    """What the thread of a sensor does when the sensor has something to say."""
    give(21.5)


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    if side is broken:
        print("This may hang; then its stacks follow in a second.", flush=True)
        faulthandler.dump_traceback_later(1, exit=True)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"The sensor reads {(reading := side())}:", right if holds(reading) else "wrong")
