// SPDX-License-Identifier: GPL-2.0
/* Finds the socket that is meant, or says why there is not one. */
#include "cmd/pick.h"
#include "lib/priv.h"
#include "lib/say.h"
#include "output/cell.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/socket.h>

/* What may have kept us from seeing it. NULL: nothing. */
static const char *blindness(const struct input_blind *blind)
{
	static const int caps[] = { CAP_SYS_ADMIN, CAP_SYS_PTRACE, -1 };

	if (!blind->namespaces && !blind->processes)
		return NULL;
	return priv_lacks("looking into other network namespaces", caps);
}

int pick_none(const struct pick *p)
{
	const char *blind = blindness(&p->where.blind);

	return say_fail(EXIT_FAILED, blind,
			blind ? "run it with sudo" :
				"'tcbscope sockets -o +COOKIE' lists all",
			"no such socket: %s", p->text);
}

static int not_found(const struct pick *p, int err)
{
	static const int ptrace[] = { CAP_SYS_PTRACE, -1 };
	const char *text = p->text;

	switch (err) {
	case -ENOENT:
		return pick_none(p);
	case -ESRCH:
		return say_fail(EXIT_FAILED, NULL, NULL,
				"no such socket: %s: there is no process %d",
				text, (int)p->what.pid);
	case -EBADF:
		return say_fail(EXIT_FAILED, NULL, NULL,
				"no such socket: %s: process %d has no file "
				"descriptor %d",
				text, (int)p->what.pid, p->what.fd);
	case -ENOTSOCK:
		return say_fail(EXIT_FAILED, NULL, NULL,
				"no such socket: %s: that is not a TCP socket",
				text);
	case -EPERM:
		return say_fail(EXIT_KERNEL,
				priv_lacks("looking into another user's process",
					   ptrace),
				"run it with sudo", "cannot look at %s: %s",
				text, strerror(EPERM));
	default:
		return say_fail(EXIT_FAILED, NULL, NULL,
				"cannot look for %s: %s", text, strerror(-err));
	}
}

static void end_text(const struct module_identity *id, bool remote,
		     char to[CELL_TEXT])
{
	addr_t addr;

	memcpy(addr.byte, remote ? id->remote : id->local, sizeof(addr.byte));
	cell_end(id->family == AF_INET ? FAMILY_INET : FAMILY_INET6, &addr,
		 remote ? id->remote_port : id->local_port, to);
}

/* Several could be meant: which? */
static int ambiguous(const struct pick *p)
{
	char local[CELL_TEXT], remote[CELL_TEXT];
	struct holder holder;
	size_t i;

	say_fail(EXIT_FAILED, NULL, "say which by its cookie",
		 "%s is %s%zu sockets", p->text,
		 p->where.n == LOCATE_MAX ? "at least " : "", p->where.n);
	for (i = 0; i < p->where.n; i++) {
		const struct located *l = &p->where.found[i];

		end_text(&l->socket.id, false, local);
		end_text(&l->socket.id, true, remote);
		holder_find(l->socket.inode, &holder);
		holder.comm[strcspn(holder.comm, "\n")] = '\0';
		say_note("%" PRIu64 "  %s%s%s in network namespace %" PRIu64
			 ", %s[%d]",
			 l->socket.id.cookie, local,
			 l->socket.id.remote_port ? "," : "",
			 l->socket.id.remote_port ? remote : "", l->netns,
			 holder.pid ? holder.comm : "?", (int)holder.pid);
	}
	return EXIT_FAILED;
}

static int find(struct pick *p)
{
	int err = locate_find(&p->what, &p->where);

	if (err)
		return not_found(p, err);
	if (p->where.n > 1)
		return ambiguous(p);
	p->socket = &p->where.found[0].socket;
	if (p->what.by == LOCATE_BY_FD)
		holder_is(p->what.pid, p->what.fd, &p->holder);
	else
		holder_find(p->socket->inode, &p->holder);
	err = locate_enter(&p->where);
	return err ? say_fail(err == -EPERM ? EXIT_KERNEL : EXIT_FAILED,
			      "entering a network namespace needs CAP_SYS_ADMIN",
			      "run it with sudo",
			      "cannot enter the network namespace of %s: %s",
			      p->text, strerror(-err)) :
		     EXIT_DONE;
}

int pick_socket(struct pick *p)
{
	p->where.netns = p->where.socket = -1;
	if (locate_parse(p->text, &p->what))
		return say_fail(EXIT_USAGE, NULL,
				"'tcbscope show --help' says how to name one",
				"not a socket: '%s'", p->text);
	return find(p);
}

void pick_close(struct pick *p)
{
	locate_close(&p->where);
}
