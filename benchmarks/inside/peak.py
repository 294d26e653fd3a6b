"""Runs a command and prints the bytes of memory at its peak. A process counts what the one that
started it had taken, so this one takes as little as a process of Python can.
"""

import os
import sys

_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in a unit of `ru_maxrss`

child = os.fork()
if not child:
    os.dup2(2, 1)  # what it prints is not the answer
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
print(usage.ru_maxrss * _UNIT)
raise SystemExit(os.waitstatus_to_exitcode(status))
