"""The catalogue: the pitfalls as data, the law of their sides, the tools that detect them."""
