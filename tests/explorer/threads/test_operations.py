"""What a thread is in the middle of, by the frames that have called the running one."""

import sys
from types import FrameType
from typing import Any, cast

from conlab.explorer.threads.controlled_thread import Carrier, ControlledThread, identity_of


def this_frame() -> FrameType:
    return sys._getframe(1)


def thread_in(*frames: tuple[int, Any]) -> ControlledThread:
    thread = ControlledThread(0, "main", cast("Carrier", None))
    thread.operations = [(frame, {}) for frame in frames]
    return thread


def test_the_operation_of_a_caller_goes_on_and_one_s_own_has_ended() -> None:
    def inner(outer: FrameType) -> None:
        thread = thread_in(identity_of(outer), identity_of(this_frame()))
        thread.forget_ended(sys._getframe())
        assert [frame for frame, _ in thread.operations] == [identity_of(outer)]

    inner(this_frame())


def test_a_frame_that_has_the_address_of_one_that_is_gone_is_another() -> None:
    def gone() -> FrameType:
        return this_frame()

    def inner(outer: FrameType) -> None:
        thread = thread_in((identity_of(outer)[0], gone.__code__))
        thread.forget_ended(sys._getframe())
        assert not thread.operations

    inner(this_frame())
