// SPDX-License-Identifier: GPL-2.0
/* Which socket is meant: a cookie, or addresses and ports. */
#include <linux/sock_diag.h>
#include <net/ipv6.h>

#include "compat.h"
#include "tcbscope.h"

static bool is_address(const struct nlattr *attr)
{
	return attr && (nla_len(attr) == sizeof(struct in_addr) ||
			nla_len(attr) == sizeof(struct in6_addr));
}

/* What an IPv4 address stands for is asked for as IPv4. */
static void address_get(struct in6_addr *to, bool *is_ipv6,
			const struct nlattr *attr)
{
	memset(to, 0, sizeof(*to));
	memcpy(to, nla_data(attr), nla_len(attr));
	*is_ipv6 = nla_len(attr) == sizeof(*to);
	if (*is_ipv6 && ipv6_addr_v4mapped(to)) {
		to->s6_addr32[0] = to->s6_addr32[3];
		memset(&to->s6_addr32[1], 0, 3 * sizeof(u32));
		*is_ipv6 = false;
	}
}

static int addresses_get(struct tcbscope_identity *id, struct nlattr **tb,
			 struct netlink_ext_ack *extack)
{
	const struct nlattr *local = tb[TCBSCOPE_A_IDENTITY_LOCAL_ADDR];
	const struct nlattr *remote = tb[TCBSCOPE_A_IDENTITY_REMOTE_ADDR];
	const struct nlattr *port = tb[TCBSCOPE_A_IDENTITY_REMOTE_PORT];
	bool is_ipv6;

	if (!local || !tb[TCBSCOPE_A_IDENTITY_LOCAL_PORT]) {
		NL_SET_ERR_MSG(extack,
			       "a cookie, or own address and port are needed");
		return -EINVAL;
	}
	if (!is_address(local)) {
		NL_SET_ERR_MSG_ATTR(extack, local,
				    "an address has 4 or 16 bytes");
		return -EINVAL;
	}
	address_get(&id->local, &id->is_ipv6, local);
	id->local_port = nla_get_u16(tb[TCBSCOPE_A_IDENTITY_LOCAL_PORT]);
	if (!remote && !port)
		return 0;
	if (!remote || !port) {
		NL_SET_ERR_MSG(extack,
			       "the peer's address and port go together");
		return -EINVAL;
	}
	if (!is_address(remote)) {
		NL_SET_ERR_MSG_ATTR(extack, remote,
				    "an address has 4 or 16 bytes");
		return -EINVAL;
	}
	address_get(&id->remote, &is_ipv6, remote);
	id->remote_port = nla_get_u16(port);
	id->has_peer = true;
	if (is_ipv6 != id->is_ipv6) {
		NL_SET_ERR_MSG_ATTR(extack, remote,
				    "the addresses are of two families");
		return -EINVAL;
	}
	return 0;
}

/**
 * tcbscope_identity_parse() - which socket a request means
 * @id: is set
 * @nest: the attribute, checked by its policy; NULL: none was given
 * @extack: says what is wrong
 *
 * Return: 0; or -EINVAL if it says too little, too much or nonsense.
 */
int tcbscope_identity_parse(struct tcbscope_identity *id,
			    const struct nlattr *nest,
			    struct netlink_ext_ack *extack)
{
	struct nlattr *tb[TCBSCOPE_A_IDENTITY_MAX + 1];
	const struct nlattr *cookie;
	int err;

	memset(id, 0, sizeof(*id));
	id->any = !nest;
	if (!nest)
		return 0;
	/* Its policy has been applied with that of the whole request. */
	err = nla_parse_nested(tb, TCBSCOPE_A_IDENTITY_MAX, nest, NULL, extack);
	if (err)
		return err;
	if (tb[TCBSCOPE_A_IDENTITY_DEVICE])
		id->device = nla_get_u32(tb[TCBSCOPE_A_IDENTITY_DEVICE]);
	cookie = tb[TCBSCOPE_A_IDENTITY_COOKIE];
	if (!cookie)
		return addresses_get(id, tb, extack);
	id->cookie = nla_get_u64(cookie);
	if (!id->cookie) {
		NL_SET_ERR_MSG_ATTR(extack, cookie, "no socket has cookie 0");
		return -EINVAL;
	}
	if (tb[TCBSCOPE_A_IDENTITY_LOCAL_ADDR] ||
	    tb[TCBSCOPE_A_IDENTITY_LOCAL_PORT] ||
	    tb[TCBSCOPE_A_IDENTITY_REMOTE_ADDR] ||
	    tb[TCBSCOPE_A_IDENTITY_REMOTE_PORT] ||
	    tb[TCBSCOPE_A_IDENTITY_DEVICE]) {
		NL_SET_ERR_MSG(extack,
			       "a cookie or addresses, not both");
		return -EINVAL;
	}
	return 0;
}

/**
 * tcbscope_identity_is() - is it this socket?
 * @id: without a cookie, and without a peer
 * @sk: a listener
 *
 * Return: true if it is bound to just that address, port and interface.
 */
bool tcbscope_identity_is(const struct tcbscope_identity *id,
			  const struct sock *sk)
{
	int family = id->is_ipv6 ? AF_INET6 : AF_INET;

	if (sk->sk_num != id->local_port || sk->sk_family != family ||
	    READ_ONCE(sk->sk_bound_dev_if) != id->device)
		return false;
#if IS_ENABLED(CONFIG_IPV6)
	if (id->is_ipv6)
		return ipv6_addr_equal(&sk->sk_v6_rcv_saddr, &id->local);
#endif
	return sk->sk_rcv_saddr == id->local.s6_addr32[0];
}

/* An IPv4 address has four bytes, also of a socket for IPv6. */
static void local_put(struct sk_buff *skb, const struct sock *sk)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6 &&
	    !ipv6_addr_v4mapped(&sk->sk_v6_rcv_saddr)) {
		tcbscope_put(skb, TCBSCOPE_A_IDENTITY_LOCAL_ADDR,
			     &sk->sk_v6_rcv_saddr, sizeof(struct in6_addr));
		return;
	}
#endif
	tcbscope_put(skb, TCBSCOPE_A_IDENTITY_LOCAL_ADDR, &sk->sk_rcv_saddr,
		     sizeof(sk->sk_rcv_saddr));
}

static void remote_put(struct sk_buff *skb, const struct sock *sk)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6 &&
	    !ipv6_addr_v4mapped(&sk->sk_v6_daddr)) {
		tcbscope_put(skb, TCBSCOPE_A_IDENTITY_REMOTE_ADDR,
			     &sk->sk_v6_daddr, sizeof(struct in6_addr));
		return;
	}
#endif
	tcbscope_put(skb, TCBSCOPE_A_IDENTITY_REMOTE_ADDR, &sk->sk_daddr,
		     sizeof(sk->sk_daddr));
}

static void peer_put(struct sk_buff *skb, const struct sock *sk)
{
	if (sk->sk_state == TCP_LISTEN || !sk->sk_dport)
		return;
	remote_put(skb, sk);
	tcbscope_put_u16(skb, TCBSCOPE_A_IDENTITY_REMOTE_PORT,
			 ntohs(sk->sk_dport));
}

/**
 * tcbscope_identity_put() - say which socket it is
 * @skb: is appended to
 * @type: of the attribute
 * @sk: a socket, request or TIME_WAIT, referenced
 *
 * It gets a cookie if it has none yet, as the kernel's own diagnosis gives it.
 *
 * Return: 0, or -EMSGSIZE if there is no room.
 */
int tcbscope_identity_put(struct sk_buff *skb, int type, struct sock *sk)
{
	int device = READ_ONCE(sk->sk_bound_dev_if);
	struct nlattr *nest;
	u32 half[2];

	if (skb_tailroom(skb) < TCBSCOPE_IDENTITY)
		return -EMSGSIZE;
	nest = nla_nest_start(skb, type);
	sock_diag_save_cookie(sk, half);
	if (nla_put_u64_64bit(skb, TCBSCOPE_A_IDENTITY_COOKIE,
			      half[0] | (u64)half[1] << 32,
			      TCBSCOPE_A_IDENTITY_PAD))
		return -EMSGSIZE;
	local_put(skb, sk);
	tcbscope_put_u16(skb, TCBSCOPE_A_IDENTITY_LOCAL_PORT, sk->sk_num);
	peer_put(skb, sk);
	if (device)
		tcbscope_put_u32(skb, TCBSCOPE_A_IDENTITY_DEVICE, device);
	nla_nest_end(skb, nest);
	return 0;
}
