// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that are made by io_uring: when a request is submitted, and when it is
 * complete, in whatever context that is.
 *
 * A registered file has no descriptor, and is not known before the end: of such
 * a call there is no other event.
 */
#include "bpf/calling.h"
#include "bpf/user.h"

#define URING_CALLS 4096 /* requests under way; the oldest are forgotten */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, URING_CALLS);
	__type(key, __u64); /* of the request: a number */
	__type(value, struct calling);
} uring_calls SEC(".maps");

/* Room for one that is made, and for one that ends: a stack has none. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct calling);
} uring_room SEC(".maps");

static __always_inline struct calling *room(__u32 end)
{
	return bpf_map_lookup_elem(&uring_room, &end);
}

/* What the request @at is given, as the kernel has understood it. */
__weak __noinline int uring_args(struct event_call *e, __u64 at)
{
	if (!e)
		return 0;
	switch (e->op) {
	case CALL_sendto:
	case CALL_recvfrom:
		e->len = fd_word(FD_AT(at, struct io_sr_msg, len));
		e->flags = fd_word(FD_AT(at, struct io_sr_msg, msg_flags));
		break;
	case CALL_sendmsg:
	case CALL_recvmsg:
		e->flags = fd_word(FD_AT(at, struct io_sr_msg, msg_flags));
		break;
	case CALL_read:
	case CALL_write:
		e->len = fd_word(FD_AT(at, struct io_rw, len));
		break;
	case CALL_connect:
		user_addr(e, peek_pointer(FD_AT(at, struct io_connect, addr)),
			  fd_word(FD_AT(at, struct io_connect, addr_len)));
		break;
	case CALL_accept:
		e->flags = fd_word(FD_AT(at, struct io_accept, flags));
		break;
	case CALL_shutdown:
		e->shut = fd_word(FD_AT(at, struct io_shutdown, how));
		if (e->shut > SHUT_HOW_RDWR)
			e->shut = CALL_NO_SHUT;
		break;
	case CALL_socket:
		e->ev.family = fd_word(FD_AT(at, struct io_socket, domain));
		break;
	case CALL_listen:
		if (bpf_core_type_exists(struct io_listen))
			e->backlog = fd_word(
				FD_AT(at, struct io_listen, backlog));
		break;
	default:
		break;
	}
	return 0;
}

static __always_inline bool makes_tcp(__u64 at)
{
	return calling_makes_tcp(fd_word(FD_AT(at, struct io_socket, domain)),
				 fd_word(FD_AT(at, struct io_socket, type)),
				 fd_word(FD_AT(at, struct io_socket,
					       protocol)));
}

/* A request of which something is known: an event, unless its file is not. */
static __always_inline void begins(struct calling *calling, int op, __u64 at,
				   __u32 nr, bool fixed)
{
	struct event_call *e = &calling->e;
	struct fd fd = {};

	if (op == CALL_socket && !makes_tcp(at))
		return;
	if (op != CALL_socket && !fixed) {
		fd_find(&fd, nr);
		if (fd.kind != FD_TCP)
			return;
	}
	calling_init(e, op, CALL_VIA_io_uring);
	e->fd = fixed || op == CALL_socket ? CALL_NO_FD : nr;
	calling->sk = fd.sk;
	if (fd.sk)
		calling_socket(e, fd.file, fd.sk);
	uring_args(e, at);
	calling->told = fixed || calling_emit(e) || op == CALL_socket ||
			op == CALL_accept;
	bpf_map_update_elem(&uring_calls, &at, calling, BPF_ANY);
}

static __always_inline int uring_request(struct io_kiocb *req)
{
	struct calling *calling = room(0);
	__u32 opcode = req->opcode, nr = req->cqe.fd;
	__u64 at = compat_number(req);
	int op;

	if (opcode >= CONFIG_URING || !calling)
		return 0;
	op = config.uring[opcode];
	if (!op || calling_excluded())
		return 0;
	if (op == CALL_close)
		nr = fd_word(FD_AT(at, struct io_close, fd));
	begins(calling, op, at, nr, req->flags & REQ_F_FIXED_FILE);
	return 0;
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(uring_submit, struct io_kiocb *req)
{
	return uring_request(req);
}

/* Its name before Linux 6.4. */
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(uring_submit_sqe, struct io_kiocb *req)
{
	return uring_request(req);
}

/* Of which socket it is, as it is now; at the latest now. */
static __always_inline bool uring_socket(struct calling *calling, __u64 at)
{
	struct event_call *e = &calling->e;
	bool made = e->result >= 0 &&
		    (e->op == CALL_socket || e->op == CALL_accept);
	__u64 file = peek_pointer(FD_AT(at, struct io_kiocb, file));
	struct fd fd;

	if (made && bpf_get_current_pid_tgid() >> 32 == e->ev.pid) {
		fd_find(&fd, e->result);
		if (fd.kind == FD_TCP)
			calling_socket(e, fd.file, fd.sk);
		return true;
	}
	fd_look(&fd, file);
	if (fd.kind == FD_TCP && (!calling->sk || fd.sk == calling->sk))
		calling_socket(e, fd.file, fd.sk);
	return calling->sk || e->op == CALL_socket || fd.kind == FD_TCP;
}

SEC("tp_btf/io_uring_complete")
int uring_complete(unsigned long long *ctx)
{
	struct uring_answer answer = compat_uring_answer(ctx);
	struct calling *calling, *begun;
	__u64 at = ctx[1];

	begun = bpf_map_lookup_elem(&uring_calls, &at);
	calling = room(1);
	if (!begun || !calling)
		return 0;
	__builtin_memcpy(calling, begun, sizeof(*calling));
	calling_returns(&calling->e, answer.res);
	if (calling->e.op == CALL_poll && !calling->e.err)
		calling->e.ready = answer.res;
	if (uring_socket(calling, at)) {
		user_addr_ends(&calling->e);
		calling_end(calling);
	}
	if (!(answer.flags & IORING_CQE_F_MORE))
		bpf_map_delete_elem(&uring_calls, &at);
	return 0;
}
