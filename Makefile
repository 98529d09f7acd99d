# Letterbox. `make help` lists the targets.

PROGRAMS = smtpd pop3d smtpc pop3c

CC      ?= cc
CFLAGS  ?= -O2 -g
WARN     = -Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
           -Wcast-qual -Wwrite-strings -Wvla -Wswitch-enum -Wundef
STD      = -std=c11 -D_POSIX_C_SOURCE=200809L
INCLUDE  = -Icommon/pure -Icommon/system
BUILD   ?= build

COMMON   = $(wildcard common/pure/*.c common/system/*.c)
SOURCES  = $(COMMON) $(foreach p,$(PROGRAMS),$(wildcard $(p)/*.c))
UNITS    = $(wildcard tests/unit/test_*.c)
LIBRARY  = $(BUILD)/libcommon.a
object   = $(patsubst %.c,$(BUILD)/%.o,$(1))
# A program's own objects without its main: what tests link.
rest     = $(call object,$(filter-out $(1)/main.c,$(wildcard $(1)/*.c)))

all: $(foreach p,$(PROGRAMS),$(if $(wildcard $(p)/main.c),$(BUILD)/bin/$(p)))

$(LIBRARY): $(call object,$(COMMON))
	@rm -f $@
	$(AR) rcs $@ $^

define program
$(BUILD)/bin/$(1): $(call object,$(1)/main.c) $(call rest,$(1)) $(LIBRARY)
	@mkdir -p $$(@D)
	$(CC) $(LDFLAGS) -o $$@ $$^
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(CFLAGS) $(WARN) $(INCLUDE) -I$(dir $<) -MMD -MP -c -o $@ $<

# tests/unit/test_X.c is one program, linked with everything but the mains; test_smtpd_*.c with smtpd's own objects, and so on.
unit: $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNITS))
	@set -e; for t in $^; do ./$$t; done

define unit_of
$(BUILD)/unit/test_$(1)_%: tests/unit/test_$(1)_%.c $(call rest,$(1)) $(LIBRARY)
	@mkdir -p $$(@D)
	$(CC) $(STD) $(CFLAGS) $(INCLUDE) -I$(1) -Itests/unit -MMD -MP $$(LDFLAGS) -o $$@ $$(filter-out %.h,$$^) $$$$(pkg-config --cflags --libs check)
endef
$(foreach p,$(PROGRAMS),$(eval $(call unit_of,$(p))))

$(BUILD)/unit/test_%: tests/unit/test_%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(STD) $(CFLAGS) $(INCLUDE) -Itests/unit -MMD -MP $(LDFLAGS) -o $@ $(filter-out %.h,$^) $$(pkg-config --cflags --libs check)

clean:
	rm -rf $(BUILD)

-include $(patsubst %.o,%.d,$(call object,$(SOURCES))) $(wildcard $(BUILD)/unit/*.d)

.PHONY: all unit clean
