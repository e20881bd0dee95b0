"""What goes wrong in each pitfall, in no word of its program: the answers of a quiz."""

from conlab.catalogue.pitfall import Pitfall


def gist(pitfall: Pitfall) -> str:
    """The sentence of a pitfall; its title, if it has none."""
    return GISTS.get(pitfall.name, pitfall.title)


GISTS = {
    "async_generator_break": (
        "Somebody leaves early, and the cleaning up comes at some later moment."
    ),
    "async_test_not_run": "It is made and never begins, and that counts as a success.",
    "asyncio_object_from_thread": (
        "Something is handed over across a border, and the sleeper on the other side is not woken."
    ),
    "bare_increment": "A single short line is several steps, and somebody else comes in between.",
    "blas_oversubscription": (
        "Each of many does what many do already, and there are far more than can go on."
    ),
    "blocking_call_in_coroutine": "One waits in a way that lets nobody else go on.",
    "cache_stampede": "All find it gone at the same moment, and all do the same costly thing.",
    "cancel_leaks_resource": "It is taken, and stopped before anything would see to its return.",
    "check_then_act_across_await": (
        "Whoever comes while the first has not finished sees the old state, and does it again."
    ),
    "check_then_act_on_container": (
        "What was true when it was looked at is not true any more when it is acted on."
    ),
    "client_per_request": "What could be used again is made anew for each and thrown away.",
    "condition_if_not_while": (
        "Whoever is woken relies on what was true at the call, and does not look again."
    ),
    "condition_notify_lost_on_cancel": (
        "The one who was called goes away, and nobody else is called instead."
    ),
    "connection_shared_across_fork": (
        "Two talk over the same line, and hear what was meant for the other."
    ),
    "contextvar_lost_in_executor": "The work is done elsewhere, where nobody knows for whom it is.",
    "ctrl_c_with_pool": (
        "All are stopped, and the one who gives them work still waits for what they dropped."
    ),
    "daemon_thread_at_exit": "Nobody waits for who is still busy, and the rest is never done.",
    "dangling_task": "Nobody holds on to it, so it may vanish before it is through.",
    "default_executor_starvation": (
        "A small question waits in line behind big work that has nothing to do with it."
    ),
    "double_checked_locking_without_gil": (
        "A shortcut past the protection sees a flag before what the flag announces."
    ),
    "eager_task_order": "It is over before it has been written down that it began.",
    "exception_swallowed_in_worker_loop": (
        "Whatever fails is thrown away on the spot, and looks afterwards as if it had never "
        "come in."
    ),
    "exceptiongroup_not_caught": (
        "The handler waits for a failure in a wrapping that it does not have any more."
    ),
    "executor_map_is_eager": "All of the input is taken in before the first of it is needed.",
    "executor_self_starvation": "Everybody who could do the work waits for the work to be done.",
    "forgotten_await": "It is asked for and thrown away, so that it never even begins.",
    "fork_with_threads": "A copy inherits something taken, without the one who would give it back.",
    "future_never_checked": "A part of it fails, and that is known, but to nobody who asks.",
    "gather_orphans_siblings": (
        "One part fails and is dealt with, while the other part goes on unseen."
    ),
    "interpreter_shares_nothing": (
        "Each has a copy of its own, and what one writes no other can see."
    ),
    "iterate_while_mutating": "Somebody changes a collection while somebody else walks through it.",
    "join_before_drain": (
        "The end is waited for before the results are taken, and without that there is no end."
    ),
    "lazy_init": "The first use comes twice at once, and there are two of what was to be one.",
    "lock_bound_to_other_loop": (
        "It belongs to where it was first needed, and is used somewhere else later."
    ),
    "lock_order": "Two take the same things, each in another sequence, and neither lets go.",
    "lost_update": "What one writes is overwritten by another, who has not seen it.",
    "lost_wakeup": "The call comes too early, and is not heard by who then goes to sleep.",
    "lru_cache_on_async": "What is remembered can be used one time only.",
    "manager_nested_mutation": "What is changed is a copy, which is then dropped.",
    "missing_main_guard": "Each copy does at its beginning what made the copy.",
    "no_backpressure": "It comes in faster than it goes out, and nothing slows it down.",
    "non_atomic_shared_value": "Each step is safe by itself, and the two together are not.",
    "non_reentrant_lock_taken_twice": "Somebody waits for what they have themselves.",
    "pool_exit_terminates": "Leaving the block ends everything at once, whatever is not done.",
    "pool_worker_killed": (
        "Who was to deliver is gone without a word, and the caller does not notice."
    ),
    "popen_wait_with_pipe": (
        "One is full and cannot go on, the other does not empty it before that one is through."
    ),
    "queue_join_dead_worker": (
        "A failure ends who would have counted down, so that the count never comes to zero."
    ),
    "retry_storm": "Each level tries again by itself, and the tries multiply.",
    "rng_duplicated_by_fork": "All begin from the same state, so that what should vary does not.",
    "run_inside_running_loop": "Something is started that is there already, further up.",
    "shared_client_session": "A conversation that allows one speaker has two.",
    "shared_generator": "A second caller enters while the first is still inside.",
    "shared_iterator_without_helpers": (
        "Two take from the same source, and the same is handed out again."
    ),
    "shared_memory_lifetime": "A guest tidies up what belongs to the host.",
    "shared_sqlite_transaction": "One makes final what another had begun and not finished.",
    "shield_misuse": "It is protected from one kind of end, and not from the other.",
    "signal_handler_takes_lock": (
        "What interrupts needs what the interrupted has, and the latter cannot go on meanwhile."
    ),
    "sleep_as_synchronisation": "It is taken for granted that it is done after a time.",
    "sqlite_deferred_upgrade": (
        "Both hold what the other must give up, so that one is turned away at once."
    ),
    "start_method_assumption": "What was set before is expected to be there, and it starts afresh.",
    "submit_after_shutdown": (
        "More comes in when the doors are closed already, and is refused where nobody looks."
    ),
    "swallowed_cancellation": (
        "The order to give up is taken for one more failure, and it is tried again."
    ),
    "thread_exception_passes_test": "It fails where nobody listens, and that counts as a success.",
    "thread_local_in_tasks": "What was meant to be private is common to all.",
    "thread_lock_across_await": (
        "Somebody pauses without letting go, and who wants it then stops everybody."
    ),
    "thread_started_in_init": "It begins to work on something that is not complete yet.",
    "threadsafe_call_on_own_loop": (
        "Somebody stands still until a thing is done that only they could do."
    ),
    "timeout_does_not_stop_work": (
        "The caller gives up, and what was asked for is done all the same."
    ),
    "tiny_chunks": "Getting it there and back costs more than doing it.",
    "toctou_filesystem": "Something is found missing, and is there by the time it is made.",
    "trylock_livelock": "Each gives way to the other, over and over, and nobody gets through.",
    "unbounded_fan_out": "Everything is begun at once, however much it is.",
    "unpicklable_exception": (
        "The news of a failure cannot be delivered, and a worse one arrives in its place."
    ),
    "wait_for_swallows_cancellation": (
        "The order to give up comes together with the answer, and is forgotten."
    ),
    "work_before_commit": "The message arrives before that which it is about can be seen.",
}
