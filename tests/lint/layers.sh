#!/bin/sh
# layers.sh PURE... -- ALL...
# Dependencies run one way: program -> common/system -> common/pure.
#  - a pure file includes only the standard headers below and headers of other pure files, and does no input or output;
#  - common includes no program's header, common/pure none of common/system, a program none of another program's;
# (That headers include each other in a circle the compiler would say; whether modules call each other in one is for cycles.sh.)
set -eu

allowed=" stdbool.h stddef.h stdint.h stdarg.h stdlib.h string.h stdio.h limits.h assert.h errno.h inttypes.h time.h arpa/inet.h "
bad=0
pure=" "

complain()
{
	printf '%s\n' "$*"
	bad=1
}

# Where a header that FILE includes as NAME lives: beside it, or in common.
resolve()
{
	for directory in "${1%/*}" common/pure common/system; do
		if [ -f "$directory/$2" ]; then
			printf '%s\n' "$directory/$2"
			return
		fi
	done
}

includes()
{
	sed -n "s/^#[[:blank:]]*include[[:blank:]]*$2.*/\\1/p" "$1"
}

while [ "$1" != "--" ]; do
	pure="$pure$1 "
	shift
done
shift

for file in $pure; do
	for header in $(includes "$file" '<\([^>]*\)>'); do
		case "$allowed" in
		*" $header "*) ;;
		*) complain "$file: a pure file includes <$header>" ;;
		esac
	done
	for header in $(includes "$file" '"\([^"]*\)"'); do
		case "$pure" in
		*" $(resolve "$file" "$header") "*) ;;
		*) complain "$file: a pure file includes \"$header\", which is not pure" ;;
		esac
	done
	# <stdio.h> is there for snprintf, <stdlib.h> for malloc, <time.h> for gmtime_r, <arpa/inet.h> for inet_pton.
	if grep -nE '\<((printf|fprintf|vprintf|fopen|fputs|puts|perror|getenv|system|time|localtime_r|mktime|clock_gettime|rand) ?\(|FILE \*|stdout|stderr)' "$file" |
	    grep -vE '^[0-9]+:([[:blank:]]*/?\*|.*format\(printf)'; then
		complain "$file: a pure file does input or output"
	fi
done

for file in "$@"; do
	for header in $(includes "$file" '"\([^"]*\)"'); do
		found=$(resolve "$file" "$header")
		case "$file:$found" in
		*:)
			complain "$file: \"$header\" is nowhere in its reach"
			continue
			;;
		common/pure/*:common/pure/* | common/system/*:common/*) ;;
		common/*) complain "$file: includes $found, a layer above it" ;;
		esac
	done
done
exit "$bad"
