# SPDX-License-Identifier: GPL-2.0
# generate.awk - make C of the netlink interface that a YNL spec describes.
#
#   awk -v what=uapi    constants, for the kernel and for programs
#   awk -v what=policy  what attributes a request may have, for the kernel
#   awk -v what=decoder names, types and help of all attributes, for programs
#   awk -f generate.awk Documentation/netlink/specs/tcbscope.yaml
#
# Understands the part of YAML that the spec is written in: block style, two
# blanks a level, a list's dash alone on its line or before a plain word. What
# it does not understand is an error, not left out.

BEGIN {
	FS = "\n"
	split("pad flag binary string nest u16 u32 u64 s64", known, " ")
	for (i in known)
		is_type[known[i]] = 1
}

function die(text)
{
	printf "%s:%d: %s\n", FILENAME, NR, text >"/dev/stderr"
	failed = 1
	exit 1
}

function upper(name)
{
	gsub("-", "_", name)
	return toupper(name)
}

function lower(name)
{
	gsub("-", "_", name)
	return name
}

# An item of the list that is being read: of definitions, entries, ...
function item_new()
{
	if (section == "definitions" && depth == 2)
		def = ++defs
	else if (section == "definitions" && depth == 6)
		entry[def, ++entries[def]] = ""
	else if (section == "attribute-sets" && depth == 2)
		set = ++sets
	else if (section == "attribute-sets" && depth == 6)
		attr = ++attrs[set]
	else if (section == "operations" && depth == 4)
		op = ++ops
	else
		die("a list is not expected here")
}

function attribute(key, value)
{
	if (key == "type" && !(value in is_type))
		die("unknown type: " value)
	if (key !~ /^(name|type|doc|enum|checks|max-len|nested-attributes|multi-attr|display-hint)$/)
		die("unknown property of an attribute: " key)
	a[set, attr, key] = value
	if (key == "name") {
		if ((set, value) in attr_of)
			die("the second attribute of this name: " value)
		attr_of[set, value] = attr
	}
}

function property(key, value)
{
	if (depth == 0) {
		section = key
		if (key == "name")
			family = value
	} else if (section == "definitions" && depth == 4) {
		d[def, key] = value
	} else if (section == "definitions" && depth == 8) {
		if (key == "name")
			entry[def, entries[def]] = value
		else
			entry[def, entries[def], key] = value
	} else if (section == "attribute-sets" && depth == 4) {
		s[set, key] = value
		if (key == "name")
			set_of[value] = set
	} else if (section == "attribute-sets" && depth >= 8) {
		attribute(key, value)
	} else if (section == "operations" && depth == 6) {
		o[op, key] = value
		mode = key
	} else if (section == "operations" && depth == 8) {
		part = key
	} else if (!(section == "operations" && (depth == 2 || depth == 10))) {
		die("unknown property: " key)
	}
}

# A plain word of a list: an entry, or an attribute of an operation.
function word(value)
{
	if (section == "definitions" && depth == 6)
		entry[def, ++entries[def]] = value
	else if (section == "operations" && depth == 12 && part == "request")
		may[op, ++mays[op]] = value
	else if (!(section == "operations" && depth == 12 && part == "reply"))
		die("a word is not expected here: " value)
}

# A folded text goes on until a line is no deeper than its key.
folded {
	match($0, /^ */)
	if ($0 ~ /^ *$/ || RLENGTH > folded_depth) {
		text = $0
		sub(/^ */, "", text)
		folded_text = folded_text (folded_text == "" ? "" : " ") text
		next
	}
	folded = 0
	depth = folded_depth
	property(folded_key, folded_text)
}

/^ *#/ || /^---$/ || /^ *$/ { next }

/\t/ { die("a tab") }

{
	match($0, /^ */)
	depth = RLENGTH
	line = substr($0, depth + 1)
	if (line == "-") {
		item_new()
	} else if (line ~ /^- [a-z0-9-]+$/) {
		word(substr(line, 3))
	} else if (line ~ /^[a-z0-9-]+: >-$/) {
		folded = 1
		folded_depth = depth
		folded_key = line
		sub(/:.*/, "", folded_key)
		folded_text = ""
	} else if (line ~ /^[a-z0-9-]+:( .*)?$/) {
		key = value = line
		sub(/:.*/, "", key)
		sub(/^[^:]*: */, "", value)
		property(key, value)
	} else {
		die("not understood: " line)
	}
}

# ---------------------------------------------------------------- what is made

function enum_uapi(i,	j, prefix, flags)
{
	prefix = upper(family "-" d[i, "name"] "-")
	flags = d[i, "type"] == "flags"
	printf "\n/* %s */\nenum %s_%s {\n", d[i, "doc"], family, lower(d[i, "name"])
	for (j = 1; j <= entries[i]; j++) {
		printf "\t%s%s", prefix, upper(entry[i, j])
		if (flags)
			printf " = 1 << %d", j - 1
		else if (j == 1 && (i, "value-start") in d)
			printf " = %d", d[i, "value-start"]
		print ","
	}
	print "};"
}

function attribute_name(i, j)
{
	return upper(family "-a-" s[i, "name"] "-" a[i, j, "name"])
}

function set_uapi(i,	j, end)
{
	end = upper(family "-a-" s[i, "name"])
	printf "\n/* %s */\nenum {\n", s[i, "doc"]
	for (j = 1; j <= attrs[i]; j++)
		printf "\t%s%s,\n", attribute_name(i, j), j == 1 ? " = 1" : ""
	printf "\n\t__%s_MAX,\n\t%s_MAX = __%s_MAX - 1\n};\n", end, end, end
}

function uapi(	i, name)
{
	name = upper(family)
	printf "#ifndef %s_UAPI_H\n#define %s_UAPI_H\n\n", name, name
	printf "#define %s_FAMILY_NAME \"%s\"\n", name, family
	printf "#define %s_FAMILY_VERSION 1\n", name
	for (i = 1; i <= defs; i++)
		enum_uapi(i)
	for (i = 1; i <= sets; i++)
		set_uapi(i)
	printf "\nenum {\n"
	for (i = 1; i <= ops; i++)
		printf "\t%s_CMD_%s%s,\n", name, upper(o[i, "name"]), i == 1 ? " = 1" : ""
	printf "\n\t__%s_CMD_MAX,\n\t%s_CMD_MAX = __%s_CMD_MAX - 1\n};\n\n#endif\n", \
		name, name, name
}

function nla_type(i, j,	type)
{
	type = a[i, j, "type"]
	if (type == "nest")
		return "NLA_POLICY_NESTED(" family "_" \
			lower(a[i, j, "nested-attributes"]) "_policy)"
	if (type == "binary")
		return "{ .type = NLA_BINARY, .len = " a[i, j, "max-len"] " }"
	return "{ .type = NLA_" toupper(type) " }"
}

function policy_begin(name)
{
	printf "\nstatic const struct nla_policy %s_%s_policy[] = {\n", family, \
		lower(name)
}

# Of a set that is nested in a request, which may have all of its attributes.
function policy_nested(i,	j)
{
	if (i in has_policy)
		return
	has_policy[i] = 1
	policy_begin(s[i, "name"])
	for (j = 1; j <= attrs[i]; j++)
		if (a[i, j, "type"] != "pad")
			printf "\t[%s] = %s,\n", attribute_name(i, j), nla_type(i, j)
	print "};"
}

function policy(	i, j, set, attr)
{
	for (i = 1; i <= ops; i++) {
		set = set_of[o[i, "attribute-set"]]
		for (j = 1; j <= mays[i]; j++) {
			if (!((set, may[i, j]) in attr_of))
				die("no such attribute: " may[i, j])
			attr = attr_of[set, may[i, j]]
			if (a[set, attr, "type"] == "nest")
				policy_nested(set_of[a[set, attr, "nested-attributes"]])
		}
		policy_begin(o[i, "name"])
		for (j = 1; j <= mays[i]; j++) {
			attr = attr_of[set, may[i, j]]
			printf "\t[%s] = %s,\n", attribute_name(set, attr), \
				nla_type(set, attr)
		}
		print "};"
	}
}

function quoted(text)
{
	gsub(/\\/, "\\\\", text)
	gsub(/"/, "\\\"", text)
	return "\"" text "\""
}

# Words are shown as the kernel writes its own: SYN_RECV.
function enum_decoder(i,	j)
{
	printf "\nstatic const struct module_enum enum_%s = {\n", lower(d[i, "name"])
	printf "\t.flags = %s,\n\t.first = %d,\n\t.n = %d,\n\t.word = {\n", \
		d[i, "type"] == "flags" ? "true" : "false", \
		(i, "value-start") in d ? d[i, "value-start"] : 0, entries[i]
	for (j = 1; j <= entries[i]; j++)
		printf "\t\t{ \"%s\", %s },\n", upper(entry[i, j]), \
			quoted(entry[i, j, "doc"])
	print "\t},\n};"
}

function set_decoder(i,	j, hint)
{
	printf "\nstatic const struct module_attr set_%s_attrs[] = {\n", \
		lower(s[i, "name"])
	for (j = 1; j <= attrs[i]; j++) {
		printf "\t[%s] = {\n\t\t.name = \"%s\",\n\t\t.type = MODULE_%s,\n", \
			attribute_name(i, j), lower(a[i, j, "name"]), \
			toupper(a[i, j, "type"])
		if ((i, j, "multi-attr") in a)
			printf "\t\t.many = true,\n"
		hint = a[i, j, "display-hint"]
		if (hint == "ipv6")
			printf "\t\t.address = true,\n"
		if ((i, j, "enum") in a)
			printf "\t\t.words = &enum_%s,\n", lower(a[i, j, "enum"])
		if ((i, j, "nested-attributes") in a)
			printf "\t\t.nest = &module_set_%s,\n", \
				lower(a[i, j, "nested-attributes"])
		printf "\t\t.doc = %s,\n\t},\n", quoted(a[i, j, "doc"])
	}
	printf "};\n\nconst struct module_set module_set_%s = {\n", lower(s[i, "name"])
	printf "\t.name = \"%s\",\n\t.n = %d,\n\t.attr = set_%s_attrs,\n};\n", \
		lower(s[i, "name"]), attrs[i] + 1, lower(s[i, "name"])
}

function decoder(	i)
{
	for (i = 1; i <= defs; i++)
		enum_decoder(i)
	print ""
	for (i = 1; i <= sets; i++)
		printf "extern const struct module_set module_set_%s;\n", \
			lower(s[i, "name"])
	for (i = 1; i <= sets; i++)
		set_decoder(i)
}

END {
	if (failed)
		exit 1
	if (!family || !sets || !ops)
		die("this is no spec")
	print "/* Made by module/generate.awk of the spec of " family ". */"
	if (what == "uapi")
		uapi()
	else if (what == "policy")
		policy()
	else if (what == "decoder")
		decoder()
	else
		die("-v what=uapi, policy or decoder")
}
