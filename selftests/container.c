// SPDX-License-Identifier: GPL-2.0-only
/* Containers for the tests, see container.h. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container.h"

#define CONFINED	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)

void container_complain(const char *const function, const int line,
			const char *const condition)
{
	fprintf(stderr, "# %s:%d: not so: %s (errno: %s)\n", function, line,
		condition, strerror(errno));
}

static int become(const uid_t uid)
{
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) ||
	    setresuid(uid, uid, uid))
		return -errno;
	/* /proc/self belongs to whoever may dump. */
	return prctl(PR_SET_DUMPABLE, 1) ? -errno : 0;
}

static int write_file(const char *const path, const char *const text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int enter_user_namespace(const uid_t uid)
{
	char map[32];
	int err;

	err = become(uid);
	if (err)
		return err;
	if (unshare(CLONE_NEWUSER))
		return -errno;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	err = write_file("/proc/self/setgroups", "deny");
	if (!err)
		err = write_file("/proc/self/uid_map", map);
	return err ? err : write_file("/proc/self/gid_map", map);
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	const struct __user_cap_data_struct none[2] = { 0 };

	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

static int mount_read_only(const struct container *const container)
{
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	/* The same file system is not mounted twice in one place. */
	if (!container->bind)
		return mount("none", "/sys/fs", "tmpfs", 0, NULL) ||
		       mkdir(CG_ROOT, 0755) ||
		       mount("none", CG_ROOT, "cgroup2", CONFINED, NULL) ?
		       -errno : 0;
	if (mount(container->session.path, CG_ROOT, NULL, MS_BIND, NULL) ||
	    mount("none", CG_ROOT, NULL, MS_REMOUNT | MS_BIND | CONFINED, NULL))
		return -errno;
	return 0;
}

static int confine(const struct container *const container)
{
	const int err = mount_read_only(container);

	if (err || container->user_namespace)
		return err;
	return container->uid ? become(container->uid) : drop_capabilities();
}

/* The PID namespace begins with the next child. */
static int run_inside(const struct container *const container)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		/* Credentials have changed, which takes it back. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(container->fn(container->arg));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 125;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 124;
}

static int run_container(void *const arg)
{
	struct container *const container = arg;
	char byte = 0;
	int err = 0;

	if (container->user_namespace)
		err = enter_user_namespace(container->uid);
	if (!err && unshare(CLONE_NEWCGROUP | CLONE_NEWNS | CLONE_NEWNET |
			    CLONE_NEWPID))
		err = -errno;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!err && (write(container->ready[1], &byte, 1) != 1 ||
		     read(container->go[0], &byte, 1) != 1))
		err = -EPIPE;
	if (!err)
		err = confine(container);
	if (err) {
		fprintf(stderr, "# container: %s\n", strerror(-err));
		return 126;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return run_inside(container);
}

/* As cgroup v2 delegates: the directory, and what moves processes about. */
static int delegate(const char *const path, const uid_t uid)
{
	static const char *const files[] = {
		".", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control",
	};
	char file[2 * CG_PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(file, sizeof(file), "%s/%s", path, files[i]);
		if (chown(file, uid, uid))
			return -errno;
	}
	return 0;
}

/*
 * As a runtime does it, and session add --adopt then: the cgroup namespace
 * begins at the cgroup of the container, and its process moves into the leaf.
 */
static int adopt(struct session *const session, const pid_t pid)
{
	int err;

	err = cg_make(session->agent);
	if (!err)
		err = cg_write_u64(session->agent, "cgroup.procs", pid);
	if (!err)
		err = cg_feed(session->path);
	session->agent_fd = cg_open(session->agent);
	return err ? err : session->agent_fd < 0 ? session->agent_fd : 0;
}

static int make_session_cgroup(struct container *const container)
{
	struct session *const session = &container->session;
	int err;

	snprintf(session->path, sizeof(session->path), "%s/%s", CG_BASE,
		 container->name);
	snprintf(session->agent, sizeof(session->agent), "%s/%s/agent", CG_BASE,
		 container->name);
	err = cg_make(session->path);
	if (!err && container->uid)
		err = delegate(session->path, container->uid);
	session->fd = cg_open(session->path);
	session->id = cg_id(session->path);
	return err ? err : session->fd < 0 ? session->fd : 0;
}

int container_start(struct nl *const nl, struct container *const container,
		    const uint64_t budget)
{
	struct msg msg;
	char byte = 0;
	int err;

	err = make_session_cgroup(container);
	if (err)
		return err;
	if (pipe2(container->ready, O_CLOEXEC) || pipe2(container->go, O_CLOEXEC))
		return -errno;
	container->pid = cg_spawn(container->session.fd, run_container,
				  container);
	if (container->pid < 0)
		return container->pid;
	close(container->ready[1]);
	if (read(container->ready[0], &byte, 1) != 1)
		return -EPIPE;
	err = adopt(&container->session, container->pid);
	if (err)
		return err;
	session_request(&msg, &container->session, budget);
	err = nl_do(nl, &msg);
	if (!err && write(container->go[1], &byte, 1) != 1)
		err = -errno;
	return err;
}

int container_wait(const struct container *const container, const int ms)
{
	const int status = wait_exit(container->pid, ms);

	if (status < 0)
		return status;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}
