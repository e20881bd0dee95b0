"""The machinery of Concurrency Lab: an explorer, a judge, an origin, a bench."""
