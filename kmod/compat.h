/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that the module is built for.
 *
 * Written for the newest; the AGENTCG_HAVE_ macros come from compile tests in
 * compat-probe/, one per fact, so a backport is found as well as a release.
 */
#ifndef _AGENTCG_COMPAT_H
#define _AGENTCG_COMPAT_H

#include "compat-probe.h"

#endif /* _AGENTCG_COMPAT_H */
