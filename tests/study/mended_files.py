"""Mended files as readers write them: sound ones of many shapes, and cheats of each kind.

Each is what stands in the place of the broken side; what is given is left out, and put in by the
check. A cheat is there with words of the sentence in which it is refused.
"""

SOUND: dict[str, dict[str, str]] = {}
CHEATS: dict[str, dict[str, tuple[str, str]]] = {}

SOUND["lost_update"] = {
    "an RLock that is acquired and released": """
import threading

def mended():
    balance = 0
    guard = threading.RLock()

    def deposit():
        nonlocal balance
        guard.acquire()
        try:
            balance += after_fee(DEPOSIT)
        finally:
            guard.release()

    twice_at_once(deposit)
    return balance
""",
    "a queue that the main thread empties": """
from queue import SimpleQueue

def mended():
    deposits = SimpleQueue()

    def deposit():
        deposits.put(after_fee(DEPOSIT))

    twice_at_once(deposit)
    balance = 0
    while not deposits.empty():
        balance += deposits.get()
    return balance
""",
    "results of a pool, with nothing shared": """
from concurrent.futures import ThreadPoolExecutor

def mended():
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(after_fee, [DEPOSIT, DEPOSIT]))
""",
    "a class of its own with a condition": """
import threading

class Account:
    def __init__(self):
        self.balance = 0
        self.changing = threading.Condition()

    def deposit(self):
        net = after_fee(DEPOSIT)
        with self.changing:
            self.balance += net

def mended():
    account = Account()
    threads = [threading.Thread(target=account.deposit) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return account.balance
""",
    "a list that each thread appends to, which is one step": """
def mended():
    deposits = []

    def deposit():
        deposits.append(after_fee(DEPOSIT))

    twice_at_once(deposit)
    return sum(deposits)
""",
}
CHEATS["lost_update"] = {
    "one after the other, without threads": (
        """
def mended():
    balance = 0
    for _ in range(2):
        balance += after_fee(DEPOSIT)
    return balance
""",
        "concurrency is gone",
    ),
    "a thread at a time": (
        """
import threading

def mended():
    balance = 0

    def deposit():
        nonlocal balance
        balance += after_fee(DEPOSIT)

    for _ in range(2):
        thread = threading.Thread(target=deposit)
        thread.start()
        thread.join()
    return balance
""",
        "one after the other",
    ),
    "threads that do nothing": (
        """
def mended():
    balance = after_fee(DEPOSIT) + after_fee(DEPOSIT)
    twice_at_once(lambda: None)
    return balance
""",
        "concurrency is gone",
    ),
    "what is expected": ("def mended():\n    return 2 * (DEPOSIT - FEE)\n", "concurrency is gone"),
    "what is expected, beside threads": (
        """
def mended():
    balance = [0]

    def deposit():
        balance[0] = balance[0] + 1

    twice_at_once(deposit)
    return 198
""",
        "never called after_fee()",
    ),
    "a sleep": (
        """
import time

def mended():
    balance = 0
    started = []

    def deposit():
        nonlocal balance
        started.append(1)
        if len(started) == 2:
            time.sleep(0.5)
        balance += after_fee(DEPOSIT)

    twice_at_once(deposit)
    return balance
""",
        "it fails",
    ),
    "a lock of each thread's own": (
        """
import threading

def mended():
    balance = 0

    def deposit():
        nonlocal balance
        with threading.Lock():
            balance += after_fee(DEPOSIT)

    twice_at_once(deposit)
    return balance
""",
        "it fails",
    ),
    "the given made harmless": (
        """
def twice_at_once(work):
    work()
    work()

def mended():
    balance = 0

    def deposit():
        nonlocal balance
        balance += after_fee(DEPOSIT)

    twice_at_once(deposit)
    return balance
""",
        "it fails",
    ),
    "an oracle that is content": (
        """
def holds(balance):
    return True

def mended():
    return 0
""",
        "it fails",
    ),
}

SOUND["shared_generator"] = {
    "an iterator in C, whose next() is one step": """
import itertools

def mended():
    numbers = itertools.count(1)
    taken = []

    def take():
        taken.append(printed(next(numbers)))

    twice_at_once(take)
    return sorted(taken)
""",
}
CHEATS["shared_generator"] = {
    "ask again when it is executing": (
        """
def mended():
    tickets = numbered_tickets()
    taken = []

    def take():
        while True:
            try:
                taken.append(next(tickets))
                return
            except ValueError:
                continue

    twice_at_once(take)
    return sorted(taken)
""",
        "it catches ValueError",
    ),
}

SOUND["join_before_drain"] = {
    "a simple queue, whose put waits for the reader": """
def mended():
    results = SPAWN.SimpleQueue()
    child = SPAWN.Process(target=produce, args=(results,))
    child.start()
    received = len(results.get())
    child.join()
    return received
""",
}
CHEATS["join_before_drain"] = {
    "wait for a second only": (
        """
def mended():
    results = SPAWN.Queue()
    child = SPAWN.Process(target=produce, args=(results,))
    child.start()
    child.join(timeout=1)
    result = results.get()
    child.join()
    return len(result)
""",
        "it waits for time to pass",
    ),
    "no process": (
        """
import queue

def mended():
    results = queue.Queue()
    produce(results)
    return len(results.get())
""",
        "concurrency is gone",
    ),
}

SOUND["rng_duplicated_by_fork"] = {
    "another state": """
from random import Random

def mended():
    def draw(number, drawn):
        random.setstate(Random(number).getstate())
        drawn.put(random.random())

    return different_draws(draw)
""",
}
CHEATS["rng_duplicated_by_fork"] = {
    "numbers that were not drawn": (
        """
def mended():
    def draw(number, drawn):
        drawn.put(float(number))

    return different_draws(draw)
""",
        "never called random.random()",
    ),
}

CHEATS["missing_main_guard"] = {
    "a script without a pool": (
        "def mended():\n    return run('print([1, 2])')\n",
        "concurrency is gone",
    ),
}

SOUND["iterate_while_mutating"] = {
    "a lock around both": """
import threading

def mended():
    carts = {"Ada": 2, "Bob": 1}
    lock = threading.Lock()

    def visit():
        with lock:
            carts.update({"Cleo": 1})

    visitor = threading.Thread(target=visit)
    visitor.start()
    with lock:
        reminded = [letter_to(customer) for customer in carts]
    visitor.join()
    return reminded
""",
    "a tuple of the keys": """
import threading

def mended():
    carts = {"Ada": 2, "Bob": 1}
    visitor = threading.Thread(target=carts.update, args=({"Cleo": 1},))
    visitor.start()
    customers = tuple(carts)
    reminded = [letter_to(each) for each in customers]
    visitor.join()
    return reminded
""",
}
CHEATS["iterate_while_mutating"] = {
    "try again when it fails": (
        """
import threading

def mended():
    carts = {"Ada": 2, "Bob": 1}
    visitor = threading.Thread(target=carts.update, args=({"Cleo": 1},))
    visitor.start()
    while True:
        try:
            reminded = [letter_to(customer) for customer in carts]
            break
        except RuntimeError:
            pass
    visitor.join()
    return reminded
""",
        "it catches RuntimeError",
    ),
    "suppress it": (
        """
import threading
from contextlib import suppress

def mended():
    carts = {"Ada": 2, "Bob": 1}
    visitor = threading.Thread(target=carts.update, args=({"Cleo": 1},))
    visitor.start()
    reminded = ["Dear Ada", "Dear Bob"]
    with suppress(Exception):
        reminded = [letter_to(customer) for customer in carts]
    visitor.join()
    return reminded
""",
        "it catches RuntimeError",
    ),
    "wait for the visitor first": (
        """
import threading

def mended():
    carts = {"Ada": 2, "Bob": 1}
    carts.update({"Cleo": 1})
    return [letter_to(customer) for customer in carts]
""",
        "concurrency is gone",
    ),
}

SOUND["lock_order"] = {
    "by the address of the locks": """
def mended():
    def transfer(amount, giver, taker):
        locks = sorted([giver.lock, taker.lock], key=id)
        with locks[0], locks[1]:
            giver.balance -= amount
            taker.balance += amount

    return both_ways(transfer)
""",
    "one lock for the bank": """
import threading

def mended():
    bank = threading.Lock()

    def transfer(amount, giver, taker):
        with bank:
            giver.balance -= amount
            taker.balance += amount

    return both_ways(transfer)
""",
    "one lock at a time": """
def mended():
    def transfer(amount, giver, taker):
        with giver.lock:
            giver.balance -= amount
        with taker.lock:
            taker.balance += amount

    return both_ways(transfer)
""",
}
CHEATS["lock_order"] = {
    "no locks": (
        """
def mended():
    def transfer(amount, giver, taker):
        giver.balance -= amount
        taker.balance += amount

    return both_ways(transfer)
""",
        "it fails",
    ),
    "give up after a second": (
        """
def mended():
    def transfer(amount, giver, taker):
        with giver.lock:
            if taker.lock.acquire(timeout=1):
                giver.balance -= amount
                taker.balance += amount
                taker.lock.release()

    return both_ways(transfer)
""",
        "it fails",
    ),
    "only one way at a time": (
        """
def mended():
    left, right = Account(1, 100), Account(2, 100)
    for amount, giver, taker in ((30, left, right), (20, right, left)):
        with giver.lock, taker.lock:
            giver.balance -= amount
            taker.balance += amount
    return [left.balance, right.balance]
""",
        "concurrency is gone",
    ),
}

SOUND["check_then_act_across_await"] = {
    "a task that both await": """
import asyncio

def mended():
    issued = []
    fetching = None

    async def call():
        nonlocal fetching
        if fetching is None:
            fetching = asyncio.create_task(fetch_token())
            issued.append(await fetching)
        else:
            await fetching

    async def call_twice():
        async with asyncio.TaskGroup() as calls:
            calls.create_task(call())
            calls.create_task(call())
        return issued

    return asyncio.run(call_twice())
""",
    "a semaphore, and a check inside it": """
import asyncio

def mended():
    issued = []

    async def call_twice():
        gate = asyncio.Semaphore(1)

        async def call():
            async with gate:
                if issued:
                    return
                issued.append(await fetch_token())

        await asyncio.gather(*(call() for _ in range(2)))
        return issued

    return asyncio.run(call_twice())
""",
}
CHEATS["check_then_act_across_await"] = {
    "one call after the other": (
        """
import asyncio

def mended():
    issued = []

    async def call():
        if not issued:
            issued.append(await fetch_token())

    async def call_twice():
        await call()
        await call()
        return issued

    return asyncio.run(call_twice())
""",
        "concurrency is gone",
    ),
    "throw the second token away": (
        """
import asyncio

def mended():
    async def call_twice():
        async def call():
            pass
        await asyncio.gather(call(), call())
        return ["token"]

    return asyncio.run(call_twice())
""",
        "never called fetch_token()",
    ),
}

SOUND["forgotten_await"] = {
    "a task group": """
import asyncio

def mended():
    async def buy(ticket):
        saved = []
        async with asyncio.TaskGroup() as group:
            group.create_task(save(ticket, saved))
        return saved

    return asyncio.run(buy("row 1, seat 7"))
""",
}
CHEATS["forgotten_await"] = {
    "a sleep for the task to come to its end": (
        """
import asyncio

def mended():
    async def buy(ticket):
        saved = []
        task = asyncio.create_task(save(ticket, saved))
        await asyncio.sleep(0.1)
        return saved

    return asyncio.run(buy("row 1, seat 7"))
""",
        "it sleeps, by asyncio.sleep(0.1)",
    ),
    "save it without saving": (
        """
import asyncio

def mended():
    async def buy(ticket):
        return [ticket]

    return asyncio.run(buy("row 1, seat 7"))
""",
        "never called save()",
    ),
}

SOUND["executor_self_starvation"] = {
    "a larger pool for the inner jobs": """
from concurrent.futures import ThreadPoolExecutor

def mended():
    with ThreadPoolExecutor(1) as outer:
        with ThreadPoolExecutor(max_workers=4) as inner:
            job = outer.submit(area, inner)
            return job.result()
""",
    "as many workers as there are jobs": """
from concurrent.futures import ThreadPoolExecutor

def mended():
    with ThreadPoolExecutor(2) as pool:
        return pool.submit(area, pool).result()
""",
}
CHEATS["executor_self_starvation"] = {
    "no pool": ("def mended():\n    return pow(6, 2)\n", "concurrency is gone"),
    "give up after a while": (
        """
from concurrent.futures import ThreadPoolExecutor

def mended():
    outer = ThreadPoolExecutor(1)
    job = outer.submit(area, outer)
    try:
        answer = job.result(timeout=0.2)
    except TimeoutError:
        answer = 36
    outer.shutdown(wait=False, cancel_futures=True)
    return answer
""",
        "it",
    ),
}

SOUND["sleep_as_synchronisation"] = {
    "join first": """
from threading import Event, Thread

def mended():
    mailed = []
    done = Event()
    mailer = Thread(target=mail, args=(mailed, done))
    mailer.start()
    mailer.join()
    return list(mailed)
""",
    "the result of a future": """
from concurrent.futures import ThreadPoolExecutor
from threading import Event

def mended():
    mailed = []
    with ThreadPoolExecutor() as pool:
        pool.submit(mail, mailed, Event()).result()
    return mailed
""",
}
CHEATS["sleep_as_synchronisation"] = {
    "sleep longer": (
        """
import time
from threading import Event, Thread

def mended():
    mailed = []
    mailer = Thread(target=mail, args=(mailed, Event()))
    mailer.start()
    time.sleep(1)
    what_is_there = list(mailed)
    mailer.join()
    return what_is_there
""",
        "it fails",
    ),
    "look again and again": (
        """
from threading import Event, Thread

def mended():
    mailed = []
    done = Event()
    mailer = Thread(target=mail, args=(mailed, done))
    mailer.start()
    done.wait(0.2)
    seen = list(mailed)
    mailer.join()
    return seen
""",
        "it fails",
    ),
    "mail by itself": (
        """
from threading import Event

def mended():
    mailed = []
    mail(mailed, Event())
    return mailed
""",
        "concurrency is gone",
    ),
}

SOUND["non_atomic_shared_value"] = {
    "a lock of its own": """
def book(seats, lock):
    lock.acquire()
    seats.value -= 1
    lock.release()

def mended():
    seats = SPAWN.Value("i", SEATS)
    lock = SPAWN.Lock()
    sellers = [SPAWN.Process(target=book, args=(seats, lock)) for _ in range(2)]
    for seller in sellers:
        seller.start()
    for seller in sellers:
        seller.join()
    return seats.value
""",
}
CHEATS["non_atomic_shared_value"] = {
    "in one line": (
        """
def book(seats):
    seats.value -= 1

def mended():
    seats = SPAWN.Value("i", SEATS)
    sell_in_two_processes(book, seats)
    return int(seats.value)
""",
        "held at",
    ),
    "one process after the other": (
        """
def book(seats):
    seats.value -= 1

def mended():
    seats = SPAWN.Value("i", SEATS)
    for _ in range(2):
        seller = SPAWN.Process(target=book, args=(seats,))
        seller.start()
        seller.join()
    return int(seats.value)
""",
        "one after the other",
    ),
}

SOUND["tiny_chunks"] = {
    "larger chunks": """
def mended():
    with CountingPool(2, mp_context=SPAWN) as pool:
        list(pool.map(abs, range(ITEMS), chunksize=1000))
    return pool.journeys
""",
}
CHEATS["tiny_chunks"] = {
    "fewer items": (
        """
def mended():
    with CountingPool(2, mp_context=SPAWN) as pool:
        list(pool.map(abs, range(4)))
    return pool.journeys
""",
        "part of the work is not done",
    ),
}

SOUND["unbounded_fan_out"] = {
    "ten workers and a queue": """
import asyncio

def mended():
    async def crawl():
        server = Server()
        todo = asyncio.Queue()
        for number in range(PAGES):
            todo.put_nowait(number)

        async def work():
            while not todo.empty():
                todo.get_nowait()
                await server.page()

        await asyncio.gather(*(work() for _ in range(MOST)))
        return server.most_open

    return asyncio.run(crawl())
""",
    "ten at a time": """
import asyncio

def mended():
    async def crawl():
        server = Server()
        for _ in range(PAGES // MOST):
            async with asyncio.TaskGroup() as group:
                for _ in range(MOST):
                    group.create_task(server.page())
        return server.most_open

    return asyncio.run(crawl())
""",
}
CHEATS["unbounded_fan_out"] = {
    "one page after the other": (
        """
import asyncio

def mended():
    async def crawl():
        server = Server()
        for _ in range(PAGES):
            await server.page()
        return server.most_open

    return asyncio.run(crawl())
""",
        "concurrency is gone",
    ),
    "fewer pages": (
        """
import asyncio

def mended():
    async def crawl():
        server = Server()
        await asyncio.gather(*(server.page() for _ in range(MOST)))
        return server.most_open

    return asyncio.run(crawl())
""",
        "called Server.page() 10 times",
    ),
}

SOUND["blocking_call_in_coroutine"] = {
    "a client that awaits": """
import asyncio

def mended():
    async def upload():
        heart = Heart()
        child = await asyncio.create_subprocess_exec(*CONVERT)
        assert await child.wait() == 0
        return heart.stop()

    return asyncio.run(upload())
""",
}
CHEATS["blocking_call_in_coroutine"] = {
    "one turn for the others, before": (
        """
import asyncio
import subprocess

def mended():
    async def upload():
        heart = Heart()
        await asyncio.sleep(0)
        subprocess.run(CONVERT, check=True)
        return heart.stop()

    return asyncio.run(upload())
""",
        "it waits for time to pass",
    ),
    "no program": (
        """
import asyncio

def mended():
    async def upload():
        heart = Heart()
        await asyncio.to_thread(len, "")
        return heart.stop()

    return asyncio.run(upload())
""",
        "does not run this program any more",
    ),
}

CHEATS["lost_update"] |= {
    "what is expected, after all the work": (
        """
def mended():
    balance = 0

    def deposit():
        nonlocal balance
        balance += after_fee(DEPOSIT)

    twice_at_once(deposit)
    return 198
""",
        "its result is typed in, by `return 198`",
    ),
    "what is expected, worked out": (
        """
def mended():
    balance = 0

    def deposit():
        nonlocal balance
        balance += after_fee(DEPOSIT)

    twice_at_once(deposit)
    return 2 * (DEPOSIT - FEE)
""",
        "where after_fee() returns something else, the fixed side returns 200, and this 198",
    ),
}

SOUND["lazy_init"] = {
    "look once more with a lock": """
import threading

def mended():
    pools = []
    shared = {}
    making = threading.Lock()

    def pool():
        if "pool" not in shared:
            with making:
                if "pool" not in shared:
                    shared["pool"] = Pool(pools)

    twice_at_once(pool)
    return len(pools)
""",
    "made before anybody asks": """
def mended():
    pools = []
    shared = {"pool": Pool(pools)}

    def pool():
        return shared["pool"]

    twice_at_once(pool)
    return len(pools)
""",
}
_MAKES_TWO = """
def mended():
    pools = []
    shared = {}

    def pool():
        if "pool" not in shared:
            shared["pool"] = Pool(pools)

"""
CHEATS["lazy_init"] = {
    "its own assertion, caught": (
        f"""{_MAKES_TWO}
    try:
        twice_at_once(pool)
        assert len(pools) == 1
    except AssertionError:
        return 1
    return len(pools)
""",
        "it catches AssertionError",
    ),
    "whatever its oracle would say, caught": (
        f"""{_MAKES_TWO}
    twice_at_once(pool)
    try:
        return {{1: 1}}[len(pools)]
    except KeyError:
        return len(shared)
""",
        "where Pool.__init__() does pools.append(self) twice, the fixed side returns 2, and this 1",
    ),
    "another thing counted": (
        f"{_MAKES_TWO}    twice_at_once(pool)\n    return len(shared)\n",
        "where Pool.__init__() does pools.append(self) twice, the fixed side returns 2, and this 1",
    ),
    "one at most": (
        f"{_MAKES_TWO}    twice_at_once(pool)\n    return min(len(pools), 1)\n",
        "it returns a part of what came out, by `min(len(pools), 1)`",
    ),
}

SOUND["check_then_act_on_container"] = {
    "a lock around the check and the act": """
import threading

def mended():
    booked = {}
    confirmed = []
    booking = threading.Lock()

    def book(customer):
        with booking:
            if SEAT in booked:
                return
            booked[SEAT] = Booking(customer)
        confirmed.append(customer)

    at_once(book, "Ada", "Bob")
    return confirmed[:]
""",
}
_BOOKS_TWICE = """
def mended():
    booked = {}
    confirmed = []

    def book(customer):
        if SEAT not in booked:
            booked[SEAT] = Booking(customer)
            confirmed.append(customer)

    at_once(book, "Ada", "Bob")
    return """
CHEATS["check_then_act_on_container"] = {
    "the first alone": (
        f"{_BOOKS_TWICE}sorted(confirmed)[:1]\n",
        "it returns a part of what came out, by `sorted(confirmed)[:1]`",
    ),
    "a list of the first": (f"{_BOOKS_TWICE}[confirmed[0]]\n", "by `[confirmed[0]]`"),
    "the first alone, under a name": (
        f"{_BOOKS_TWICE}answer\n".replace("return", "answer = confirmed[:1]\n    return"),
        "by `confirmed[:1]`",
    ),
}

CHEATS["iterate_while_mutating"]["wait for the visitor before the loop"] = (
    """
import threading

def mended():
    carts = {"Ada": 2, "Bob": 1}
    visitor = threading.Thread(target=carts.update, args=({"Cleo": 1},))
    visitor.start()
    visitor.join()
    return [letter_to(customer) for customer in carts]
""",
    "it waits for its thread, task or process right after the start",
)
CHEATS["iterate_while_mutating"]["begin the thread when all is done"] = (
    """
import threading

def mended():
    carts = {"Ada": 2, "Bob": 1}
    visitor = threading.Thread(target=carts.update, args=({"Cleo": 1},))
    reminded = [letter_to(customer) for customer in carts]
    visitor.start()
    visitor.join()
    return reminded
""",
    "it waits for its thread, task or process right after the start",
)
SOUND["iterate_while_mutating"]["a copy first, the letters when the visitor has gone"] = """
import threading

def mended():
    carts = {"Ada": 2, "Bob": 1}
    visitor = threading.Thread(target=carts.update, args=({"Cleo": 1},))
    visitor.start()
    customers = list(carts)
    visitor.join()
    return [letter_to(each) for each in customers]
"""

SOUND["threadsafe_call_on_own_loop"] = {
    "awaited": """
import asyncio

def mended():
    async def page():
        return await look_up("plums")

    return asyncio.run(page())
""",
    "a loop that gives the others their turns until it is there": """
import asyncio

def mended():
    async def page():
        loop = asyncio.get_running_loop()
        found = asyncio.run_coroutine_threadsafe(look_up("plums"), loop)
        while not found.done():
            await asyncio.sleep(0)
        return found.result()

    return asyncio.run(page())
""",
}
CHEATS["threadsafe_call_on_own_loop"] = {
    "an answer made up where none comes": (
        """
import asyncio

def mended():
    async def page():
        loop = asyncio.get_running_loop()
        found = asyncio.run_coroutine_threadsafe(look_up("plums"), loop)
        try:
            return found.result(timeout=0.1)
        except TimeoutError:
            return "plums: 3"

    return asyncio.run(page())
""",
        "its result is typed in, by `return 'plums: 3'`",
    ),
    "an answer made up in pieces": (
        """
import asyncio

def mended():
    async def page():
        loop = asyncio.get_running_loop()
        found = asyncio.run_coroutine_threadsafe(look_up("plums"), loop)
        try:
            return found.result(timeout=0.1)
        except TimeoutError:
            return ": ".join(["plums", "3"])

    return asyncio.run(page())
""",
        "where look_up() returns something else, the fixed side returns 'plums: 3~'",
    ),
}

CHEATS["future_never_checked"] = {
    "what is returned where one is refused, in any case": (
        """
from concurrent.futures import ThreadPoolExecutor, wait

def mended():
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(quantity, order) for order in ORDERS]
    wait(futures)
    return "one refused"
""",
        "its result is typed in, by `return 'one refused'`",
    ),
}

SOUND["condition_if_not_while"] = {
    "until it is so": """
import threading

def mended():
    baked = threading.Condition()
    bread = []
    eaten = []

    def eat():
        with baked:
            baked.wait_for(lambda: bread)
            eaten.append(bread.pop())

    serve_two(eat, baked, bread)
    return sorted(eaten)
""",
}
CHEATS["condition_if_not_while"] = {
    "a loaf out of nothing": (
        """
import threading

def mended():
    baked = threading.Condition()
    bread = []
    eaten = []

    def eat():
        with baked:
            if not bread:
                baked.wait()
            eaten.append(bread.pop() if bread else "second loaf")

    serve_two(eat, baked, bread)
    return sorted(eaten)
""",
        "it has 'second loaf' typed in",
    ),
}

SOUND["cache_stampede"] = {
    "a task that all await": """
import asyncio

def mended():
    database = Database()
    tasks = {}

    async def front_page():
        if "page" not in tasks:
            tasks["page"] = asyncio.ensure_future(database.query())
        return await tasks["page"]

    asyncio.run(visited_at_once(front_page))
    return database.queries
""",
}
CHEATS["cache_stampede"] = {
    "the count set back": (
        """
import asyncio

def mended():
    database = Database()
    cache = {}

    async def front_page():
        if "page" not in cache:
            cache["page"] = await database.query()
            database.queries = 1
        return cache["page"]

    asyncio.run(visited_at_once(front_page))
    return database.queries
""",
        "it called Database.query() 5 times, as the broken side does",
    ),
}
