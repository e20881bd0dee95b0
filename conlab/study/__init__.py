"""Learning from the pitfalls: told, run, looked for by what one sees, mended and checked."""
