/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The verbs. Each takes its own argument vector, talks to the user and
 * returns the exit code (lib/say.h).
 */
#ifndef TCBSCOPE_CMD_CMD_H
#define TCBSCOPE_CMD_CMD_H

int cmd_trace(int argc, char **argv);
int cmd_sockets(int argc, char **argv);
int cmd_listeners(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_features(int argc, char **argv);
int cmd_lab(int argc, char **argv);

#endif
