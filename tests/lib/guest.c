// SPDX-License-Identifier: GPL-2.0
/* QEMU's emulated processor gives itself a name. */
#include "guest.h"

#include <stdio.h>
#include <string.h>

bool guest_is_emulated(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	bool emulated = false;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		emulated |= !strncmp(line, "model name", 10) &&
			    strstr(line, "QEMU TCG");
	if (file)
		fclose(file);
	return emulated;
}

unsigned int guest_times(unsigned int times, unsigned int few)
{
	return guest_is_emulated() ? few : times;
}
