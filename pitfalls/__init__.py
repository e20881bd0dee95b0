"""The mistakes, each proved and each beside its fix: one file a mistake, in a folder a family."""
