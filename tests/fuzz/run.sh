#!/bin/sh
# run.sh probe BUILD: is libFuzzer there?
# run.sh SECONDS SEED BUILD FUZZER...: each fuzzer for so long, two at a time. Its log and what it finds stay in BUILD/fuzz. From one SEED (but
# 0: another each time) and the same files come the same inputs.
set -eu

here=$(dirname "$0")

probe()
{
	mkdir -p "$1"
	echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' > "$1/probe.c"
	if ! clang -fsanitize=fuzzer,address,undefined -o "$1/probe" "$1/probe.c" 2> /dev/null; then
		version=$(clang -dumpversion 2> /dev/null | cut -d. -f1)
		echo "make fuzz wants clang with libFuzzer: apt-get install clang libclang-rt-${version:-14}-dev" >&2
		exit 1
	fi
}

one()
{
	seconds=$1
	seed=$2
	directory=$3
	name=$4
	seeds=$here/seeds/$name
	log=$directory/$name.log
	mkdir -p "$directory/found/$name"
	set -- "-max_total_time=$seconds" "-seed=$seed" -timeout=20 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 \
		"-artifact_prefix=$directory/$name-"
	[ ! -f "$here/$name.dict" ] || set -- "$@" "-dict=$here/$name.dict"
	if nice -n 10 "$directory/fuzz_$name" "$@" "$directory/found/$name" "$seeds" > "$log" 2>&1; then
		echo "  ok   $name, $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
	else
		echo "  FAIL $name, see $log"
		grep -E 'does not hold|runtime error|ERROR: ' "$log" || true
	fi
}

case $1 in
probe)
	probe "$2"
	;;
*)
	seconds=$1
	seed=$2
	directory=$3/fuzz
	shift 3
	results=$directory/results
	# Mail is synced at every step: in memory that costs nothing.
	TMPDIR=$(mktemp -d /dev/shm/fuzz.XXXXXX 2> /dev/null || mktemp -d)
	export TMPDIR
	trap 'rm -rf "$TMPDIR"' EXIT
	: > "$results"
	while [ $# -gt 0 ]; do
		for path in "$1" ${2:+"$2"}; do
			path=${path##*/fuzz_}
			one "$seconds" "$seed" "$directory" "${path%.c}" >> "$results" &
		done
		wait
		shift
		[ $# -eq 0 ] || shift
	done
	cat "$results"
	failed=$(grep -c '^  FAIL' "$results" || true)
	echo "$(grep -c '^  ok' "$results" || true) passed, $failed failed"
	[ "$failed" = 0 ]
	;;
esac
