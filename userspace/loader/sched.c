// SPDX-License-Identifier: GPL-2.0-only
/* Loading the scheduler, see sched.h. */
#include "sched.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../bpf/sched/state.h"
#include "../complain.h"
#include "../pins.h"
#include "../sched_host.h"
#include "host.h"
#include "ops.h"
#include "topology.h"

#define PIN_LINK	PINS "/sched"
#define PIN_TIMERS	PINS "/sched-timers"
#define PIN_LEAVINGS	PINS "/sched-leavings"

/* The ops, and what has to be pinned beside their link. */
struct object {
	struct bpf_object *object;
	struct bpf_map *ops;
	struct bpf_map *state;
	struct bpf_map *timers;
	struct bpf_map *leavings;
	struct bpf_map *siblings;
};

static int check_kernel(void)
{
	char name[SCHED_NAME_MAX];

	if (!sched_ext_there()) {
		complain("the kernel has no sched_ext: boot one with CONFIG_SCHED_CLASS_EXT; until then classes and weights hold by cpu.weight and cpu.idle");
		return -1;
	}
	if (!sched_ext_attached(name, sizeof(name)))
		return 0;
	if (!strcmp(name, SCHED_NAME))
		complain("it is loaded already: agentcg sched unload");
	else
		complain("another scheduler is attached, %s: stop it first",
			 name);
	return -1;
}

static int open_object(struct object *o, bool partial)
{
	struct bpf_map *other;

	o->object = bpf_object__open_file(SCHED_OBJECT, NULL);
	if (!o->object) {
		complain("%s: %s", SCHED_OBJECT,
			 libbpf_reason() ?: strerror(errno));
		return -1;
	}
	o->ops = bpf_object__find_map_by_name(o->object, partial ?
					      SCHED_PARTIAL : SCHED_NAME);
	other = bpf_object__find_map_by_name(o->object, partial ?
					     SCHED_NAME : SCHED_PARTIAL);
	o->state = bpf_object__find_map_by_name(o->object, ".data.state");
	o->timers = bpf_object__find_map_by_name(o->object, "timers");
	o->leavings = bpf_object__find_map_by_name(o->object, "leavings");
	o->siblings = bpf_object__find_map_by_name(o->object, ".rodata.siblings");
	if (o->ops && o->state && o->timers && o->leavings && o->siblings && other &&
	    !bpf_map__set_autocreate(other, false))
		return 0;
	complain("%s: is of another version than this program", SCHED_OBJECT);
	return -1;
}

static void tell_topology(struct bpf_map *map)
{
	size_t size;
	__u16 *next = bpf_map__initial_value(map, &size);

	find_siblings(next, size / sizeof(*next));
}

static int pin_map(struct bpf_map *map, const char *path)
{
	int err;

	/* Left by one that ended by itself. */
	unlink(path);
	err = bpf_map__pin(map, path);
	if (err)
		complain("%s: %s", path, strerror(-err));
	return err ? -1 : 0;
}

/* All but what it has told, which is kept. */
static void unpin_maps(void)
{
	unlink(PIN_TIMERS);
	unlink(PIN_LEAVINGS);
}

/* It may have been refused, or have ended, although it could be attached. */
static int check_enabled(struct bpf_map *state)
{
	struct sched_state now = { 0 };
	char name[SCHED_NAME_MAX];
	__u32 key = 0;

	if (sched_ext_attached(name, sizeof(name)) && !strcmp(name, SCHED_NAME))
		return 0;
	bpf_map__lookup_elem(state, &key, sizeof(key), &now, sizeof(now), 0);
	complain("it has ended at once: %s%s%s (dmesg tells more)",
		 now.exit_reason[0] ? now.exit_reason : "no reason given",
		 now.exit_message[0] ? ": " : "", now.exit_message);
	return -1;
}

static int attach(struct object *o)
{
	struct bpf_link *link = bpf_map__attach_struct_ops(o->ops);
	int err;

	if (!link) {
		complain("cannot be attached: %s%s", errno == EBUSY ?
			 "another scheduler is" : strerror(errno),
			 error_mend(-errno));
		return -1;
	}
	err = check_enabled(o->state);
	if (!err) {
		unlink(PIN_LINK);
		err = bpf_link__pin(link, PIN_LINK);
		if (err)
			complain("%s: %s", PIN_LINK, strerror(-err));
	}
	/* Only our descriptor, if it is pinned. */
	bpf_link__destroy(link);
	return err ? -1 : 0;
}

int sched_load(bool partial, bool verbose)
{
	struct object o = { NULL };
	int err;

	libbpf_listen(verbose);
	if (check_kernel() || check_types() || check_pins() || open_object(&o, partial)) {
		bpf_object__close(o.object);
		return -1;
	}
	tell_topology(o.siblings);
	err = leave_out_absent(o.object, o.ops) ?: bpf_object__load(o.object);
	if (err)
		complain_load(SCHED_NAME, err);
	else
		err = pin_map(o.state, SCHED_STATE_PIN) ||
		      pin_map(o.timers, PIN_TIMERS) ||
		      pin_map(o.leavings, PIN_LEAVINGS) || attach(&o);
	if (err)
		unpin_maps();
	bpf_object__close(o.object);
	return err ? -1 : 0;
}

int sched_unload(void)
{
	struct bpf_link *link;
	int err;

	libbpf_listen(false);
	link = bpf_link__open(PIN_LINK);
	if (!link) {
		if (errno == ENOENT)
			complain("it is not loaded");
		else
			complain("%s: %s%s", PIN_LINK, strerror(errno),
				 error_mend(-errno));
		return -1;
	}
	err = bpf_link__detach(link);
	bpf_link__destroy(link);
	/* One that ended by itself is detached already. */
	if (err && err != -ENOLINK) {
		complain("cannot be detached: %s%s", strerror(-err),
			 error_mend(err));
		return -1;
	}
	unlink(PIN_LINK);
	unpin_maps();
	return 0;
}
