// SPDX-License-Identifier: GPL-2.0-only
/* What every load needs, see host.h. */
#include "host.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../complain.h"
#include "../pins.h"

/* What libbpf writes where a type or member is not in the kernel. */
#define UNRESOLVED	"failed to resolve CO-RE relocation"

/* The last warning of libbpf that says more than that something failed. */
static char reason[512];
static bool verbose;

static int listen_to(enum libbpf_print_level level, const char *fmt,
		     va_list args)
{
	/* The verifier's log comes in one piece. */
	static char whole[1 << 16];
	char *text = whole, *unresolved;

	if (verbose)
		return vfprintf(stderr, fmt, args);
	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(whole, sizeof(whole), fmt, args);
	unresolved = strstr(whole, UNRESOLVED);
	if (unresolved)
		text = unresolved;
	text[strcspn(text, "\n")] = '\0';
	if (!reason[0] || unresolved || strstr(text, "init_kern"))
		snprintf(reason, sizeof(reason), "%s",
			 text + (strncmp(text, "libbpf: ", 8) ? 0 : 8));
	return 0;
}

/* ---- what has to be there ---- */

int check_types(void)
{
	if (access("/sys/kernel/btf/vmlinux", F_OK)) {
		complain("the kernel has no type information, so it takes no policy and no scheduler: boot one with CONFIG_DEBUG_INFO_BTF");
		return -1;
	}
	if (!access("/sys/kernel/btf/agentcg", F_OK))
		return 0;
	if (access("/sys/module/agentcg", F_OK))
		complain("the module is not loaded: modprobe agentcg");
	else
		complain("the module has no type information that matches the kernel's: rebuild it against this kernel's headers, with pahole and vmlinux");
	return -1;
}

int check_pins(void)
{
	struct statfs fs;

	if (statfs(BPFFS, &fs) || fs.f_type != BPF_FS_MAGIC) {
		complain("no BPF file system on %s to keep it: mount -t bpf bpf %s",
			 BPFFS, BPFFS);
		return -1;
	}
	if (!mkdir(PINS, 0700) || errno == EEXIST)
		return 0;
	complain("%s: %s%s", PINS, strerror(errno), error_mend(-errno));
	return -1;
}

/* ---- the object ---- */

void libbpf_listen(bool all)
{
	verbose = all;
	reason[0] = '\0';
	libbpf_set_print(listen_to);
}

const char *libbpf_reason(void)
{
	return reason[0] ? reason : NULL;
}

void complain_load(const char *name, int err)
{
	if (err == -EPERM)
		complain("%s: not permitted%s", name, error_mend(err));
	else if (strstr(reason, "init_kern"))
		complain("%s: made for another version of agentcg: %s", name,
			 reason);
	else if (strstr(reason, UNRESOLVED))
		complain("%s: made for another kernel: %s", name, reason);
	else
		complain("%s: the kernel refuses it: %s (--verbose tells all)",
			 name, reason[0] ? reason : strerror(-err));
}
