# SPDX-License-Identifier: GPL-2.0
# Makefile - build, test and install tcbscope ("make help" lists the targets).
#
#   bpf/*.bpf.c -> all.o -> tcbscope.bpf.o -> tcbscope.skel.h
#                                                |
#   user/*/*.c ------------------------> libtcbscope.a -> tcbscope, tests
#   user/{peer,lib}/*.c --------------------------------> tcbpeer
#   tests/lib/*.c ---------------------> libtests.a ----> tests
#
# Sources are found by wildcard: a new file needs no edit here. The object
# files of the kernel module are in Kbuild. What is made of the description of
# its netlink interface:
#
#   Documentation/netlink/specs/tcbscope.yaml -> uapi.h, decoder.h (here)
#                                             -> uapi.h, policy.h (Kbuild)

VERSION := 0.1

SAN	?=
O	?= $(if $(SAN),build-san,build)
V	?=
CC	:= $(if $(filter default,$(origin CC)),gcc,$(CC))
CLANG	?= clang
BPFTOOL	?= bpftool
CFLAGS	?= -O2 -g
PREFIX	?= /usr/local
SECONDS	?= 60
DESTDIR	?=

# Every Debian package that the build, the tests and lint need, and why.
define DEPS
make              runs this file
gcc               compiles the programs and the tests
libc6-dev         the C library, shared and static
clang             compiles the BPF programs
bpftool           joins the BPF programs, writes their skeleton
pkg-config        finds the libraries:
libbpf-dev        loads BPF programs
libelf-dev        for libbpf
zlib1g-dev        for libbpf
libcap-ng-dev     drops capabilities
libjson-c-dev     reads JSON
libsmartcols-dev  prints tables
libnl-3-dev       speaks netlink
libnl-genl-3-dev  speaks with the kernel module
libnl-route-3-dev makes interfaces, routes, neighbours
nftables          NATs of the lab
nettle-dev        hashes what peers send, proves their secret
python3-docutils  makes the man pages
linux-source      holds the test harness, kselftest_harness.h
xz-utils          unpacks it, and kernels
zstd              unpacks kernels
lz4               unpacks kernels
qemu-system-x86   boots them
cpio              packs what they boot
busybox-static    is their system
debian-archive-keyring  tells whether a kernel is Debian's
libclang-rt-dev   SAN=1 with CC=clang
flex              builds the debug kernel
bison             builds the debug kernel
bc                builds the debug kernel
dwarves           builds the debug kernel
clang-format      lint
cppcheck          lint
perl              lint: checkpatch.pl of linux-source
sparse            lint
endef
PKGS := libbpf libelf zlib libcap-ng json-c libnl-genl-3.0 libnl-route-3.0 \
	libnl-3.0 nettle
# A shared library only: static programs have no tables (user/output/table.c).
PKGS_SHARED := smartcols

# ---------------------------------------------------------------- files

BPF_SRC	 := $(wildcard bpf/*.bpf.c)
BPF_SKEL := $(O)/tcbscope.skel.h
LIB_OBJ	 := $(patsubst %.c,$(O)/%.o,$(wildcard user/*/*.c))
PEER_OBJ := $(filter $(O)/user/peer/% $(O)/user/lib/%,$(LIB_OBJ))
LIB	 := $(O)/libtcbscope.a
SPEC	 := Documentation/netlink/specs/tcbscope.yaml
SPEC_H	 := $(O)/uapi.h $(O)/decoder.h
PROGS	 := $(patsubst user/%.c,$(O)/%,$(wildcard user/*.c))
TESTLIB_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard tests/lib/*.c))
TESTLIB	 := $(O)/libtests.a
TEST_SRC := $(wildcard tests/unit/*_test.c tests/unit/*_test.sh \
	    tests/net/*_test.c tests/net/*_test.sh)
TESTS	 := $(addprefix $(O)/,$(basename $(TEST_SRC)))
FUZZERS	 := $(patsubst %.c,$(O)/%,$(wildcard tests/fuzz/*_fuzz.c))
BENCH_OBJ := $(patsubst %.c,$(O)/%.o, \
	     $(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))
MAN_SRC	 := $(wildcard Documentation/man/*.[1-9].rst)
MAN	 := $(patsubst Documentation/%.rst,$(O)/%,$(MAN_SRC))
# What man pages include: the files beside them that are no pages.
MAN_INC	 := $(filter-out $(MAN_SRC),$(wildcard Documentation/man/*))
HARNESS	 := .cache/kselftest
VM_FILES := $(O)/tests/vm/guest.cpio $(O)/tests/vm/clock.so
VM_FLAGS  = $(if $(Q),,-v)
VM_MUST	 := $(if $(filter must,$(VM)),-m)

# In "make deps all" everything waits for the packages. Until they are there
# nobody can ask a compiler or pkg-config: variables that do are expanded in
# recipes only, where the first use replaces the question by the answer.
PACKAGES := $(if $(filter deps,$(MAKECMDGOALS)),packages)
once	  = $(eval $(1) := $(shell $(2)))$($(1))
accepted  = for f in $(1); do $(CC) -Werror $$f -c -x c /dev/null -o /dev/null \
	    2>/dev/null && echo $$f; done

# ---------------------------------------------------------------- flags

PKG_CFLAGS  = $(call once,PKG_CFLAGS,pkg-config --cflags $(PKGS) $(PKGS_SHARED))
PKG_LIBS    = $(call once,PKG_LIBS,echo -lm; pkg-config --libs $(PKGS) $(PKGS_SHARED))
PKG_STATIC  = $(call once,PKG_STATIC,echo -lm; pkg-config --static --libs $(PKGS))
CC_HARDEN   = $(call once,CC_HARDEN,$(call accepted,\
	      -fstack-protector-strong -fstack-clash-protection -fcf-protection))
MULTIARCH   = $(call once,MULTIARCH,$(CC) -print-multiarch)
# x86_64-linux-gnu -> x86: what <bpf/bpf_tracing.h> calls the architecture.
BPF_ARCH    = $(call once,BPF_ARCH,$(CC) -dumpmachine | sed 's/-.*//; \
	      s/x86_64/x86/; s/aarch64/arm64/; s/riscv64/riscv/; \
	      s/powerpc64.*/powerpc/; s/s390x/s390/; s/loongarch64/loongarch/')

HARDEN	    = $(CC_HARDEN) -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
SANITIZE   := -fsanitize=address,undefined -fno-sanitize-recover=all \
	      -fno-omit-frame-pointer
COMPILE	    = $(CC) -std=gnu11 -Wall -Wextra -Werror -Wmissing-prototypes \
	      -Wstrict-prototypes -D_GNU_SOURCE \
	      -DTCBSCOPE_VERSION=\"$(VERSION)\" -Iuser -I. -I$(O) \
	      $(PKG_CFLAGS) -fPIE $(if $(SAN),$(SANITIZE),$(HARDEN)) \
	      $(CPPFLAGS) $(CFLAGS)
LINK	    = $(CC) $(if $(SAN),$(SANITIZE)) -Wl,-z,relro,-z,now \
	      -Wl,-z,noexecstack -Wl,--as-needed $(LDFLAGS)
# The harness's macros make global functions and leave parameters unused.
TESTFLAGS  := -isystem $(HARNESS) -isystem $(HARNESS)/kselftest \
	      -Wno-missing-prototypes -Wno-unused-parameter
BPF_COMPILE = $(CLANG) -target bpf -mcpu=v3 -g -O2 -Wall -Wextra -Werror \
	      -Wno-unused-parameter -D__TARGET_ARCH_$(BPF_ARCH) -I. \
	      -idirafter /usr/include/$(MULTIARCH)

MAKEFLAGS += --no-builtin-rules
# bpftool lives in sbin, which the PATH of a user may lack.
export PATH := $(PATH):/usr/sbin:/sbin

ifeq ($(V),1)
say	 = @:
else
Q	:= @
say	 = @printf '  %-7s %s\n' $(1) $(2:$(O)/%=%)
endif

# What root builds belongs to the owner of the source tree.
own	 = @[ "$$(id -u)" != 0 ] || \
	     chown -R --reference=. $(O) .cache 2>/dev/null || :

# ---------------------------------------------------------------- targets

.PHONY: all deps packages static module module-install dkms-install tests \
	demo pictures guide check check-host check-unit check-vm check-bed \
	check-debug-kernel kernels vm-shell fuzz bench bench-doc lint lint-module install \
	uninstall clean help FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGS) $(MAN)	## build the programs and their man pages (default)
	$(own)

deps: packages $(HARNESS)/.done	## install what the rest needs (root)
	$(own)

static: $(PROGS:%=%-static)	## build programs that need no shared library
	$(own)

demo: all	## watch a simultaneous open (root)
	$(O)/tcbscope lab simultaneous-open

pictures: all	## draw Documentation/pictures anew, from runs of the lab (root)
	$(O)/tcbscope lab simultaneous-open \
		--svg $(O)/simultaneous-open.svg
	mv $(O)/simultaneous-open.svg Documentation/pictures/

guide: all	## write Documentation/guide/ anew, from runs of the lab (root)
	$(Q)for g in $$($(O)/tcbscope lab --list | \
			awk 'NR > 1 { print $$1 }' | uniq); do \
		$(O)/tcbscope lab --guide --group $$g >$(O)/guide.rst || exit; \
		mv $(O)/guide.rst Documentation/guide/$$g.rst; done

tests: all $(TESTS)	## build the tests
	$(Q)rm -f $(filter-out $(TESTS),$(wildcard $(O)/tests/*/*_test))
	$(own)

check: tests $(VM_FILES)	## run all tests, here and on other kernels (root)
	$(Q)tests/vm/all -h $(VM_MUST) $(VM_FLAGS) $(O)

check-host: tests	## run all tests on this kernel (root)
	$(Q)tests/run $(if $(Q),-q) $(O)

check-unit: tests	## run the tests that need no root
	$(Q)tests/run -u $(if $(Q),-q) $(O)

check-vm: tests $(VM_FILES)	## those of the kernel on other kernels (KERNEL=6.12 TEST=state)
	$(Q)tests/vm/$(if $(KERNEL),run,all) $(VM_FLAGS) $(O) $(KERNEL) $(TEST)

check-bed: tests $(VM_FILES)	## whether the bed of guests sees what goes wrong there
	$(Q)tests/vm/fetch 6.1
	$(Q)tests/vm/selftest $(O)

check-debug-kernel: tests $(VM_FILES)	## the module under KASAN, lockdep, kmemleak (root; builds a kernel)
	$(Q)tests/vm/debugkernel
	$(Q)tests/vm/debugcheck $(VM_FLAGS) $(O) $(TEST)

kernels: tests $(VM_FILES)	## write Documentation/kernels.rst anew, from guests
	$(Q)tests/vm/kernels_rst $(O) >$(O)/kernels.rst
	$(Q)mv $(O)/kernels.rst Documentation/kernels.rst

vm-shell: tests $(VM_FILES)	## a shell in a guest (KERNEL=6.12)
	$(Q)tests/vm/run -s $(O) $(KERNEL)

fuzz: all	## feed nonsense to the filter and the pipeline (SECONDS=60 each)
	$(Q)$(MAKE) O=build-fuzz CC=clang SAN=1 \
		CFLAGS="-O1 -g -fsanitize=fuzzer-no-link" build-fuzz/.fuzzers
	$(Q)$(O)/tcbscope events --schema | grep -o '"[A-Za-z_]*"' | \
		sort -u >build-fuzz/words
	$(Q)for f in build-fuzz/tests/fuzz/*_fuzz; do \
		mkdir -p $$f.corpus && $$f -max_total_time=$(SECONDS) \
			-len_control=0 -dict=build-fuzz/words -artifact_prefix=$$f. \
			$$f.corpus || exit; done
	$(own)

bench: all $(O)/tests/bench/bench	## measure what a trace costs (root; BENCH=connect ROUNDS=5 TRACERS="tcbscope*")
	$(Q)TCBSCOPE_BUILD=$(O) $(O)/tests/bench/bench $(if $(ROUNDS),-r $(ROUNDS)) \
		$(if $(TRACERS),-t '$(TRACERS)') $(BENCH) >$(O)/bench.rst; \
		status=$$?; cat $(O)/bench.rst; exit $$status

bench-doc:	## put what "make bench" found into the documentation
	$(Q)for f in performance peer; do \
		tests/bench/publish $(O)/bench.rst Documentation/$$f.rst; done

# Without sanitizers: QEMU has none.
$(O)/tests/vm/%.so: tests/vm/%.c $(O)/.flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -Wall -Wextra -Werror -D_GNU_SOURCE -O2 -shared \
		-fPIC $< -o $@

$(O)/tests/vm/guest.cpio: tests/vm/image tests/vm/init tests/run tests/skip.txt \
		$(PROGS) $(TESTS)
	$(call say,CPIO,$@)
	$(Q)mkdir -p $(@D)
	$(Q)tests/vm/image $(O) $@

# ---------------------------------------------------------------- BPF

# One unit, so that functions that several programs call are there once: libbpf
# relocates each copy, at each start. Names are therefore unique in bpf/.
$(O)/bpf/all.o: $(BPF_SRC) $(O)/.flags $(O)/.objects
	$(call say,BPF,bpf)
	$(Q)mkdir -p $(@D)
	$(Q)printf '#include "%s"\n' $(BPF_SRC) | \
		$(BPF_COMPILE) -MMD -MP -MT $@ -c -x c - -o $@

$(O)/tcbscope.bpf.o: $(O)/bpf/all.o
	$(call say,GEN,$@)
	$(Q)$(BPFTOOL) gen object $@ $<

$(BPF_SKEL): $(O)/tcbscope.bpf.o
	$(call say,GEN,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name tcbscope_bpf >$@

# ---------------------------------------------------------------- module

# Built from a copy, so that nothing of it falls into the source tree. Its make
# knows what has changed; KDIR may be another one than the last time.
MODULE_SRC := Kbuild $(SPEC) $(wildcard module/*.[ch] module/*.awk)
KDIR	?= /lib/modules/$(shell uname -r)/build

module:	## build the kernel module (KDIR=/lib/modules/.../build)
	@[ -e $(KDIR)/Makefile ] || { \
		echo "$(KDIR): no kernel headers; give KDIR=" >&2; exit 1; }
	$(Q)mkdir -p $(O)/kbuild && cp -u --parents $(MODULE_SRC) $(O)/kbuild
	$(Q)$(MAKE) -C $(KDIR) M=$(abspath $(O)/kbuild) modules
	$(Q)cp $(O)/kbuild/tcbscope.ko $(O)/tcbscope.ko
	$(own)

module-install: module	## install it for the kernel of KDIR, to be loaded by modprobe (root)
	$(MAKE) -C $(KDIR) M=$(abspath $(O)/kbuild) \
		$(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR)) modules_install

# What DKMS needs to build it for each kernel that is installed.
dkms-install:	## install its source to $(DESTDIR)/usr/src, for DKMS
	install -d $(DESTDIR)/usr/src/tcbscope-$(VERSION)
	cp --parents $(MODULE_SRC) $(DESTDIR)/usr/src/tcbscope-$(VERSION)
	sed 's/@VERSION@/$(VERSION)/' module/dkms.conf.in \
		>$(DESTDIR)/usr/src/tcbscope-$(VERSION)/dkms.conf

$(SPEC_H): $(O)/%.h: module/generate.awk $(SPEC)
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)awk -v what=$* -f $^ >$@

# ---------------------------------------------------------------- programs

$(O)/%.o: %.c $(O)/.flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) -MMD -MP -c $< -o $@

$(O)/user/output/table-static.o: user/output/table.c $(O)/.flags
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) -DNO_TABLES -MMD -MP -c $< -o $@

# The skeleton must exist before the first compilation; later the .d files
# know who includes it. tcbpeer does without it, and without all above peer/.
$(filter-out $(PEER_OBJ),$(LIB_OBJ)) $(O)/user/tcbscope.o: | $(BPF_SKEL) $(SPEC_H)

$(LIB): $(LIB_OBJ)
$(TESTLIB): $(TESTLIB_OBJ)
$(LIB) $(TESTLIB): $(O)/.objects
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcsD $@ $(filter %.o,$^)

$(O)/tcbscope: $(O)/user/tcbscope.o $(LIB)
$(O)/tcbscope-static: $(O)/user/tcbscope.o $(O)/user/output/table-static.o $(LIB)
$(O)/tcbpeer $(O)/tcbpeer-static: $(O)/user/tcbpeer.o $(PEER_OBJ)

$(O)/tcbscope $(O)/tcbpeer: $(O)/.flags
	$(call say,LD,$@)
	$(Q)$(LINK) -pie $(filter %.o %.a,$^) $(PKG_LIBS) -o $@

# The linker warns of names that glibc looks up by plugins: users, hosts.
$(O)/tcbscope-static $(O)/tcbpeer-static: $(O)/.flags
	$(call say,LD,$@)
	$(Q)$(LINK) -static-pie $(filter %.o %.a,$^) $(PKG_STATIC) -o $@

$(O)/man/%: Documentation/man/%.rst $(MAN_INC) | $(PACKAGES)
	$(call say,MAN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rst2man --halt=warning $< $@

# ---------------------------------------------------------------- tests

$(O)/tests/%.o: tests/%.c $(O)/.flags $(HARNESS)/.done | $(BPF_SKEL) $(SPEC_H)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) $(TESTFLAGS) -MMD -MP -c $< -o $@

$(O)/tests/%_test: $(O)/tests/%_test.o $(TESTLIB) $(LIB)
	$(call say,LD,$@)
	$(Q)$(LINK) -pie $^ $(PKG_LIBS) -o $@

$(O)/tests/%_test: tests/%_test.sh
	$(Q)mkdir -p $(@D)
	$(Q)install -m 755 $< $@

# BPF programs that are no part of the product, each with its skeleton.
$(O)/tests/%.bpf.o: tests/%.bpf.c $(O)/.flags
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(BPF_COMPILE) -MMD -MP -c $< -o $@

$(O)/tests/%.skel.h: $(O)/tests/%.bpf.o
	$(call say,GEN,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $(notdir $*)_bpf >$@

$(O)/tests/bench/floor.o: | $(O)/tests/bench/floor.skel.h
$(O)/tests/net/truth_test.o: | $(O)/tests/net/truth.skel.h

$(O)/tests/bench/bench: $(BENCH_OBJ) $(TESTLIB) $(LIB)
	$(call say,LD,$@)
	$(Q)$(LINK) -pie $^ $(PKG_LIBS) -o $@

# Fuzz targets are built with all of user/ by a make of their own, "make fuzz".
$(O)/tests/%_fuzz: $(O)/tests/%_fuzz.o $(O)/tests/lib/events.o $(LIB)
	$(call say,LD,$@)
	$(Q)$(LINK) -fsanitize=fuzzer $^ $(PKG_LIBS) -o $@

# The newest kernel source that Debian's linux-source put in /usr/src.
$(HARNESS)/.done: | $(PACKAGES)
	$(call say,EXTRACT,$(@D))
	@ls /usr/src/linux-source-*.tar.xz >/dev/null || $(run_deps)
	$(Q)rm -rf $(@D) && mkdir -p $(@D)
	$(Q)tar -C $(@D) --strip-components=4 --wildcards -xf \
		"$$(ls /usr/src/linux-source-*.tar.xz | sort -V | tail -n 1)" \
		'*/tools/testing/selftests/kselftest*.h'
	@touch $@

$(O)/.fuzzers: $(FUZZERS)

# ---------------------------------------------------------------- stamps

# Rewritten when their content changes: what depends on them is then remade.
$(O)/.flags: content = $(COMPILE) $(LINK) $(PKG_LIBS) $(BPF_COMPILE)
$(O)/.objects: content = $(BPF_SRC) $(LIB_OBJ) $(TESTLIB_OBJ)
$(O)/.flags $(O)/.objects: FORCE | $(PACKAGES)
	@pkg-config --exists $(PKGS) $(PKGS_SHARED) || $(run_deps)
	@mkdir -p $(@D)
	@printf '%s\n' '$(content)' | cmp -s - $@ || \
		printf '%s\n' '$(content)' >$@

-include $(wildcard $(O)/bpf/*.d $(O)/user/*.d $(O)/user/*/*.d $(O)/tests/*/*.d)

# ---------------------------------------------------------------- packages

run_deps := { echo "Something is missing: run 'sudo make deps'." >&2; exit 1; }

export DEPS
packages:
	@missing=$$(echo "$$DEPS" | while read -r name why; do \
		dpkg-query -W -f '$${db:Status-Status}' $$name 2>/dev/null | \
			grep -qx installed || echo "$$name: $$why"; \
	done); \
	[ "$$missing" ] || exit 0; \
	echo "Missing packages:"; echo "$$missing"; \
	command -v apt-get >/dev/null || { \
		echo "There is no apt-get here to install them." >&2; exit 1; }; \
	[ "$$(id -u)" = 0 ] || $(run_deps); \
	apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y \
		--no-install-recommends $$(echo "$$missing" | cut -d: -f1)

# ---------------------------------------------------------------- the rest

C_FILES	 := $(wildcard bpf/*.[ch] user/*.[ch] user/*/*.[ch] tests/*/*.[ch])
SH_FILES := .ci/run tests/run tests/bench/publish $(wildcard tests/*/*.sh) \
	    $(addprefix tests/vm/,fetch image modules kbuild debugkernel debugcheck \
	    accel run all selftest)
RST	 := $(wildcard *.rst */*.rst */*/*.rst)

# Kernel style, as the kernel's own checker has it; one module serves several
# releases, so it must ask which one it is built for.
CHECKPATCH := .cache/checkpatch/checkpatch.pl

$(CHECKPATCH): | $(PACKAGES)
	$(call say,EXTRACT,$(@D))
	$(Q)mkdir -p $(@D)
	$(Q)tar -C $(@D) --strip-components=2 --wildcards -xf \
		"$$(ls /usr/src/linux-source-*.tar.xz | sort -V | tail -n 1)" \
		'*/scripts/checkpatch.pl' '*/scripts/spelling.txt' \
		'*/scripts/const_structs.checkpatch'
	@touch $@

lint-module: $(CHECKPATCH)	## style and static analysis of the kernel module only
	perl $(CHECKPATCH) --no-tree --strict --no-summary --terse -f \
		--ignore LINUX_VERSION_CODE,CONSTANT_COMPARISON module/*.[ch]
	tests/vm/fetch 6.1
	mkdir -p $(O)
	tests/vm/kbuild 6.1 $(O) C=2 >$(O)/sparse 2>&1 || { \
		cat $(O)/sparse; exit 1; }
	! grep -E '/module/.*(warning|error):' $(O)/sparse

lint: $(O)/.flags $(HARNESS)/.done lint-module	## style, static analysis, both compilers
	clang-format --dry-run -Werror $(C_FILES)
	cppcheck --quiet --error-exitcode=1 --inline-suppr \
		--enable=warning,performance,portability --std=c11 \
		--library=gnu --include=/usr/include/$(MULTIARCH)/sys/queue.h \
		-Iuser -I. $(filter user/%.c,$(C_FILES))
	for f in $(RST); do rst2pseudoxml --halt=warning $$f /dev/null || exit; done
	for f in $(SH_FILES); do bash -n $$f || exit; done
	$(MAKE) O=$(O)/lint-gcc CC=gcc all tests
	$(MAKE) O=$(O)/lint-clang CC=clang all tests
	$(own)

bindir := $(DESTDIR)$(PREFIX)/bin
mandir := $(DESTDIR)$(PREFIX)/share/man

# The module as well, where there is something to build it with.
install: all $(if $(wildcard $(KDIR)/Makefile),module-install)	## install to $(DESTDIR)$(PREFIX)
	install -d $(bindir)
	install -m 755 $(PROGS) $(bindir)
	for m in $(MAN); do install -D -m 644 -t $(mandir)/man$${m##*.} $$m; done

uninstall:	## remove what install put there
	rm -f $(patsubst $(O)/%,$(bindir)/%,$(PROGS))
	for m in $(notdir $(MAN)); do rm -f $(mandir)/man$${m##*.}/$$m; done
	rm -f $(foreach d,extra updates,$(DESTDIR)/lib/modules/*/$d/tcbscope.ko*)

clean:	## remove what was built (the test harness in .cache stays)
	[ ! -e $(O)/.flags ] || rm -rf $(O)

help:	## this text
	@echo 'Targets:'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1 \2/p' $(MAKEFILE_LIST) | \
		while read -r name what; do printf '  %-18s %s\n' $$name "$$what"; done
	@echo 'Variables:'
	@echo '  V=1         show the commands, and all that the tests print'
	@echo '  O=DIR       where to build ($(O))'
	@echo '  CC=clang    the C compiler: gcc or clang; also CFLAGS, LDFLAGS'
	@echo '  CLANG, BPFTOOL  compile and join the BPF programs'
	@echo '  SAN=1       address and undefined behaviour sanitizers (build-san)'
	@echo '  VM=must     a kernel that cannot be downloaded fails the check'
	@echo '  PREFIX=DIR  where to install ($(PREFIX)), below DESTDIR=DIR'
	@echo 'Debian packages:'
	@echo "$$DEPS" | sed 's/^/  /'
