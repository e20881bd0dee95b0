"""The event loop and its tasks, controlled: what is modelled of asyncio."""
