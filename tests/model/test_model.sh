#!/bin/sh
# A short round: every planted bug, and the rounds with fewer who play. `make model` is the long one.
exec "$(dirname "$0")/run.py" --short
