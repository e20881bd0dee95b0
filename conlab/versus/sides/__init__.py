"""What is compared: a revision, a Python, a version of a library, or the working tree."""
