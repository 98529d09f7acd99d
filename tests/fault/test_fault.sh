#!/bin/sh
# A short round: each 60th call. `make fault` is the long one.
exec "$(dirname "$0")/run.py" --every 60
