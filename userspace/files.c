// SPDX-License-Identifier: GPL-2.0-only
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

ssize_t read_text(int dirfd, const char *name, char *buf, size_t size)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (fd >= 0)
		close(fd);
	buf[len > 0 ? len : 0] = '\0';
	return len;
}

int write_text(int dirfd, const char *name, const char *text)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return err;
}

void path_of_fd(int fd, char path[PATH_MAX])
{
	char link[32];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, PATH_MAX - 1);
	path[len > 0 ? len : 0] = '\0';
}

bool cgroup_populated(int dirfd, const char *name, int ms)
{
	char text[128], path[NAME_MAX + sizeof("/cgroup.events")];
	struct pollfd pfd = { .events = POLLPRI };
	ssize_t len;

	snprintf(path, sizeof(path), "%s/cgroup.events", name);
	pfd.fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	if (pfd.fd < 0)
		return false;
	/* Reading arms the poll; of a cgroup that is gone it fails. */
	do {
		len = pread(pfd.fd, text, sizeof(text) - 1, 0);
		text[len > 0 ? len : 0] = '\0';
	} while (strstr(text, "populated 1") && poll(&pfd, 1, ms));
	close(pfd.fd);
	return strstr(text, "populated 1") != NULL;
}
