/* SPDX-License-Identifier: GPL-2.0 */
/* The command line of tcbpeer. */
#ifndef TCBSCOPE_PEER_OPTION_H
#define TCBSCOPE_PEER_OPTION_H

#include "peer/close.h"
#include "peer/peer.h"
#include "peer/rendezvous.h"

struct option_set {
	struct peer_config config;
	const char *local, *remote; /* as they were written */
	struct sockaddr_storage rendezvous;
	const char *rendezvous_text, *name; /* NULL: without */
	const char *secret;		    /* a file */
	bool line;			    /* exchange a line, */
	const char *message; /* this one, or the default if NULL */
	const char *file;    /* to send instead of standard input */
	enum close_how close;
	bool crossed; /* nothing else will do */
	bool hold, mute, raw, quiet, json;
};

/* Reads it all; what is wrong ends the program with EXIT_USAGE. */
void option_parse(struct option_set *set, int argc, char **argv);

/* The same for "tcbpeer rendezvous", whose argv[0] is the verb. */
void option_parse_rendezvous(struct rendezvous_listen *where, int argc,
			     char **argv);

#endif
