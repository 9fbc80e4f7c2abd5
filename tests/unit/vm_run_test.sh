#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vm_run_test - what tests/vm/run makes of what a guest says. In place of QEMU
# there is a script that writes what a guest would have said: ends that cannot
# be brought about there at will. tests/vm/selftest has those of real guests.

source=${TCBSCOPE_SOURCE:?run me by tests/run}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM HUP
count=0

# A kernel and a build with all that "run" looks for, and nothing in it.
kernel=$dir/cache/vm/fake build=$dir/build
mkdir -p "$kernel/root/usr/src" "$build/tests/net" "$build/tests/vm/fake" \
	"$dir/bin"
touch "$kernel/vmlinux" "$build/tests/vm/guest.cpio"
echo fake-release >"$kernel/release"
touch -d tomorrow "$build/tests/vm/fake/tcbscope.ko" # nothing to build
printf '#!/bin/sh\n' >"$build/tests/net/a_test"
echo no >"$dir/cache/vm/kvm-$(cat /proc/sys/kernel/random/boot_id)"
cat >"$dir/bin/qemu-system-x86_64" <<'END'
#!/bin/bash
for word; do
	[[ $word != file:* ]] || files+=("${word#file:}")
done
printf '%s\n' "$CONSOLE" >"${files[0]}"
printf '%s\n' "$STATUS" >"${files[1]}"
printf '%s\n' "$TESTS" >"${files[2]}"
printf '%s\n' "$LOG" >"${files[3]}"
[ -z "$HANGS" ] || exec sleep 1000
END
chmod +x "$dir/bin/qemu-system-x86_64" "$build/tests/net/a_test"

# guest CLAIM STATUS VERDICT [NAME=TEXT...]: what a guest says that is fine, but
# for what NAMEs say; "run" must have this exit status and these words of it
guest()
{
	local claim=$1 status=$2 words=$3 output got

	shift 3
	count=$((count + 1))
	output=$(env CONSOLE=boots STATUS="tests ended with 0" HANGS= \
		TESTS="1 passed, 0 failed, 0 skipped" LOG="the log ends" "$@" \
		TCBSCOPE_CACHE="$dir/cache" PATH="$dir/bin:$PATH" \
		"$source/tests/vm/run" "$build" fake 2>&1)
	got=$?
	if [ "$got" = "$status" ] && grep -q "^vm fake: $words (" <<<"$output"
	then
		echo "ok $count $claim"
	else
		echo "#   ${output//$'\n'/$'\n#   '}"
		echo "#   exit status $got, not $status"
		echo "not ok $count $claim"
	fi
}

# complains WORDS: they are in the log, where all tests have passed
complains()
{
	guest "the log says: $1" 1 "the kernel complained" \
		LOG="$1"$'\nthe log ends'
}

echo "1..25"
guest "all is fine" 0 "clean log"
guest "it panics" 1 "the guest died" STATUS= \
	CONSOLE="Kernel panic - not syncing"
guest "it ends before its tests do" 1 "the guest died" STATUS=alive
complains "WARNING: CPU: 0 PID: 1"
complains "BUG: unable to handle page fault"
complains "Oops: 0000"
complains "KASAN: slab-use-after-free"
complains "UBSAN: array-index-out-of-bounds"
complains "possible circular locking dependency detected"
complains "rcu: INFO: rcu_preempt detected stalls on CPUs"
complains "Watchdog detected hard LOCKUP on cpu 0"
complains "INFO: task a blocked for more than 120 seconds"
complains "refcount_t: underflow; use-after-free."
complains "Call Trace:"
complains "unreferenced object 0xffff888 (size 96):"
complains "vm: not given back: tcbscope 1"
guest "the console says what the log does not" 1 "the kernel complained" \
	CONSOLE="WARNING: CPU: 0 PID: 1"
guest "the log is cut off" 1 "its log is not complete" LOG=half
guest "there is no tally" 1 "no tally; tests ended with 0" TESTS=none
guest "a tally is not the last word" 1 "no tally; tests ended with 0" \
	TESTS=$'1 passed, 0 failed, 0 skipped\nand more'
guest "the tests were stopped" 1 "tests ended with 124" \
	STATUS="tests ended with 124"
guest "a test has failed" 1 "clean log" STATUS="tests ended with 1" \
	TESTS="1 passed, 1 failed, 0 skipped"
guest "nothing has passed" 1 "clean log" \
	TESTS="0 passed, 0 failed, 0 skipped"
guest "it says nothing more" 1 "silent for [0-9]* s, killed" HANGS=1 \
	STATUS=alive TCBSCOPE_VM_SILENCE=0
guest "it has no end" 1 "running for [0-9]* s, killed" HANGS=1 STATUS=alive \
	TCBSCOPE_VM_LIMIT=0
