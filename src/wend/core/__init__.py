"""DECIDE. The pure heart of Wend.

Rules of this room: no clock, no chance, no I/O, standard library only. `now` is always an argument.
All times are integers: milliseconds since 1970-01-01 UTC ("instant"). All lengths of time are integer milliseconds.
"""
