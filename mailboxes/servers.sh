# shellcheck shell=sh
# What mailboxes/run and mailboxes/demo share: daemons that are started, waited for, and stopped at the end. $work is a directory that goes
# with them.
umask 077

bin=${BUILD:-build}/bin
work=$(mktemp -d)
pids=

stop()
{
	trap - EXIT INT TERM HUP
	for pid in $pids; do
		kill -TERM "$pid" 2> /dev/null || true
	done
	for pid in $pids; do
		wait "$pid" || true
	done
	rm -rf "$work"
}

fail()
{
	printf '%s\n' "$1" >&2
	cat "$work"/*.log >&2 2> /dev/null || true
	exit 1
}

trap stop EXIT
trap 'echo; exit 0' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# start NAME PROGRAM ROOT PORT: sets port. The pipe tells when it listens; its log goes on into $work/NAME.log.
start()
{
	mkfifo "$work/$1"
	"$bin/$2" -d "$3" -l "127.0.0.1:$4" 2> "$work/$1" &
	pids="$pids $!"
	exec 3< "$work/$1"
	port=
	while [ -z "$port" ] && IFS= read -r line <&3; do
		printf '%s\n' "$line" >> "$work/$1.log"
		case $line in
		*"listening on "*)
			port=${line##*listening on 127.0.0.1:}
			port=${port%%[!0-9]*}
			;;
		esac
	done
	cat <&3 >> "$work/$1.log" &
	exec 3<&-
	[ -n "$port" ] || fail "$2 did not start:"
}
