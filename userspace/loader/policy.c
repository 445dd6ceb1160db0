// SPDX-License-Identifier: GPL-2.0-only
/* Loading policies, see policy.h. */
#include "policy.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../complain.h"
#include "../pins.h"
#include "host.h"

#define OPS		"agentcg_policy_ops"
#define SUFFIX		".bpf.o"

static void pin_path(char *path, size_t size, uint64_t session_id)
{
	if (session_id)
		snprintf(path, size, "%s/policy-%llu", PINS,
			 (unsigned long long)session_id);
	else
		snprintf(path, size, "%s/policy", PINS);
}

/* ---- the object ---- */

/* What there is to choose from. */
static void complain_unknown(const char *name)
{
	DIR *dir = opendir(POLICY_DIR);
	char names[512] = "";
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);
		size_t used = strlen(names);

		if (len <= strlen(SUFFIX) ||
		    strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX))
			continue;
		snprintf(names + used, sizeof(names) - used, "%s%.*s",
			 used ? ", " : "", (int)(len - strlen(SUFFIX)),
			 entry->d_name);
	}
	if (dir)
		closedir(dir);
	complain("%s: no such policy: give one of %s, or the path of a file",
		 name, names[0] ? names : "those that were installed (there is none)");
}

static int object_path(char *path, size_t size, const char *name)
{
	if (strchr(name, '/'))
		snprintf(path, size, "%s", name);
	else
		snprintf(path, size, "%s/%s%s", POLICY_DIR, name, SUFFIX);
	if (!access(path, R_OK))
		return 0;
	if (strchr(name, '/'))
		complain("%s: %s", name, strerror(errno));
	else
		complain_unknown(name);
	return -1;
}

/* Of the object's own types, the struct that a map holds. */
static const struct btf_type *ops_type(struct bpf_object *object,
				       struct bpf_map *map)
{
	const struct btf *btf = bpf_object__btf(object);
	const struct btf_type *type;

	if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
		return NULL;
	type = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
	return type && !strcmp(btf__name_by_offset(btf, type->name_off), OPS) ?
	       type : NULL;
}

static struct bpf_map *find_policy(struct bpf_object *object, const char *name)
{
	struct bpf_map *map, *found = NULL;

	bpf_object__for_each_map(map, object) {
		if (!ops_type(object, map))
			continue;
		if (found) {
			complain("%s: has several policies: one to a file", name);
			return NULL;
		}
		found = map;
	}
	if (!found)
		complain("%s: is no policy of agentcg: it has no struct %s in a section .struct_ops.link",
			 name, OPS);
	return found;
}

/* The session is a member of the ops, which are copied when it is loaded. */
static int set_session(struct bpf_object *object, struct bpf_map *map,
		       uint64_t session_id)
{
	const struct btf_type *type = ops_type(object, map);
	const struct btf *btf = bpf_object__btf(object);
	const struct btf_member *member = btf_members(type);
	size_t size;
	char *value = bpf_map__initial_value(map, &size);
	unsigned int i;

	for (i = 0; i < btf_vlen(type); i++, member++) {
		size_t at = btf_member_bit_offset(type, i) / 8;

		if (strcmp(btf__name_by_offset(btf, member->name_off),
			   "session_cgroup_id"))
			continue;
		if (!value || at + sizeof(session_id) > size)
			break;
		memcpy(value + at, &session_id, sizeof(session_id));
		return 0;
	}
	return -1;
}

static int load_object(struct bpf_object *object, struct bpf_map *map,
		       const struct policy_request *request)
{
	int err;

	if (set_session(object, map, request->session_id)) {
		complain("%s: was built against headers of another version: build it anew",
			 request->name);
		return -1;
	}
	err = bpf_object__load(object);
	if (!err)
		return 0;
	complain_load(request->name, err);
	return -1;
}

/* ---- attaching ---- */

static void complain_attach(const struct policy_request *request, int err)
{
	const char *whose = request->session_id ? "the session" : "the node";

	switch (err) {
	case -EEXIST:
		complain("%s: %s has a policy already: unload it first, or load this one with --replace",
			 request->name, whose);
		break;
	case -ENOENT:
		complain("%s: the cgroup is no session: agentcg session add",
			 request->name);
		break;
	default:
		complain("%s: cannot be attached: %s%s", request->name,
			 strerror(-err), error_mend(err));
	}
}

static int attach(struct bpf_map *map, const struct policy_request *request,
		  const char *pin)
{
	struct bpf_link *link = bpf_map__attach_struct_ops(map);
	int err;

	if (!link) {
		complain_attach(request, -errno);
		return -1;
	}
	/* Left by a policy that went by itself. */
	unlink(pin);
	err = bpf_link__pin(link, pin);
	if (err)
		complain("%s: %s", pin, strerror(-err));
	/* Only our descriptor: the pin keeps it. */
	bpf_link__destroy(link);
	return err ? -1 : 0;
}

static int replace(struct bpf_map *map, const struct policy_request *request,
		   const char *pin)
{
	struct bpf_link *link = bpf_link__open(pin);
	int err;

	if (!link) {
		complain("%s: nothing to replace that was loaded by agentcg policy load",
			 request->name);
		return -1;
	}
	err = bpf_link__update_map(link, map);
	if (err)
		complain("%s: cannot take the place of the one there: %s",
			 request->name, err == -ENOLINK ?
			 "it has been detached, so load this one without --replace" :
			 strerror(-err));
	bpf_link__destroy(link);
	return err ? -1 : 0;
}

int policy_load(const struct policy_request *request)
{
	struct bpf_object *object;
	char path[4096], pin[128];
	struct bpf_map *map;
	int err = -1;

	libbpf_listen(request->verbose);
	if (object_path(path, sizeof(path), request->name) || check_types() ||
	    check_pins())
		return -1;
	object = bpf_object__open_file(path, NULL);
	if (!object) {
		complain("%s: is no BPF object: %s", request->name,
			 libbpf_reason() ?: strerror(errno));
		return -1;
	}
	pin_path(pin, sizeof(pin), request->session_id);
	map = find_policy(object, request->name);
	if (map && !load_object(object, map, request))
		err = request->replace ? replace(map, request, pin) :
					 attach(map, request, pin);
	bpf_object__close(object);
	return err;
}

int policy_unload(uint32_t link_id, uint64_t session_id)
{
	int fd = bpf_link_get_fd_by_id(link_id);
	char pin[128];
	int err;

	/* Whoever attached it, and whether it is pinned or not. */
	err = fd < 0 ? -errno : bpf_link_detach(fd);
	if (fd >= 0)
		close(fd);
	if (err && err != -ENOENT) {
		complain("the policy cannot be detached: %s%s", strerror(-err),
			 error_mend(err));
		return -1;
	}
	pin_path(pin, sizeof(pin), session_id);
	unlink(pin);
	return 0;
}
