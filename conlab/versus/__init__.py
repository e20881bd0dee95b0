"""Compares two sides in pairs of short-lived processes: did it get slower?"""
