/* panel_poll: once a day, at 00:00 of the site, the sensor list of LupuServ's CentralStation: an event for each low battery and tamper,
 * and the whole list as a table to the Sensors channel. On libuv's pool; a panel that hangs delays nobody. */
#pragma once
#include "service/relay.h"
#include "service/settings.h"

struct uv_loop_s;
struct panel_poll;

/* NULL: no CentralStation in the settings (or still a placeholder). */
struct panel_poll *panel_poll_new(struct uv_loop_s *loop, const struct settings *s, struct relay *r);
void               panel_poll_free(struct panel_poll **p); /* after the loop has ended */
void               panel_poll_stop(struct panel_poll *p); /* one that runs ends within a second; NULL is nothing */
bool               panel_poll_is_running(const struct panel_poll *p); /* main loop; it uses the relay; NULL is not */
/* Main loop, every second or so: begins a poll when a new day of the site has begun since the last call. */
void panel_poll_tick(struct panel_poll *p, int64_t wall_ms);
