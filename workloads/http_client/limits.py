"""What the clients allow: how long, how often, and how much of it. Read when a request is made."""

CONNECT_TIMEOUT = 5.0  # seconds until there is a connection
READ_TIMEOUT = 10.0  # seconds without a byte
TOTAL_TIMEOUT = 60.0  # seconds for a job, all its attempts and the waits between them
ATTEMPTS = 4
FIRST_BACKOFF = 0.1  # seconds at most before the second attempt; doubled for each one after it
MAX_BACKOFF = 5.0  # seconds
MAX_REDIRECTS = 10
CHUNK_SIZE = 64 * 1024  # bytes at a time; httpx reads as much
# Of the head of an answer. httpx would take up to 100 KiB in all, aiohttp any number of lines.
MAX_HEAD_SIZE = 64 * 1024  # bytes, names and values together
MAX_HEADERS = 128
