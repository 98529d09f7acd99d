#!/bin/sh
# A short round: some trees of each scenario. `make crash-states` is the long one.
exec "$(dirname "$0")/run.py" --states 24 --resumed 2
