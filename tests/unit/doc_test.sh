#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# doc_test - the documentation says what the programs say, and links nowhere
# that does not exist.

source=${TCBSCOPE_SOURCE:?run me by tests/run}
build=${TCBSCOPE_BUILD:?run me by tests/run}
man=$source/Documentation/man
count=0

# verdict CLAIM COMPLAINTS: a test that passes if there are none
verdict()
{
	count=$((count + 1))
	if [ -z "$2" ]; then
		echo "ok $count $1"
	else
		echo "#   ${2//$'\n'/$'\n#   '}"
		echo "not ok $count $1"
	fi
}

# only_in A B TEXT: "TEXT: word" for the words of A that are not in B
only_in()
{
	comm -23 <(sort -u <<<"$1") <(sort -u <<<"$2") | sed "/./s/^/$3: /"
}

# The options in text on stdin: -x, --word
options()
{
	grep -oE '(^|[ ,])--?[[:alnum:]?][[:alnum:]-]*' | tr -d ' ,'
}

# What --help lists: lines that begin with an option, up to its description.
help_options()
{
	"$@" --help | sed -n 's/^ \{2,6\}\(-.*\)/\1/p' | sed 's/  .*//' | options
}

# What a man page lists: terms in bold that an indented line explains.
page_options()
{
	awk '/^  / && term ~ /^\*\*-/ { print term } { term = $0 }' "$1" |
		tr -d '*\\' | options
}

# same_options NAME PAGE COMMAND...: complaints about the two lists
same_options()
{
	local name=$1 page=$2 listed explained

	shift 2
	[ -f "$page" ] || { echo "$name has no ${page#"$source"/}"; return; }
	listed=$(help_options "$@")
	explained=$(page_options "$page")
	[ "$listed" ] || echo "$name --help lists no option"
	only_in "$listed" "$explained" "not in the man page"
	only_in "$explained" "$listed" "not in $name --help"
}

# tcbscope itself: its help lists verbs, and names its few options in words.
verbs()
{
	"$build/tcbscope" --help | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

top_page()
{
	local page=$man/tcbscope.8.rst option explained

	only_in "$("$build/tcbscope" --help | sed '1,/^Verbs:/d' | options)" \
		"$(page_options "$page")" "not in the man page"
	for option in $(page_options "$page"); do
		"$build/tcbscope" "$option" >/dev/null 2>&1 ||
			echo "tcbscope $option fails"
	done
	explained=$(sed -n 's/^\*\*\([a-z]*\)\*\*$/\1/p' "$page")
	only_in "$(verbs)" "$explained" "not in the man page"
	only_in "$explained" "$(verbs)" "not a verb"
}

# The names that a field can have, as "tcbscope events" lists them.
names()
{
	"$build/tcbscope" events | awk -v field="$1" '
		found { gsub(/ +/, "\n"); print; exit }
		$1 == field { found = 1 }' | grep .
}

# What a change of state can be put down to, and be called
trace_names()
{
	local field name

	for field in cause kind; do
		[ "$(names $field)" ] || echo "no names of $field"
		for name in $(names $field); do
			grep -q "\*\*$name\*\*" "$man/tcbscope-trace.8.rst" ||
				echo "$field $name"
		done
	done
}

# Targets of links in Markdown or reST on stdin that are no URLs
links()
{
	grep -oE -e '\]\([^)]+\)|^\[[^]]+\]: .*|<[^<>]+>`_' \
		-e '^\.\. (_[^:]+|include|image|figure):+ .*' |
		sed -E 's/^\]\(|^\[[^]]+\]: *|^<|\)$|>`_$|^\.\. [^ ]+ *//g; s/#.*//' |
		grep -vE '^$|^[a-z]+:'
}

dead_links()
{
	local file link

	while read -r file; do
		links <"$file" | while read -r link; do
			[ -e "$(dirname "$file")/$link" ] ||
				echo "${file#"$source"/}: $link"
		done
	done < <(echo "$source/README.md"
		 find "$source/Documentation" -name '*.rst')
}

# The commands of the README that call make, without their comments
makes()
{
	sed -n 's/^ *\(sudo \)\?make\( [^#]*\)\?\(#.*\)\?$/make\2/p' \
		"$source/README.md"
}

bad_makes()
{
	local word

	for word in "make deps demo" "make deps check"; do
		makes | sed 's/ *$//' | grep -qx "$word" || echo "no: $word"
	done
	for word in $(makes); do
		[[ $word = make || $word = *=* ]] ||
			grep -q "^$word:" "$source/Makefile" ||
			echo "no target: $word"
	done
}

# What meets a reader first: what git knows, or all there is without git
top_level()
{
	local wanted="Documentation Kbuild Makefile README.md"
	local lies

	wanted+=" bpf module tests user"
	lies=$(git -c safe.directory='*' -C "$source" ls-files 2>/dev/null |
		cut -d/ -f1)
	[ "$lies" ] || lies=$(cd "$source" && ls -d [!b]* b[!u]*)
	lies=$(grep -vE '^(\.|COPYING|LICENSE)' <<<"$lies")
	only_in "$lies" "${wanted// /$'\n'}" "does not belong to the top"
	only_in "${wanted// /$'\n'}" "$lies" "missing at the top"
}

# A terminal of 80 columns has each line in one. events.rst is not by hand.
long_lines()
{
	LC_ALL=C.UTF-8 grep -nE '^.{81}' "$source/README.md" \
		"$source/Documentation/design.rst" "$man"/*.rst |
		sed "s|^$source/||" | cut -d: -f1,2
}

# The style that a picture is drawn in.
style()
{
	sed -n '/<style>/,/<\/style>/p' "$1"
}

# Pictures that today's program would draw otherwise: "make pictures".
old_pictures()
{
	for picture in "$source"/Documentation/pictures/*.svg; do
		cmp -s <(style "$picture") \
			<(style "$source/tests/unit/ladder/simultaneous.svg") ||
			echo "make pictures: ${picture##*/} is old"
	done
}

# Pages of the guide: what is said in them, without what was printed.
old_guide()
{
	local group page

	for group in $("$build/tcbscope" lab --list |
			awk 'NR > 1 { print $1 }' | uniq); do
		page=$source/Documentation/guide/$group.rst
		cmp -s <(sed '/^  /d; s/::$//' "$page" | cat -s) \
			<("$build/tcbscope" lab --outline --group "$group" |
				cat -s) ||
			echo "make guide: $group.rst is old"
		grep -q "$group.rst" "$source/Documentation/guide/index.rst" ||
			echo "$group.rst is missing in index.rst"
	done
}

echo TAP version 13

verdict "Documentation/events.rst is that of tcbscope events --rst" "$(
	diff "$source/Documentation/events.rst" \
		<("$build/tcbscope" events --rst) 2>&1 | head -n 9)"
verdict "tcbscope.8 explains all verbs and options" "$(top_page 2>&1)"
for verb in $(verbs); do
	page=$(ls "$man/tcbscope-$verb".[18].rst 2>/dev/null)
	verdict "tcbscope-$verb explains all options" "$(
		same_options "tcbscope $verb" "${page:-$man/tcbscope-$verb}" \
			"$build/tcbscope" "$verb" 2>&1)"
done
verdict "tcbpeer.1 explains all options" "$(
	same_options tcbpeer "$man/tcbpeer.1.rst" "$build/tcbpeer" 2>&1)"
verdict "tcbscope-trace.8 explains all causes and kinds" "$(trace_names 2>&1)"
verdict "relative links lead somewhere" "$(dead_links 2>&1)"
verdict "a reader finds few things at the top" "$(top_level 2>&1)"
verdict "no line is longer than 80 columns" "$(long_lines 2>&1)"
verdict "the pictures are of this program" "$(old_pictures 2>&1)"
verdict "the guide is of today's scenarios" "$(old_guide 2>&1)"
verdict "the README's make commands exist" "$(bad_makes 2>&1)"

echo "1..$count"
