#!/bin/sh
# No file over 450 lines, no C function over 60 (from its opening brace to its closing one, each in the first column).
set -eu

awk -v lines=450 -v body=60 '
	FNR == 1 { check_file(); file = FILENAME }
	{ count = FNR }
	/^\{/ && file ~ /\.[ch]$/ { start = FNR }
	/^\}/ && start {
		if (FNR - start + 1 > body) {
			printf "%s:%d: function of %d lines, more than %d\n", file, start, FNR - start + 1, body
			bad = 1
		}
		start = 0
	}
	function check_file() {
		if (count > lines) {
			printf "%s: %d lines, more than %d\n", file, count, lines
			bad = 1
		}
	}
	END { check_file(); exit bad }
' "$@"
