"""The right verdicts on programs that we wrote as strangers would: idioms, half of them broken."""

from collections.abc import Iterator

from tests.explorer.strangers.exploring import DEADLOCK, NO_END
from tests.explorer.strangers.table import (
    CANCEL,
    NO_TIMEOUTS,
    PASSES,
    Refused,
    Row,
    asleep,
    each,
    fails,
    late,
)

# What no section of the issue names.
SERIES = "time: timers that set timers are no loop that is held back, and end in a refusal"

SWALLOWED = "swallowed its cancellation"


def pools() -> Iterator[Row]:
    """Pools of connections and of threads."""
    file = "own/pools.py"
    correct = """bounded_pool semaphore_guards_a_list callbacks_with_lock sums_as_completed
    cancels_or_has_the_result"""
    yield from each(file, correct, PASSES, options=("--bound", "1"))
    barging = "who is woken finds the connection taken by one who never waited"
    yield Row(file, "bounded_pool_with_if", fails("IndexError"), because=barging)
    yield Row(file, "pool_leaks_on_error", fails(DEADLOCK), because="the leaking user may be first")
    lost = "two worker threads count at once"
    yield Row(file, "callbacks_without_lock", fails("AssertionError"), because=lost)
    order = "the second may be done first"
    yield Row(file, "takes_the_first_as_completed", fails("AssertionError"), because=order)
    waits = "every worker waits for what only a further one would do"
    inner = "waits_for_inner_in_pool_of_one waits_for_inner_in_pool_of_two"
    yield from each(file, inner, fails(DEADLOCK), because=waits)
    ran = "a future that runs is not cancelled"
    yield Row(file, "believes_that_it_cancelled", fails("AssertionError"), because=ran)
    gone = "what had not begun was cancelled"
    yield Row(file, "asks_for_a_result_after_shutdown", fails("CancelledError"), because=gone)


def caches() -> Iterator[Row]:
    """Caches, singletons and what is made when it is first asked for."""
    file = "own/caches.py"
    correct = """cache_loads_once functools_cache_gives_the_value weak_cache_asks_once
    singleton_checked_twice groups_by_setdefault"""
    yield from each(file, correct, PASSES)
    lost = "both find nothing before either has stored what it made"
    broken = "cache_without_lock_loads_once functools_cache_calls_once singleton groups_by_get"
    yield from each(file, broken, fails("AssertionError"), because=lost)
    freed = "the image is freed between the two questions"
    yield Row(file, "weak_cache_asks_twice", fails("KeyError"), because=freed)
    # Mended in releases of CPython 3.13 and 3.14, where what came meanwhile is kept.
    factory = "another has stored a list while the factory, which is Python, made one"
    name = "groups_by_defaultdict_of_lambda"
    yield Row(file, name, fails("AssertionError"), before=(3, 13), because=factory)
    cleared = "the list is cleared while map() calls a function for its first value"
    name = "copies_what_another_clears"
    yield Row(file, name, fails("AssertionError"), because=cleared)
    name = "counts_in_an_array"
    yield Row(file, name, fails("AssertionError"), because="both read, then write")


def services() -> Iterator[Row]:
    """Publishers, workers, timers, limits: what a service is made of."""
    file = "own/services.py"
    correct = """publishes_to_a_copy worker_looks_for_the_stop sentinel_is_handed_on
    schedule_is_cancelled handler_counts flags_are_joined_under_a_lock
    reads_a_whole_point context_goes_with_the_job transfers_in_order_of_id
    retries_each_on_its_own"""
    yield from each(file, correct, PASSES)
    grows = "the dict grows while it is gone through"
    yield Row(file, "publishes_while_one_subscribes", fails("RuntimeError"), because=grows)
    early = "it is told to stop before it has looked for a job"
    yield Row(file, "worker_stops_before_it_is_done", fails("AssertionError"), because=early)
    for_ever = "nobody is left who would end the wait"
    waiting = """one_sentinel_for_two_workers puts_more_than_fits barrier_of_too_many
    event_is_cleared_too_late transfers_in_order_of_asking"""
    yield from each(file, waiting, fails(DEADLOCK), because=for_ever)
    yield Row(file, "joins_itself", fails("RuntimeError"))
    # Few schedules: each of them starts hundreds of threads.
    name = "heartbeat_goes_on_after_stop"
    slow = "the timer fires just before it is cancelled, and sets the next"
    yield Row(file, name, fails(NO_END), because=slow, wrong=SERIES, schedules=20)
    yield Row(file, name, PASSES, NO_TIMEOUTS, because="no step is slow")
    yield Row(file, "heartbeat_stops", PASSES, longer=True, wrong=SERIES)
    unlocked = "a filter is asked outside of the handler's lock"
    yield Row(file, "filter_counts", fails("AssertionError"), because=unlocked)
    lost = "both read before either writes"
    yield from each(
        file, "flags_are_joined retries_share_a_budget", fails("AssertionError"), because=lost
    )
    yield Row(file, "reads_a_torn_point", fails("AssertionError"), because="between x and y")
    yield from late(file, "bucket_gives_two", "AssertionError")
    yield from late(file, "lock_within_a_second", "TimeoutError")


def heartbeats() -> Iterator[Row]:
    """Loops that look again each second, while another thread sleeps for three."""
    ends = "three seconds are over once, however often another one is"
    beats = "heartbeat_sleeps heartbeat_waits_for_the_stop"
    yield from each("own/services.py", beats, PASSES, because=ends)
    yield Row("own/services.py", "tells_itself_to_end", Refused(r"os\.kill"), because="a signal")
    # From 3.12 on it takes minutes: a call is looked at along the whole stack.
    room = "the explorer looks at each call from inside of it, and needs some depth itself"
    name, deep = "recurses_without_end", Refused("nested as deep")
    yield Row("own/services.py", name, deep, before=(3, 12), because=room)
    yield Row("own/services.py", name, deep, since=(3, 12), longer=True, wrong=room)


def lookups() -> Iterator[Row]:
    """Objects whose attributes are looked up by code of the program's own."""
    file = "own/lookups.py"
    alone = """is_asked_by_the_program_alone is_called_by_the_program_alone
    property_is_read_by_the_program_alone"""
    looks = "who looks at an object to see what is shared runs none of its code"
    for options in (("--bound", "1"), ("--bound", "1", "--reading", "gil")):
        yield from each(file, alone, PASSES, options=options, because=looks)
    yield Row(file, "keys_that_are_attributes_under_a_lock", PASSES)
    lost = "both read before either writes"
    yield Row(file, "keys_that_are_attributes", fails("AssertionError"), because=lost)
    bound = ("--bound", "1")
    yield Row(file, "each_thread_has_its_tags", PASSES, bound)
    one = "the list is an argument, and the same for each thread"
    yield Row(file, "all_threads_have_the_same_tags", fails("AssertionError"), bound, because=one)


def pipelines() -> Iterator[Row]:
    """Pipelines, groups, limits, caches and shutdowns of asyncio."""
    file = "own/pipelines.py"
    correct = """three_stages group_gives_results group_cleans_up limits_by_semaphore
    cache_with_one_flight retries_three_times lock_survives_a_cancellation
    permit_is_lost_with_a_cancellation swallows_its_cancellation each_task_has_its_user
    ticks_and_stops stops_when_told thread_tells_the_loop connects_once notifies_who_waits
    urgent_comes_first fires_and_forgets fires_and_waits"""
    yield from each(file, correct, PASSES)
    yield Row(file, "threads_count_under_a_lock", PASSES, ("--bound", "1"))
    dies = "who would do the rest has died"
    yield Row(file, "worker_dies_and_join_waits", fails(DEADLOCK), because=dies)
    certain = "asyncio orders it so each time"
    broken = """limits_by_looking cache_stampede both_tasks_have_the_last_user
    gather_stops_the_others connects_twice"""
    yield from each(file, broken, fails("AssertionError"), because=certain)
    yield Row(file, "notifies_nobody", fails(DEADLOCK), because="who waits comes after the notice")
    thrice = "three slow steps, one for each try"
    yield Row(file, "retries_three_times", fails("TimeoutError"), ("--bound", "3"), because=thrice)
    yield Row(file, "lock_survives_a_cancellation", PASSES, CANCEL)
    held = "who is cancelled while it sleeps keeps the permit"
    yield Row(file, "permit_is_lost_with_a_cancellation", fails(DEADLOCK), CANCEL, because=held)
    yield Row(file, "swallows_its_cancellation", fails(SWALLOWED), CANCEL)
    yield from asleep(file, "first_of_two", "AssertionError")
    lost = "two threads count at once"
    yield Row(file, "threads_count_together", fails("AssertionError"), because=lost)
    deaf = "the loop sleeps, and call_soon does not wake it"
    yield Row(file, "thread_tells_nobody", fails(DEADLOCK), because=deaf)


ROWS: list[Row] = [
    *pools(),
    *caches(),
    *services(),
    *heartbeats(),
    *lookups(),
    *pipelines(),
]
