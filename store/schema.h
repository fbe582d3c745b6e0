/* schema: step i (from 0) brings an empty or version-i database to version i + 1 (PRAGMA user_version). */
#pragma once

extern const char *const schema_steps[];
extern const int         schema_version; /* the newest */
