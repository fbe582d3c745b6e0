/* fault: places where a test may pull the plug. In a build with -Dfaults=true, FAULT("name") counts its hits in the file
 * POSTERN_FAULT_HITS (one line per point and process) and, if POSTERN_FAULT is "name" or "name:3", ends the process with
 * SIGKILL at the first (third) hit. Otherwise it is nothing. Names are "part.after_what"; tests compare the list with the source. */
#pragma once

#ifdef POSTERN_FAULTS
void fault_hit(const char *name);
#define FAULT(name) fault_hit(name)
#else
#define FAULT(name) ((void)0)
#endif
