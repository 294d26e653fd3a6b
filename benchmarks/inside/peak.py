"""Runs the command line in this process; its last line is the peak of memory in bytes."""

import re
import sys
from pathlib import Path

from provisioner.__main__ import main

code = main()
sys.stdout.flush()
# Not `ru_maxrss`, which a process inherits from the one that started it.
status = Path("/proc/self/status").read_text()
print(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024)  # type: ignore[index]
sys.exit(code)
