#!/bin/sh
# cycles.sh OBJECT...: no modules call each other in a circle, be it over many steps: each can be understood after those it uses.
set -eu

edges=$(mktemp)
trap 'rm -f "$edges"' EXIT
nm -A -g "$@" | awk '
	{ split($1, part, ":"); object = part[1] }
	$(NF - 1) ~ /^[TDBRC]$/ { homes[$NF]++; home[$NF] = object }
	$(NF - 1) == "U" { n++; symbol[n] = $NF; user[n] = object }
	END {
		for (i = 1; i <= n; i++)
			if (symbol[i] in home && homes[symbol[i]] == 1 && home[symbol[i]] != user[i])
				print user[i], home[symbol[i]]
	}' | sort -u > "$edges"
if ! circle=$(tsort "$edges" 2>&1 > /dev/null); then
	printf 'modules call each other in a circle:\n%s\n' "$circle" | sed 's/^tsort: [^ ]*: input contains a loop:/ a circle:/; s/^tsort: /    /'
	exit 1
fi
