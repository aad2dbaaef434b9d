"""The command line's groups of commands, one file each, and what `wend up` is made of. Part of the cli layer.

Rules: only this layer reads the settings and joins the parts. Commands find the running Wend by its data folder and work
on the database directly. What a person did wrong is a `UserError`: one line `error: where: what; what to do`, no traceback.
Heavy imports happen inside the commands, so that `wend --help` is quick and each process holds only what it uses.
"""
