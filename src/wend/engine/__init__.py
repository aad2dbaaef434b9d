"""RUN THE CORE: the live engine on PostgreSQL (live.py), and the same core in memory with a virtual clock (replay.py).

Rules of this room: whatever is decided, is decided by `wend.core.react`; the engine orders, loads, writes and fences
(engine.md). It never imports delivery, channels or intake.
"""
