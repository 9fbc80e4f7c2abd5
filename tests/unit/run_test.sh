#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run_test - proves with false test programs that tests/run can go red.

run=${TCBSCOPE_SOURCE:?run me by tests/run}/tests/run
build=$(mktemp -d) || exit 1
trap 'rm -rf "$build"' EXIT
mkdir -p "$build/tests/unit"
count=0

cat >"$build/skip.txt" <<END
# release glob, test glob, reason
* false_test.listed for this test
* false_test.older.* for this test
* whole_test for this test
* false_test.no_reason
0.0.* false_test.other_kernel for this test
END

# program NAME: a test program whose shell code is on stdin
program()
{
	{ echo '#!/bin/bash'; cat; } >"$build/tests/unit/$1"
	chmod +x "$build/tests/unit/$1"
}

# verdict CLAIM STATUS TALLY [NAME...]: run the programs, compare, clean up;
# $words are to be in what is said as well; $pardons are granted
verdict()
{
	local claim=$1 status=$2 tally=$3 output got

	shift 3
	output=$("$run" -u -t 1 ${pardons:+-r $pardons} -s "$build/skip.txt" "$build" "$@" 2>&1)
	got=$?
	count=$((count + 1))
	if [ $got = "$status" ] && [ "${output##*$'\n'}" = "$tally" ] &&
	   [[ $output == *"${words-}"* ]]; then
		echo "ok $count $claim"
	else
		echo "#   ${output//$'\n'/$'\n#   '}"
		echo "# exit status $got, expected $status and: $tally"
		echo "not ok $count $claim"
	fi
	rm -f "$build/tests/unit/"*
}

# tap CLAIM STATUS TALLY: the same for one program that prints stdin
tap()
{
	{ echo "cat <<'END'"; cat; echo END; } | program "${name:-false_test}"
	verdict "$@"
}

echo TAP version 13

tap "passes are counted" 0 "2 passed, 0 failed, 0 skipped" <<'END'
TAP version 13
1..2
# Starting 2 tests
ok 1 global.one
ok 2 - two
END

tap "a test that fails is one" 1 "1 passed, 1 failed, 0 skipped" <<'END'
1..2
not ok 1 global.one
ok 2 global.two
END

tap "a skip must be listed" 1 "1 passed, 1 failed, 0 skipped" <<'END'
1..2
ok 1 one
ok 2 unlisted # SKIP not today
END

tap "a listed skip is allowed" 0 "1 passed, 0 failed, 1 skipped" <<'END'
1..2
ok 1 one
ok 2 listed # SKIP not today
END

tap "an older harness names it in RUN" 0 "1 passed, 0 failed, 1 skipped" <<'END'
1..2
#  RUN           older.one ...
ok 1 # SKIP not today
#  RUN           newer.two ...
ok 2 newer.two
END

tap "a skip is listed with a reason" 1 "1 passed, 1 failed, 0 skipped" <<'END'
1..2
ok 1 one
ok 2 no_reason # SKIP not today
END

tap "a skip is listed for a kernel" 1 "1 passed, 1 failed, 0 skipped" <<'END'
1..2
ok 1 one
ok 2 other_kernel # SKIP not today
END

tap "only unlisted skips fail" 1 "0 passed, 2 failed, 0 skipped" <<'END'
1..2
ok 1 # SKIP not today
ok 2 # SKIP not today
END

tap "only listed skips are no success" 1 "0 passed, 0 failed, 1 skipped" <<'END'
1..1
ok 1 listed # SKIP not today
END

program false_test <<'END'
echo "1..0 # SKIP not today"
exit 4
END
verdict "a program must not skip itself" 1 "0 passed, 1 failed, 0 skipped"

program whole_test <<'END'
echo "1..0 # SKIP not today"
exit 4
END
program false_test <<'END'
echo 1..1
echo ok 1
END
verdict "unless it is listed" 0 "1 passed, 0 failed, 1 skipped"

program whole_test <<'END'
echo 1..1
echo ok 1
END
words="skip.txt: not needed on $(uname -r): whole_test" \
	verdict "a line that is not needed is told" 0 \
	"1 passed, 0 failed, 0 skipped"

tap "an expected failure is one" 1 "1 passed, 1 failed, 0 skipped" <<'END'
1..2
ok 1 one
ok 2 two # XFAIL known
END

words="no plan" tap "a plan is needed" 1 "1 passed, 1 failed, 0 skipped" <<'END'
ok 1 one
END

tap "one plan is enough" 1 "1 passed, 1 failed, 0 skipped" <<'END'
1..1
ok 1 one
1..1
END

tap "a result must not be missing" 1 "1 passed, 1 failed, 0 skipped" <<'END'
1..2
ok 1 one
END

tap "nor be unplanned" 1 "2 passed, 1 failed, 0 skipped" <<'END'
1..1
ok 1 one
ok 2 two
END

tap "nor come twice" 1 "2 passed, 1 failed, 0 skipped" <<'END'
1..2
ok 1 one
ok 1 one
END

tap "a program must run tests" 1 "0 passed, 1 failed, 0 skipped" <<'END'
1..0
END

tap "and say so" 1 "0 passed, 1 failed, 0 skipped" </dev/null

tap "bailing out fails" 1 "1 passed, 1 failed, 0 skipped" <<'END'
1..1
ok 1 one
Bail out! no room
END

program false_test <<'END'
echo 1..1
echo ok 1
exit 1
END
verdict "the exit status counts" 1 "1 passed, 1 failed, 0 skipped"

program false_test <<'END'
echo 1..1
echo ok 1
kill -SEGV $$
END
verdict "a crash fails" 1 "1 passed, 1 failed, 0 skipped"

program false_test <<END
echo 1..1
echo ok 1
set -m	# a process group of its own, as kselftest's tests have
sleep 1000 &
echo \$! >$build/pid
wait
END
verdict "a program that hangs fails" 1 "1 passed, 1 failed, 0 skipped"

program false_test <<END
echo 1..1
grep -qs 'State:.[^Z]' /proc/$(<"$build/pid")/status && printf 'not '
echo ok 1
END
verdict "and its children are killed" 0 "1 passed, 0 failed, 0 skipped"

program false_test <<'END'
echo 1..1
echo ok 1
sleep 1000 &
END
verdict "nothing may stay behind" 1 "1 passed, 1 failed, 0 skipped"

program false_test <<'END'
echo 1..1
trap 'echo ok 1' INT
kill -INT $$
END
verdict "SIGINT is not ignored" 0 "1 passed, 0 failed, 0 skipped"

program a_test <<'END'
echo 1..1
echo ok 1
END
program b_test <<'END'
exit 1
END
verdict "a test is run by name" 0 "1 passed, 0 failed, 0 skipped" a

verdict "a name must be known" 1 "0 passed, 1 failed, 0 skipped" a
verdict "no test is no success" 1 "0 passed, 1 failed, 0 skipped"

# unsteady FIRST SECOND: a program of two tests that says so in its first run,
# and so in every later one
unsteady()
{
	program false_test <<-END
	echo 1..2
	[ -e $build/ran ] && set -- "$2" || set -- "$1"
	>$build/ran
	printf "\$1"
	END
	rm -f "$build/ran"
}
once='not ok 1 one\nok 2 two\n' fine='ok 1 one\nok 2 two\n'

unsteady "$once" "$fine"
verdict "no failure is forgiven" 1 "1 passed, 1 failed, 0 skipped"

unsteady "$once" "$fine"
pardons=1 words="unsteady: false_test.one" \
	verdict "unless it may be, and then it is told" 0 \
	"2 passed, 0 failed, 0 skipped"

unsteady "$once" "$once"
pardons=9 verdict "and does not come again" 1 "1 passed, 1 failed, 0 skipped"

unsteady "$once" 'ok 1 one\nnot ok 2 two\n'
pardons=9 verdict "nor another one" 1 "1 passed, 1 failed, 0 skipped"

unsteady 'not ok 1 one\nnot ok 2 two\n' "$fine"
pardons=1 verdict "and they are not too many" 1 "0 passed, 2 failed, 0 skipped"

unsteady "$once" "$fine"
cp "$build/tests/unit/"{false,falser}_test
sed -i "s,/ran,/other," "$build/tests/unit/falser_test"
pardons=1 verdict "in all programs" 1 "3 passed, 1 failed, 0 skipped"

unsteady 'not ok 1 one\n' "$fine"
pardons=9 verdict "nor beside anything else that is wrong" 1 \
	"0 passed, 1 failed, 0 skipped"

# ends STATUS: a program whose tests pass, and that exits so in its first run
ends()
{
	program false_test <<-END
	printf '1..1\nok 1 one\n'
	[ -e $build/ran ] || { >$build/ran; exit $1; }
	END
	rm -f "$build/ran"
}

ends 1
pardons=1 words="unsteady: false_test, exit status 1" \
	verdict "what tests share may be unsteady as well" 0 \
	"1 passed, 0 failed, 0 skipped"

ends 1
verdict "if that is forgiven" 1 "1 passed, 1 failed, 0 skipped"

ends 139
pardons=9 verdict "but nothing forgives a crash" 1 \
	"1 passed, 1 failed, 0 skipped"

echo "1..$count"
