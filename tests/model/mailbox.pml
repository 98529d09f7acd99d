/*
 * A mailbox under append, expunge and recovery, with crashes: two deliveries, two POP3 sessions one after the other, another program, and
 * at the end a session that looks at what is there. Any of them may be killed at any step, and the power may be cut at any step.
 * The originals are common/system/maildrop.c, recover.c, redo.c, expunge.c, snapshot.c, lock.c and index.c; the names are theirs. A step
 * here is a system call there, or so much of one as a crash may leave. What is promised:
 *
 *   KEPT       who was told that his message is stored finds it, once and whole, whatever crashes after that
 *   GONE       what a session was told is deleted is gone, and never back
 *   UNTOUCHED  what nobody wanted to delete is there, once and whole
 *   FOREIGN    what another program appended under the locks is there; after a power cut, if it had synced it
 *   ALONE      never are two inside of the mailbox at a time
 *   REFUSED    a refused message is not there, unless another stood behind it before it could be taken back
 *   ORDERLY    as long as everybody else only appends no plan of an expunge is given up, and a mailbox stays an mbox
 *   and nobody waits for ever (SPIN's invalid end state).
 * Not promised: that a session shows what stands there. An old index may fit by chance; what it says is looked at before it is acted upon.
 *
 * A mailbox is a row of cells. A message of ours is two of them, since it may be torn between: head (From_ line, entry line) and rest. "Head,
 * then its rest" is what length and sum of the entry line show to be whole. Another program's message is one. Every cell ends a line: a
 * message without its last line end (open_end) is not modelled, nor are a full disk, another file under the name, other programs that rewrite.
 *
 * On the disk each cell, the size and each name of the folder are any of the values they had since they were synced last, each for
 * itself. Of the index, which is never synced, header and entries are any they ever were.
 *
 * A bug may be planted, to see that it is found.
 */
/* Numbers: of the command line, or, that one compilation may do, of pan's environment. */
#ifdef ENVIRONMENT
#define given(variable, name) c_code { now.variable = atoi(getenv(#name)); }
#else
#define given(variable, name) variable = name
#endif

byte plant; /* one of these */
#define NO_FDATASYNC        1  /* fdatasync left out before the 250 */
#define SYNC_AGAIN          2  /* fdatasync tried again after it failed */
#define NO_ROLL_BACK        3  /* a refused message not taken back */
#define TAKEN_BACK_BLINDLY  4  /* a message taken back while an expunge is half done */
#define CUT_TO_CLEAN        5  /* the mailbox cut back to the size that the index remembers */
#define CUT_TO_DOTLOCK      6  /* the mailbox cut back to the size that a stale dotlock remembers */
#define INDEX_TRUSTED       7  /* the index believed without a look at what stands there */
#define NO_REDO             8  /* an expunge without a redo file */
#define REDO_NOT_SYNCED     9  /* redo file not synced before the copying */
#define FOLDER_NOT_SYNCED   10 /* redo file's folder not synced before the copying */
#define REDO_NOT_VOID       11 /* redo file not made void after the copying */
#define OLD_SIZE_NOT_SYNCED 12 /* mailbox not synced before its size is planned with */
#define LOCK_ORDER          13 /* dotlock first, then fcntl */
#define LOCK_KEPT           14 /* fcntl lock kept while somebody else has the dotlock */
#define NO_FCNTL            15 /* dotlock alone */
#define NAME_BELIEVED       16 /* a redo file acted upon whose name may not be durable */

byte crashes; /* that may still come */
byte faults;  /* writes and syncs that may still fail */

#define bit(n)	       (1 << (n))
#define is_in(set, n)  (((set) & bit(n)) != 0)

/* Messages by their heads; the rest of one has the next number. A and B stand there at first, C and D are delivered, F is the other program's. */
#define NUL 0
#define A 1
#define B 2
#define C 4
#define D 6
#define F 8
#define CELLS 9
#define length(message) ((message) == B || (message) == C || (message) == D -> 2 : 1)
#define begins(at)	(mbox[at] == A || mbox[at] == B || mbox[at] == C || mbox[at] == D || mbox[at] == F)
#define whole(at)	(begins(at) && (at) + length(mbox[at]) <= size && (length(mbox[at]) == 1 || mbox[(at) + 1] == mbox[at] + 1))

/* Who there is; sets of them. */
#define NOBODY 0
#define SMTPD 1
#define SMTPD_2 2
#define SESSION 3
#define SESSION_2 4
#define LAST_SESSION 5
#define OTHER 6
byte alive, killed, ended;
byte inside; /* who is in the mailbox */
bool paused; /* he waits for a crash, which may not come */

/* Sets of messages, for the promises. */
short acknowledged, appended, deletion_begun, deleted;

/* What programs see, and, ..._disk, a set of what may be on the disk. */
byte mbox[CELLS], size;
short mbox_disk[CELLS], size_disk;
short dropped;	/* cells whose sync has failed: no later one writes them */
bool disk_failed; /* a sync has failed; not even then may the power fail as well in the middle of an expunge: that is one too many */
byte failed_to; /* who has not been told yet that a sync has failed */

byte fcntl_lock, dotlock, dotlock_disk; /* their holders */
byte remembered[OTHER + 1];		/* CUT_TO_DOTLOCK: the size that a dotlock holds */

typedef Plan {
	bool valid;
	byte valid_disk, offset, old_size, kept, cell[CELLS];
	int cut_sum
};
Plan redo[2]; /* two files: an expunge that is extended writes another */
byte redo_name, redo_name_disk; /* which of them has the name, plus 1 */

typedef Index {
	bool valid;
	byte clean, count, id[CELLS]
};
Index index, old_index; /* what a power cut may bring back */
byte orphans;		/* who has a descriptor of an index that lost its name */

/* What a process knows: the header of the index as it was seen last, and what it appended. */
typedef Maildrop {
	bool known, indexed;
	byte clean, count, start, before_clean, before_count
};

/* For use within one step. */
hidden byte h, at, n, from, to, holds, view[CELLS];
hidden int sum;

/* --- the disk --- */

/* When no crash can come any more what is on the disk does not matter. */
#define may(set) (crashes > 0 -> (set) : 0)

inline put(place, value)
{
	mbox[place] = value;
	dropped = dropped & ~bit(place);
	mbox_disk[place] = mbox_disk[place] | may(bit(value) | (place >= size -> bit(NUL) : 0));
	size = (place >= size -> place + 1 : size);
	size_disk = size_disk | may(bit(size))
}

inline truncate_mbox(new_size)
{
	to = new_size;
	for (h : 0 .. CELLS - 1) {
		mbox[h] = (h < to -> mbox[h] : NUL)
	}
	size = to;
	dropped = dropped & (bit(to) - 1);
	size_disk = size_disk | may(bit(size))
}

inline settle_mbox()
{
	for (h : 0 .. CELLS - 1) {
		mbox_disk[h] = (is_in(dropped, h) -> mbox_disk[h] : may(bit(mbox[h])))
	}
	size_disk = may(bit(size))
}

/* fdatasync, fsync: what was written so far is durable, or it fails, for everybody who has the file open, and nothing will ever write it. */
inline sync_mbox(ok)
{
	if
	:: d_step { !is_in(failed_to, me) -> settle_mbox(); ok = true }
	:: d_step { is_in(failed_to, me) -> failed_to = failed_to & ~bit(me); ok = false }
	:: d_step {
		!is_in(failed_to, me) && faults > 0 ->
		faults--;
		disk_failed = (crashes > 0);
		failed_to = alive & ~bit(me);
		for (h : 0 .. CELLS - 1) {
			dropped = (h < size && may(mbox_disk[h]) != may(bit(mbox[h])) -> dropped | bit(h) : dropped)
		}
		ok = false
	   }
	fi
}

inline sync_folder()
{
	dotlock_disk = may(bit(dotlock));
	redo_name_disk = may(bit(redo_name))
}

inline set_dotlock(who)
{
	dotlock = who;
	dotlock_disk = dotlock_disk | may(bit(who))
}

inline set_redo_name(name)
{
	redo_name = name;
	redo_name_disk = redo_name_disk | may(bit(name))
}

inline copy_entries(destination, source)
{
	for (h : 0 .. CELLS - 1) { destination.id[h] = source.id[h] }
	skip
}

inline copy_header(destination, source)
{
	destination.valid = source.valid;
	destination.clean = source.clean;
	destination.count = source.count
}

/* Before each change of the index: is this the one that a power cut will bring back? */
inline keep_old_index()
{
	if
	:: crashes > 0 -> d_step { copy_header(old_index, index); copy_entries(old_index, index) }
	:: true
	fi
}

/*
 * A crash may come here. Who has the fcntl lock and is inside of the mailbox is alone there: nothing but a crash needs to come between his
 * steps, and they are one where none can come.
 */
#define undisturbed (inside == NOBODY || inside == _pid || inside != fcntl_lock || plant == NO_FCNTL)
#define crash_point paused = (crashes > 0); !paused

/* --- promises --- */

inline count_whole(message)
{
	n = 0;
	for (at : 0 .. size) { n = n + (at < size && whole(at) && mbox[at] == message -> 1 : 0) }
	assert(n <= 1)
}

inline check_promises()
{
	for (from : A .. B) {
		count_whole(from);
		assert(n == 1 || is_in(deletion_begun, from)); /* UNTOUCHED */
		assert(n == 0 || !is_in(deleted, from))	       /* GONE */
	}
	for (from : C .. F) {
		if
		:: from == C || from == D || from == F ->
			count_whole(from);
			assert(n == 1 || !is_in(acknowledged | appended, from)) /* KEPT, FOREIGN */
		:: else
		fi
	}
}

inline enter()
{
	assert(inside == NOBODY); /* ALONE */
	inside = me
}

inline refuse() { count_whole(message); assert(n == 0) }

/* --- lock.c --- */

/* A dotlock of ours names the file whose fcntl lock its holder has: it is stale for who has that lock. Any other is stale when its process is dead. */
#define is_stale (dotlock != NOBODY && (dotlock != OTHER || !is_in(alive, OTHER)))
#define is_held	 (dotlock == OTHER && is_in(alive, OTHER))

inline take_dotlock() { set_dotlock(me); remembered[me] = (plant == CUT_TO_DOTLOCK -> size : 0) }

inline remove_stale()
{
	if
	:: plant == CUT_TO_DOTLOCK && size > remembered[dotlock] -> truncate_mbox(remembered[dotlock])
	:: else
	fi;
	set_dotlock(NOBODY)
}

/* Who finds the dotlock held gives the fcntl lock back: the other may be one who takes it second. */
inline lock_mbox()
{
	do
	:: plant == LOCK_ORDER ->
		do
		:: d_step { dotlock == NOBODY -> take_dotlock() } break
		:: d_step { dotlock != NOBODY && !is_in(alive, dotlock) -> remove_stale() }
		od;
		atomic { fcntl_lock == NOBODY -> fcntl_lock = me; enter() }
		break
	:: d_step { plant != LOCK_ORDER && (fcntl_lock == NOBODY || plant == NO_FCNTL) && (!is_held || plant == LOCK_KEPT) -> fcntl_lock = me }
		do
		:: d_step { dotlock == NOBODY -> take_dotlock(); enter() } break
		:: d_step { is_stale -> remove_stale() }
		:: d_step { is_held && plant != LOCK_KEPT -> fcntl_lock = NOBODY } break
		od;
		if
		:: inside == me -> break
		:: else
		fi
	od
}

inline unlock_mbox()
{
	d_step { inside = NOBODY; set_dotlock(NOBODY); fcntl_lock = NOBODY }
}

/* --- index.c --- */

#define orphan	 is_in(orphans, me)
#define is_clean (m.known && m.clean == size)

inline read_index()
{
	m.known = (orphan -> m.known : index.valid);
	m.clean = (orphan -> m.clean : index.clean);
	m.count = (orphan -> m.count : index.count)
}

/* An orphan is written, too, but nobody will read it. */
inline write_header(is_valid, new_clean, new_count)
{
	m.known = is_valid;
	m.clean = new_clean;
	m.count = new_count;
	index.valid = (orphan -> index.valid : is_valid);
	index.clean = (orphan -> index.clean : m.clean);
	index.count = (orphan -> index.count : m.count)
}

inline index_append(message)
{
	keep_old_index();
	d_step {
		index.id[m.count] = (orphan -> index.id[m.count] : message);
		write_header(true, m.clean + length(message), m.count + 1)
	}
	crash_point
}

inline index_replace()
{
	keep_old_index();
	d_step {
		copy_header(index, list);
		copy_entries(index, list);
		orphans = alive & ~bit(me);
		read_index();
		m.indexed = true
	}
	crash_point
}

/* view[0..n): the entries, the last of them at `from`; holds: they are a chain, and the last one stands in the mailbox. */
inline map_index()
{
	at = 0;
	for (n : 0 .. CELLS - 1) {
		if
		:: n < m.count -> view[n] = index.id[n]; from = at; at = at + length(view[n])
		:: else -> break
		fi
	}
	holds = m.known && !orphan && n > 0 && at == m.clean;
	holds = holds && (plant == INDEX_TRUSTED || (at <= size && mbox[from] == view[n - 1]))
}

/* What stands in the mailbox, read; where it is torn NUL. */
inline read_on()
{
	do
	:: at < size ->
		view[n] = (whole(at) -> mbox[at] : NUL);
		at = at + length(view[n]);
		n++
	:: else -> break
	od
}

/* The index, and what came since, from the last message it knows on. */
inline survey()
{
	map_index();
	if
	:: holds && at == size
	:: holds && at != size -> n--; at = from; read_on()
	:: !holds -> at = 0; n = 0; read_on()
	fi
}

/* --- recover.c: never cut back to a length that something remembers, but what shows by itself that it is torn. --- */

/* at: where the torn part begins, or the size. */
inline find_torn(known)
{
	at = size;
	do
	:: at > known && !begins(at - 1) -> at--
	:: else -> break
	od;
	if
	:: at == known ->
		assert(known > 0 || mbox[known] == NUL); /* ORDERLY */
		at = (mbox[known] == NUL -> known : size)
	:: else ->
		at--;
		assert(known > 0 || begins(0)); /* ORDERLY */
		from = at + length(mbox[at]);
		to = (mbox[at] != F && from < size && mbox[from] == NUL -> from : size);
		at = (whole(at) -> to : at)
	fi
}

inline recover_tail()
{
	if
	:: size > m.clean ->
		d_step {
			find_torn(m.clean);
			at = (plant == CUT_TO_CLEAN -> m.clean : at);
			if
			:: at < size -> sync_folder(); truncate_mbox(at) /* it is in mbox.torn, synced */
			:: else
			fi
		}
		crash_point
	:: else
	fi
}

/* --- redo.c --- */

#define plan	 redo[slot]
#define plan_end (plan.offset + plan.kept)

inline sum_of_cut()
{
	sum = 0;
	for (h : 0 .. CELLS - 1) { sum = (h >= plan_end && h < plan.old_size -> sum * 16 + mbox[h] + 1 : sum) }
}

inline sync_redo() { plan.valid_disk = may(bit(plan.valid)) }

inline clear_plan()
{
	for (h : 0 .. CELLS - 1) { plan.cell[h] = NUL }
	plan.offset = 0;
	plan.old_size = 0;
	plan.kept = 0;
	plan.cut_sum = 0
}

/* Where it goes to and what stays is there already. */
inline write_plan()
{
	plan.old_size = size;
	sum_of_cut();
	plan.cut_sum = sum;
	plan.valid = true;
	plan.valid_disk = may(bit(false) | bit(true))
}

/* The size that is planned with must be that of the disk: there may be mail that its deliverer has not synced yet. */
inline publish_plan()
{
	if
	:: plant != OLD_SIZE_NOT_SYNCED -> sync_mbox(ok); crash_point
	:: else
	fi;
	if
	:: ok -> name_plan()
	:: else
	fi
}

inline name_plan()
{
	if
	:: plant != REDO_NOT_SYNCED -> d_step { sync_redo() } crash_point
	:: else
	fi;
	d_step { set_redo_name(slot + 1) }
	crash_point;
	if
	:: plant != FOLDER_NOT_SYNCED -> d_step { sync_folder() } crash_point
	:: else
	fi
}

inline make_void()
{
	if
	:: plant != REDO_NOT_VOID ->
		d_step { plan.valid = false; plan.valid_disk = plan.valid_disk | may(bit(false)) }
		crash_point;
		d_step { sync_redo(); clear_plan() }
		crash_point
	:: else
	fi;
	d_step { set_redo_name(0) }
	crash_point
}

inline carry_out()
{
	do
	:: ok && i < plan.kept -> d_step { put(plan.offset + i, plan.cell[i]); i++ } crash_point
	:: else -> break
	od;
	i = 0;
	if
	:: ok -> sync_mbox(ok); crash_point
	:: else
	fi;
	if
	:: ok -> d_step { truncate_mbox(plan_end) } crash_point; sync_mbox(ok); crash_point
	:: else
	fi;
	if
	:: ok -> make_void()
	:: else
	fi
}

/* What another appended is made part of the plan, in the other file. */
inline extend()
{
	d_step {
		redo[1 - slot].offset = plan.offset;
		for (h : 0 .. CELLS - 1) {
			redo[1 - slot].cell[h] = (h < plan.kept -> plan.cell[h] :
			    (h - plan.kept + plan.old_size < size -> mbox[(h - plan.kept + plan.old_size) % CELLS] : NUL))
		}
		redo[1 - slot].kept = plan.kept + size - plan.old_size;
		slot = 1 - slot;
		write_plan()
	}
	crash_point;
	publish_plan()
}

/* holds: it is done again. Else this is state E, and somebody has appended; or the plan would have to be given up. */
inline find_state()
{
	sum_of_cut();
	holds = (size == plan_end || (size >= plan.old_size && sum == plan.cut_sum));
	for (h : 0 .. CELLS - 1) {
		assert(holds || h >= plan.kept || mbox[plan.offset + h] == plan.cell[h]) /* ORDERLY */
	}
	do_again = holds
}

inline redo_finish()
{
	ok = true;
	if
	:: redo_name == 0
	:: redo_name != 0 && !redo[redo_name - 1].valid -> d_step { set_redo_name(0) } crash_point
	:: else ->
		if
		:: plant != NAME_BELIEVED -> d_step { sync_folder() } crash_point
		:: else
		fi;
		d_step { slot = redo_name - 1; find_state() }
		if
		:: !do_again -> make_void()
		:: do_again && size > plan.old_size -> extend(); carry_out()
		:: else -> carry_out()
		fi;
		d_step { slot = 0; do_again = false }
	fi
}

/* --- maildrop.c --- */

inline maildrop_open()
{
	alive = alive | bit(me);
	orphans = orphans & ~bit(me);
	read_index()
}

inline maildrop_close()
{
	alive = alive & ~bit(me);
	ended = ended | bit(me);
	orphans = orphans & ~bit(me);
	failed_to = failed_to & ~bit(me)
}

inline recover()
{
	redo_finish();
	if
	:: ok ->
		d_step { read_index() }
		if
		:: m.clean > size -> keep_old_index(); d_step { write_header(false, 0, 0) } crash_point
		:: else
		fi;
		if
		:: !is_clean -> recover_tail()
		:: else
		fi;
		m.indexed = is_clean
	:: else
	fi
}

/* Who only appends does not look for a redo file where the index ends with the mailbox. */
inline prepare_append()
{
	d_step {
		ok = is_clean;
		if
		:: !ok -> read_index()
		:: else
		fi;
		ok = is_clean;
		m.indexed = ok
	}
	if
	:: !ok -> recover()
	:: else
	fi
}

inline append_locked()
{
	d_step { m.start = size; put(m.start, message) }
	crash_point;
	if
	:: d_step { put(m.start + 1, message + 1); m.before_clean = m.clean; m.before_count = m.count }
		crash_point;
		if
		:: m.indexed -> index_append(message)
		:: else
		fi
	:: d_step { faults > 0 -> faults--; ok = false } /* a short write */
		if
		:: plant != NO_ROLL_BACK -> d_step { truncate_mbox(m.start) } crash_point
		:: else
		fi;
		d_step { refuse(); assert(size == m.start) }
	fi
}

inline maildrop_take_back()
{
	lock_mbox();
	atomic {
	ok = true;
	if
	:: plant != TAKEN_BACK_BLINDLY -> redo_finish()
	:: else
	fi;
	if
	:: ok && size == m.start + 2 && mbox[m.start] == message ->
		if
		:: plant != NO_ROLL_BACK -> d_step { truncate_mbox(m.start) } crash_point
		:: else
		fi;
		if
		:: m.indexed -> keep_old_index(); d_step { write_header(true, m.before_clean, m.before_count) } crash_point
		:: else
		fi;
		d_step { refuse() } /* REFUSED */
	:: else
	fi;
	ok = false;
	unlock_mbox()
	}
}

proctype Deliver(byte me; byte message) provided (undisturbed)
{
	Maildrop m;
	byte i, slot;
	bool ok, do_again;

end:	!is_in(ended, me) && (me == SMTPD || is_in(alive | killed | ended, SMTPD)); /* they are alike */
	{
		d_step { maildrop_open() }
		lock_mbox();
		atomic {
			prepare_append();
			if
			:: ok -> append_locked()
			:: else
			fi;
			unlock_mbox()
		}
		if
		:: ok && plant != NO_FDATASYNC ->
			sync_mbox(ok);
			if
			:: !ok && plant == SYNC_AGAIN -> sync_mbox(ok)
			:: else
			fi;
			if
			:: !ok -> maildrop_take_back()
			:: else
			fi
		:: else
		fi;
		d_step { acknowledged = (ok -> acknowledged | bit(message) : acknowledged); maildrop_close() } /* 250 */
	} unless { is_in(killed, me) }
}

/* Another program: whichever lock first, waiting for the second with the first in hand. */
inline take_other_dotlock()
{
	do
	:: d_step { dotlock == NOBODY -> set_dotlock(me) } break
	:: d_step { dotlock != NOBODY && !is_in(alive, dotlock) -> set_dotlock(NOBODY) }
	od
}

proctype Other(byte me) provided (undisturbed)
{
	bool ok;

end:	!is_in(ended, me);
	{
		alive = alive | bit(me);
		if
		:: atomic { fcntl_lock == NOBODY -> fcntl_lock = me }
			take_other_dotlock()
		:: take_other_dotlock();
			atomic { fcntl_lock == NOBODY -> fcntl_lock = me }
		fi;
		atomic {
			enter();
			d_step { put(size, F); appended = bit(F) }
			crash_point;
			sync_mbox(ok);
			acknowledged = (ok -> acknowledged | bit(F) : acknowledged);
			crash_point;
			unlock_mbox()
		}
		d_step { alive = alive & ~bit(me); ended = ended | bit(me); failed_to = failed_to & ~bit(me) }
	} unless { is_in(killed, me) }
}

/* --- snapshot.c, expunge.c --- */

inline list_view()
{
	for (h : 0 .. CELLS - 1) { list.id[h] = (h < n -> view[h] : NUL) }
	list.valid = true;
	list.clean = size;
	list.count = n
}

inline forget_list()
{
	for (h : 0 .. CELLS - 1) { list.id[h] = NUL }
	list.valid = false;
	list.clean = 0;
	list.count = 0
}

inline load()
{
	d_step { map_index(); ok = m.indexed && (holds || size == 0) }
	if
	:: !ok -> d_step { survey(); list_view() } index_replace()
	:: else
	fi;
	d_step {
		map_index();
		at = 0;
		marked = 0;
		for (h : 0 .. CELLS - 1) {
			if
			:: h < n ->
				marked = marked | (is_in(wanted, view[h]) -> bit(view[h]) : 0);
				at = at + length(view[h])
			:: else -> break
			fi
		}
		forget_list();
		ok = true
	}
}

/* list: what stays; plan: what of it moves, and to where. What is torn goes, too. */
inline list_pieces()
{
	clear_plan();
	list.count = 0;
	at = 0;
	from = CELLS;
	for (h : 0 .. CELLS - 1) {
		if
		:: h >= n -> break
		:: h < n && (view[h] == NUL || is_in(marked, view[h])) -> from = (from == CELLS -> at : from)
		:: else ->
			list.id[list.count] = view[h];
			list.count++;
			to = 0;
			do
			:: from < CELLS && to < length(view[h]) -> plan.cell[plan.kept] = mbox[at + to]; plan.kept++; to++
			:: else -> break
			od
		fi;
		at = at + length(view[h])
	}
	plan.offset = from;
	list.valid = true;
	list.clean = plan_end;
	write_plan()
}

/* What was shown at its place must stand there now. */
inline mark_deleted()
{
	survey();
	at = 0;
	sum = 0;
	for (h : 0 .. CELLS - 1) {
		if
		:: h < n ->
			sum = sum | (is_in(marked, view[h]) && (plant == INDEX_TRUSTED || mbox[at] == view[h]) -> bit(view[h]) : 0);
			at = at + length(view[h])
		:: else -> break
		fi
	}
	ok = (sum == marked);
	if
	:: ok -> deletion_begun = deletion_begun | marked; slot = (is_in(redo_name_disk, 1) -> 1 : 0); list_pieces()
	:: else
	fi
}

inline snapshot_expunge()
{
	d_step { mark_deleted() }
	crash_point;
	if
	:: !ok
	:: ok && plan.kept == 0 ->
		d_step { i = plan.offset; plan.valid = false; plan.valid_disk = may(bit(false)); clear_plan(); truncate_mbox(i); i = 0 }
		crash_point;
		sync_mbox(ok);
		crash_point
	:: ok && plan.kept > 0 && plant != NO_REDO -> publish_plan(); carry_out()
	:: ok && plan.kept > 0 && plant == NO_REDO -> carry_out()
	fi;
	slot = 0;
	if
	:: ok -> index_replace()
	:: else
	fi;
	d_step { forget_list() }
}

proctype Session(byte me; byte wanted) provided (undisturbed)
{
	Maildrop m;
	Index list;
	byte i, slot;
	short marked;
	bool ok, do_again;

	/* One at a time; the last one when everybody else has gone. */
end:	if
	:: me == SESSION && !is_in(ended, me)
	:: me == SESSION_2 && !is_in(ended, me) && is_in(killed | ended, SESSION)
	:: me == LAST_SESSION && (killed | ended) == (bit(SMTPD) | bit(SMTPD_2) | bit(SESSION) | bit(SESSION_2) | bit(OTHER))
	fi;
	if
	:: me == SESSION_2 -> wanted = bit(B)
	:: me == SESSION_2 -> wanted = bit(A)
	:: else
	fi;
again:	{
		d_step { maildrop_open() }
		lock_mbox();
		atomic {
			recover();
			if
			:: ok -> d_step { check_promises() } load()
			:: else
			fi;
			unlock_mbox()
		}
		if
		:: ok && marked != 0 ->
			lock_mbox();
			atomic {
				recover();
				if
				:: ok -> snapshot_expunge()
				:: else
				fi;
				unlock_mbox()
			}
		:: else
		fi;
		d_step { deleted = (ok -> deleted | marked : deleted); maildrop_close() } /* +OK */
	} unless { is_in(killed, me) };
	if
	:: me == LAST_SESSION && is_in(killed, me) ->
		d_step { killed = killed & ~bit(me); i = 0; slot = 0; do_again = false; forget_list() }
		goto again
	:: else
	fi
}

/* --- crashes --- */

inline die(who)
{
	killed = killed | who;
	alive = alive & ~who;
	orphans = orphans & ~who;
	failed_to = failed_to & ~who;
	fcntl_lock = (is_in(who, fcntl_lock) -> NOBODY : fcntl_lock);
	inside = (is_in(who, inside) -> NOBODY : inside)
}

/* What programs see is what is on the disk now; which may not matter any more. */
inline settle()
{
	settle_mbox();
	sync_folder();
	redo[0].valid_disk = may(bit(redo[0].valid));
	redo[1].valid_disk = may(bit(redo[1].valid))
}

inline last_crash()
{
	if
	:: crashes == 0 ->
		settle();
		for (h : 0 .. CELLS - 1) { mbox_disk[h] = 0; old_index.id[h] = 0 }
		dropped = 0;
		old_index.valid = false;
		old_index.clean = 0;
		old_index.count = 0
	:: else
	fi
}

inline choose(set, value)
{
	value = 0;
	do
	:: is_in(set, value) -> break
	:: (set >> (value + 1)) != 0 -> value++
	od
}

proctype Crash()
{
	byte k;

end:	do
	:: d_step { paused -> paused = false }
	:: atomic { /* kill -9 */
		crashes > 0 && alive != 0 ->
		if
		:: inside == NOBODY -> choose(alive, k)
		:: else -> k = inside
		fi;
		d_step { paused = false; crashes--; k = bit(k); die(k); last_crash(); k = 0 }
	   }
	:: atomic { /* power cut */
		crashes > 0 && !is_in(ended, LAST_SESSION) && (!disk_failed || deletion_begun == 0) ->
		d_step { paused = false; k = alive; die(k); appended = 0 }
		choose(size_disk, size);
		for (k : 0 .. CELLS - 1) {
			if
			:: k < size -> choose(mbox_disk[k], mbox[k])
			:: else -> mbox[k] = NUL
			fi
		}
		choose(dotlock_disk, dotlock);
		choose(redo_name_disk, redo_name);
		for (k : 0 .. 1) { choose(redo[k].valid_disk, redo[k].valid) }
		if
		:: true
		:: d_step { copy_header(index, old_index) }
		:: d_step { index.valid = false; index.clean = 0; index.count = 0 } /* lost */
		fi;
		if
		:: true
		:: d_step { copy_entries(index, old_index) }
		fi;
		d_step { dropped = 0; settle(); crashes--; last_crash(); k = 0 }
	   }
	od
}

init
{
	atomic {
		d_step {
			given(plant, PLANT);
			given(crashes, CRASHES);
			given(faults, FAULTS);
			given(ended, ABSENT);
			mbox[0] = A;
			mbox[1] = B;
			mbox[2] = B + 1;
			size = 3;
			index.valid = true;
			index.clean = 3;
			index.count = 2;
			index.id[0] = A;
			index.id[1] = B;
			settle()
		}
		run Deliver(SMTPD, C);
		run Deliver(SMTPD_2, D);
		run Session(SESSION, bit(A));
		run Session(SESSION_2, 0);
		run Session(LAST_SESSION, 0);
		run Other(OTHER);
		run Crash()
	}
}
