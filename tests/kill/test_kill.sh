#!/bin/sh
# A short round. `make kill N=500` is the long one.
exec "$(dirname "$0")/run.py" --kills 60
