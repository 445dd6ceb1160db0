/* SPDX-License-Identifier: GPL-2.0-only */
/* What is said on stderr. */
#ifndef AGENTCG_COMPLAIN_H
#define AGENTCG_COMPLAIN_H

/** complain() - One line on stderr, after the program's name. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** error_mend() - What a user can do about @err, as " (…)", or "". */
const char *error_mend(int err);

#endif /* AGENTCG_COMPLAIN_H */
