// SPDX-License-Identifier: GPL-2.0
/*
 * tcbscope.ko - what is inside TCP sockets, told by generic netlink.
 *
 * It hooks nothing and changes nothing. Its only state is that of a dump that
 * goes on, which keeps the module loaded: there is nothing to undo but the
 * registration.
 */
#include <linux/module.h>

#include "tcbscope.h"

static int __init tcbscope_init(void)
{
	return genl_register_family(&tcbscope_family);
}

static void __exit tcbscope_exit(void)
{
	genl_unregister_family(&tcbscope_family);
}

module_init(tcbscope_init);
module_exit(tcbscope_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Shows what is inside TCP sockets");
MODULE_VERSION("0.1");
MODULE_ALIAS_GENL_FAMILY(TCBSCOPE_FAMILY_NAME);
