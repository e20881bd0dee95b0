"""Makes the parts of the book that are generated: the pairs' pages, the options, a picture."""
