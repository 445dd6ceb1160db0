// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm-run ARGV-FILE OUT ERR STATUS - run a command of the guest.
 *
 * The arguments stand NUL-terminated in ARGV-FILE. The command's stdout and
 * stderr are pipes, copied to the files OUT and ERR (ports of the host): a port
 * can be opened only once, and /dev/stderr must keep working. Daemons that the
 * command leaves behind may hold the pipes for ever, so the copying ends when
 * the command has ended and the pipes are empty.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct stream {
	int from;
	int to;
};

static void fail(const char *what)
{
	perror(what);
	exit(125);
}

static char *read_file(const char *path, size_t *len)
{
	char *buf = NULL;
	size_t size = 0;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(path);
	*len = 0;
	do {
		size += 65536;
		buf = realloc(buf, size);
		if (!buf)
			fail("realloc");
		n = read(fd, buf + *len, size - *len);
		if (n < 0)
			fail(path);
		*len += n;
	} while (n > 0);
	close(fd);
	return buf;
}

static char **read_argv(const char *path)
{
	size_t len, i, argc = 0;
	char **argv, *buf, *p;

	buf = read_file(path, &len);
	for (i = 0; i < len; i++)
		argc += !buf[i];
	argv = calloc(argc + 1, sizeof(*argv));
	if (!argv)
		fail("calloc");
	for (i = 0, p = buf; i < argc; i++, p += strlen(p) + 1)
		argv[i] = p;
	return argv;
}

static int open_port(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		fail(path);
	return fd;
}

static void write_all(int fd, const char *buf, ssize_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, buf, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return; /* nobody listens any more; the command goes on */
		buf += n;
		len -= n;
	}
}

/* Returns whether there was anything to copy. */
static int copy_some(struct stream *s)
{
	char buf[65536];
	ssize_t n;

	n = read(s->from, buf, sizeof(buf));
	if (n > 0) {
		write_all(s->to, buf, n);
		return 1;
	}
	if (n == 0) {
		close(s->from);
		s->from = -1;
	}
	return 0;
}

static void exec_command(char **argv, int out, int err, const sigset_t *mask)
{
	int null = open("/dev/null", O_RDONLY);

	dup2(null, 0);
	dup2(out, 1);
	dup2(err, 2);
	if (null > 2)
		close(null);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* As PID 1 it gets other people's children too. */
static int reap(pid_t pid, int *status)
{
	int st, ended = 0;
	pid_t got;

	while ((got = waitpid(-1, &st, WNOHANG)) > 0) {
		if (got != pid)
			continue;
		*status = WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
		ended = 1;
	}
	return ended;
}

static int pump(pid_t pid, struct stream *s, int sigfd)
{
	struct signalfd_siginfo info;
	struct pollfd fds[3];
	int i, status = 125;

	for (;;) {
		for (i = 0; i < 2; i++)
			fds[i] = (struct pollfd){ .fd = s[i].from, .events = POLLIN };
		fds[2] = (struct pollfd){ .fd = sigfd, .events = POLLIN };
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			fail("poll");
		for (i = 0; i < 2; i++)
			if (fds[i].revents)
				copy_some(&s[i]);
		if (!fds[2].revents)
			continue;
		if (read(sigfd, &info, sizeof(info)) < 0)
			continue;
		if (reap(pid, &status))
			break;
	}
	for (i = 0; i < 2; i++)
		while (s[i].from >= 0 && copy_some(&s[i]))
			;
	return status;
}

static void make_pipe(struct stream *s, const char *port, int *end)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		fail("pipe2");
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	s->from = fds[0];
	s->to = open_port(port);
	*end = fds[1];
}

int main(int argc, char **argv)
{
	int ends[2], sigfd, status, port;
	struct stream s[2];
	sigset_t mask, old;
	char line[16];
	char **args;
	pid_t pid;

	if (argc != 5) {
		fprintf(stderr, "usage: vm-run ARGV-FILE OUT ERR STATUS\n");
		return 125;
	}
	args = read_argv(argv[1]);
	make_pipe(&s[0], argv[2], &ends[0]);
	make_pipe(&s[1], argv[3], &ends[1]);
	port = open_port(argv[4]);

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, &old);
	sigfd = signalfd(-1, &mask, SFD_CLOEXEC);
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid)
		exec_command(args, ends[0], ends[1], &old);
	close(ends[0]);
	close(ends[1]);

	status = pump(pid, s, sigfd);
	snprintf(line, sizeof(line), "%d\n", status);
	write_all(port, line, strlen(line));
	return 0;
}
