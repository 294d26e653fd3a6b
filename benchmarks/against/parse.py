"""Only parses every YAML file of a workspace, with the fastest loader. Prints the seconds without
start-up.
"""

import sys
import time
from pathlib import Path

import yaml

start = time.perf_counter()
for path in sorted(Path(sys.argv[1], "specs").iterdir()):
    yaml.load(path.read_bytes(), yaml.CSafeLoader)
print(time.perf_counter() - start)
