#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Claim: what bpf/cause.h concludes from the socket is what has come over the
# wire or was called, on every path that the tests of states and causes take:
# they hold with calls and segments traced as well, and each cause that is one
# of these has its number. tests/lib/seen.h has what is compared.

cd "$TCBSCOPE_BUILD/tests/net" || exit 1
echo TAP version 13
echo 1..3
failed=0 n=0
for test in state cause cause_fin; do
	n=$((n + 1))
	if TCBSCOPE_SEEN=1 "./${test}_test" >"$test.seen" 2>&1; then
		echo "ok $n ${test}_test"
	else
		grep -v '^ok\|#  RUN\|#            OK' "$test.seen" | sed 's/^/# /'
		echo "not ok $n ${test}_test"
		failed=1
	fi
	rm -f "$test.seen"
done
exit $failed
