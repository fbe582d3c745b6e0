/* notify: tells the service manager how we are (sd_notify(3)), without libsystemd. Nothing happens where there is none. */
#pragma once
#include "core/attr.h"
#include <stdint.h>

void notify_ready(void);
void notify_stopping(void);
/* RELOADING, with the monotonic time that Type=notify-reload wants; notify_ready() ends it. */
void notify_reloading(void);
/* Every second: tells the watchdog (WatchdogSec=) that the main loop turns, as often as it wants to hear it. */
void notify_alive(int64_t mono_ms);
