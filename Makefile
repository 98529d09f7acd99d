# Letterbox. `make help` lists the targets; V=1 shows the commands.

# As many jobs as there are processors. A make that another one called shares in its jobs.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell getconf _NPROCESSORS_ONLN)
endif

PROGRAMS = smtpd pop3d smtpc pop3c

CC      ?= cc
CFLAGS  ?= -O2
# Bound at the start, not at each first call: every child would do that work again, and copy the pages it changes. Code and constants
# in one segment: fewer mappings to copy for a fork, fewer pages to map for the child.
LDFLAGS ?= -Wl,-z,now -Wl,-z,noseparate-code
WARN     = -Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
           -Wcast-qual -Wwrite-strings -Wvla -Wswitch-enum -Wundef
STD      = -std=c11 -D_POSIX_C_SOURCE=200809L
INCLUDE  = -Icommon/pure -Icommon/system
BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=

# Modules that see neither a system header nor a header of common/system; `make layers` holds them to it.
PURE     = $(wildcard common/pure/*.[ch] smtpd/bounce.h $(addsuffix .[ch], \
           $(addprefix smtpd/,alias auth bounce_text command data dsn envelope queue_message session trace) \
           $(addprefix pop3d/,auth command session transaction) \
           $(addprefix smtpc/,body compose envelope) \
           $(addprefix pop3c/,html mime show)))

SANITIZE = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

COMMON   = $(wildcard common/pure/*.c common/system/*.c)
SOURCES  = $(COMMON) $(foreach p,$(PROGRAMS),$(wildcard $(p)/*.c))
HEADERS  = $(wildcard common/*/*.h $(PROGRAMS:%=%/*.h))
UNITS    = $(wildcard tests/unit/test_*.c)
FUZZERS  = $(wildcard tests/fuzz/fuzz_*.c)
C_FILES  = $(SOURCES) $(HEADERS) $(wildcard tests/*/*.[ch])
PYTHON   = $(wildcard tests/*.py tests/*/*.py)
SHELL_SCRIPTS = .ci/run mailboxes/run mailboxes/demo mailboxes/servers.sh $(wildcard tests/peers tests/*/*.sh)
MANUALS  = $(wildcard $(PROGRAMS:%=%/*.[18]))
LIBRARY  = $(BUILD)/libcommon.a
object   = $(patsubst %.c,$(BUILD)/%.o,$(1))
# A program's own objects without its main: what tests link.
rest     = $(call object,$(filter-out $(1)/main.c,$(wildcard $(1)/*.c)))
unit     = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNITS))
fuzzer   = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZERS))

# `$(call quiet,CC,file)command` prints "CC file" in place of the command.
space    =
ifdef V
quiet    =
else
quiet    = @$(info $(space) $(1)   $(2))
endif

all: $(foreach p,$(PROGRAMS),$(if $(wildcard $(p)/main.c),$(BUILD)/bin/$(p))) ## build the four programs into build/bin (the default)

# One process a folder, not one a file: they are a part of the price of a first build.
FOLDERS  = $(sort $(dir $(call object,$(SOURCES))) $(BUILD)/bin/)
$(FOLDERS):
	@mkdir -p $@
$(call object,$(SOURCES)): | $(FOLDERS)

$(LIBRARY): $(call object,$(COMMON))
	@rm -f $@
	$(call quiet,AR,$@)$(AR) rcs $@ $^

define program
$(BUILD)/bin/$(1): $(call object,$(1)/main.c) $(call rest,$(1)) $(LIBRARY) | $(BUILD)/bin/
	$$(call quiet,LD,$$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $$@ $$^
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

$(BUILD)/%.o: %.c
	$(call quiet,CC,$<)$(CC) $(STD) $(CFLAGS) $(WARN) $(INCLUDE) -I$(dir $<) -MMD -MP -c -o $@ $<

# tests/unit/test_X.c is one program, linked with everything but the mains; test_smtpd_*.c with smtpd's own objects, and so on.
units: $(unit) ## build the unit tests

unit: units ## run the unit tests alone
	@set -e; for t in $(unit); do ./$$t; done

define unit_of
$(BUILD)/unit/test_$(1)_%: tests/unit/test_$(1)_%.c $(call rest,$(1)) $(LIBRARY)
	@mkdir -p $$(@D)
	$$(call quiet,CC,$$<)$(CC) $(STD) $(CFLAGS) $(INCLUDE) -I$(1) -Itests/unit -MMD -MP $$(LDFLAGS) -o $$@ $$(filter-out %.h,$$^) $$$$(pkg-config --cflags --libs check)
endef
$(foreach p,$(PROGRAMS),$(eval $(call unit_of,$(p))))

$(BUILD)/unit/test_%: tests/unit/test_%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(CC) $(STD) $(CFLAGS) $(INCLUDE) -Itests/unit -MMD -MP $(LDFLAGS) -o $@ $(filter-out %.h,$^) $$(pkg-config --cflags --libs check)

# tests/fuzz/fuzz_X.c is one program, linked as test_X.c is.
fuzz: ## SECONDS=10 SEED=0: feed each parser with made-up input for so long (clang's libFuzzer); SEED=1: the same every time
	@tests/fuzz/run.sh probe build-fuzz
	@$(MAKE) --no-print-directory fuzzers BUILD=build-fuzz CC=clang CFLAGS='$(SANITIZE) -fsanitize=fuzzer-no-link'
	@tests/fuzz/run.sh $(or $(SECONDS),10) $(or $(SEED),0) build-fuzz $(FUZZERS)

fuzzers: $(fuzzer)

define fuzzer_of
$(BUILD)/fuzz/fuzz_$(1)%: tests/fuzz/fuzz_$(1)%.c tests/fuzz/fuzz.c tests/fuzz/fuzz.h $(2) $(LIBRARY)
	@mkdir -p $$(@D)
	$$(call quiet,CC,$$<)$(CC) $(STD) $(CFLAGS) $(WARN) -fsanitize=fuzzer $(INCLUDE) $(addprefix -I,$(3)) -Itests/fuzz -o $$@ $$(filter-out %.h,$$^)
endef
$(foreach p,$(PROGRAMS),$(eval $(call fuzzer_of,$(p)_,$(call rest,$(p)),$(p))))
$(eval $(call fuzzer_of))

# What tests/fault preloads into the programs.
SHIM     = $(BUILD)/fault/shim.so
$(SHIM): $(addprefix tests/fault/,shim.c calls.c trace.c shim.h trace.h)
	@mkdir -p $(@D)
	$(call quiet,CC,$@)$(CC) -std=c11 -O2 -g $(WARN) -fPIC -shared -o $@ $(filter %.c,$^) -ldl

# What tests/relay sends mail on with.
DRIVER   = $(BUILD)/relay/driver
$(DRIVER): tests/relay/driver.c $(call rest,smtpd) $(LIBRARY)
	@mkdir -p $(@D)
	$(call quiet,CC,$@)$(CC) $(STD) $(CFLAGS) $(WARN) $(INCLUDE) -Ismtpd $(LDFLAGS) -o $@ $^

# And what makes days pass there.
CLOCK    = $(BUILD)/relay/clock.so
$(CLOCK): tests/relay/clock.c
	@mkdir -p $(@D)
	$(call quiet,CC,$@)$(CC) -std=c11 -O2 -g $(WARN) -fPIC -shared -o $@ $< -ldl

fault: all $(SHIM) $(CLOCK) ## fail or kill the store's programs at every one of their system calls; JOBS=2
	@BUILD=$(BUILD) tests/fault/run.py --jobs $(or $(JOBS),2)

model: ## check every state of the model of the store with SPIN
	@tests/model/run.py

kill: all ## N=500: kill smtpd and pop3d, children and parents, so many times under load; then smtpd with a queue, alone and one of two
	@BUILD=$(BUILD) tests/kill/run.py --kills $(or $(N),500)
	@BUILD=$(BUILD) KILLS=$(or $(N),500) python3 tests/relay/test_kills.py

power: all ## N=100: cut the power so many times under load and look what is left; needs root and a loop device
	@BUILD=$(BUILD) tests/power/run.py --huge --cuts $(or $(N),100)

crash-states: all $(SHIM) $(CLOCK) ## cut the power at every instant of what the store does, in ways POSIX allows; JOBS=2 STATES=400 (a scenario; 0: all)
	@BUILD=$(BUILD) tests/crash/run.py --states $(or $(STATES),400) --jobs $(or $(JOBS),2)

share: all ## N=30: mutt, Dovecot, Python, procmail and a script on the daemons' mailbox, each so many times
	@BUILD=$(BUILD) SHARING=$(or $(N),30) python3 tests/interop/test_sharing_load.py

explain: all ## N=1000: ask smtpd and `smtpd explain` the same in so many random configurations and envelopes
	@BUILD=$(BUILD) EXPLAIN=$(or $(N),1000) python3 tests/interop/test_explain.py

# Who only wants to see it run does not wait for the optimiser; what was built already serves.
hurry    = $(if $(wildcard $(BUILD)/bin/pop3c),BUILD=$(BUILD),BUILD=$(BUILD)/hurry CFLAGS=-O0)
run: ## a mail server in mailboxes/: start it, send a message, read it back, show how to use it
	@$(MAKE) --no-print-directory all $(hurry)
	@$(firstword $(hurry)) mailboxes/run

demo: ## two mail servers with a domain each: sends a message there and one back, and shows what comes of a wrong address
	@$(MAKE) --no-print-directory all $(hurry)
	@$(firstword $(hurry)) mailboxes/demo

# What tests/bench measures with: the floors and a POP3 load. They share nothing with the product.
BENCH    = $(addprefix $(BUILD)/bench/,floor_smtpd floor_popd pop3_load disk)
$(BUILD)/bench/floor_%: tests/bench/floor_%.c tests/bench/floor.c tests/bench/floor.h
	@mkdir -p $(@D)
	$(call quiet,CC,$@)$(CC) -std=c11 -D_GNU_SOURCE $(CFLAGS) $(WARN) -o $@ $(filter %.c,$^)
$(BUILD)/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(call quiet,CC,$@)$(CC) -std=c11 -D_GNU_SOURCE $(CFLAGS) $(WARN) -o $@ $<

benchers: $(BENCH)

bench: all $(BENCH) ## ROUNDS=5 ONLY='smtp relay pop3 large size users calls': speed beside the floors, Postfix, Dovecot and popa3d
	@tests/peers bench
	@tests/bench/popa3d.sh $(BUILD)/bench/popa3d
	@BUILD=$(BUILD) tests/bench/run.py --rounds $(or $(ROUNDS),5) $(ONLY)

peers: # installs what the tests need, where it may
	@tests/peers

test: peers ## every test; installs what it needs through apt-get where it may
	@$(MAKE) --no-print-directory all units benchers $(SHIM) $(DRIVER) $(CLOCK)
	@BUILD=$(BUILD) python3 tests/run.py

asan: ## every test, built with AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory test BUILD=build-asan CFLAGS='$(SANITIZE)'

lint: layers compdb ## formatters, static analysers, sizes, and a build with each of gcc and clang
	tests/lint/sizes.sh $(C_FILES) $(PYTHON)
	clang-format --dry-run -Werror $(C_FILES)
	cppcheck --quiet --std=c11 --enable=warning,style,performance,portability --inline-suppr --suppressions-list=tests/lint/cppcheck.txt \
	    --error-exitcode=1 --library=posix -D_POSIX_C_SOURCE=200809L $(INCLUDE) $(PROGRAMS:%=-I%) $(SOURCES)
	printf '%s\n' $(SOURCES) | xargs -P $$(nproc) -n 8 clang-tidy --quiet -p . 2> /dev/null
	shellcheck $(SHELL_SCRIPTS)
	mandoc -T lint -W warning $(MANUALS)
	@$(MAKE) --no-print-directory all benchers CC=gcc BUILD=build-gcc
	@$(MAKE) --no-print-directory all benchers CC=clang BUILD=build-clang

layers: $(call object,$(SOURCES)) ## hold the layers: pure files see no system, common sees no program, no cycle
	@tests/lint/layers.sh $(PURE) -- $(SOURCES) $(HEADERS)
	@tests/lint/cycles.sh $(call object,$(SOURCES))

install: all ## PREFIX=/usr/local DESTDIR=
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 755 $(BUILD)/bin/smtpd $(BUILD)/bin/pop3d $(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(BUILD)/bin/smtpc $(BUILD)/bin/pop3c $(DESTDIR)$(PREFIX)/bin
	install -m 644 smtpd/smtpd.8 pop3d/pop3d.8 $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 644 smtpc/smtpc.1 pop3c/pop3c.1 $(DESTDIR)$(PREFIX)/share/man/man1

uninstall: ## takes away what install put there
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,sbin/smtpd sbin/pop3d bin/smtpc bin/pop3c share/man/man8/smtpd.8 share/man/man8/pop3d.8 \
	    share/man/man1/smtpc.1 share/man/man1/pop3c.1)

entry    = {"directory": "$(CURDIR)", "file": "$(1)", "command": "$(CC) $(STD) $(CFLAGS) $(WARN) $(INCLUDE) -I$(dir $(1)) -Itests/unit -c $(1)"}
comma    = ,
compdb: ## compile_commands.json, for editors and clang-tidy
	@printf '%s\n' '[' $(foreach f,$(SOURCES),'$(call entry,$(f))$(if $(filter $(f),$(lastword $(SOURCES))),,$(comma))') ']' > compile_commands.json

clean: ## remove what was built
	rm -rf $(BUILD) build-asan build-fuzz build-gcc build-clang compile_commands.json

help: ## this list
	@awk -F ' ## ' '/^[a-z]+:.* ## / { sub(/:.*/, "", $$1); printf "  make %-10s %s\n", $$1, $$2 }' Makefile

-include $(patsubst %.o,%.d,$(call object,$(SOURCES))) $(wildcard $(BUILD)/unit/*.d)

.PHONY: all units unit fuzz fuzzers run demo peers test fault crash-states model kill share explain power bench benchers asan lint layers install uninstall compdb clean help
