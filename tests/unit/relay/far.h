/* far: the far side of ClickSend in one thread, able to misbehave. Answers one request per connection. */
#pragma once
#include <stddef.h>

enum far_act {
    FAR_YES,
    FAR_DROP,       /* reads the request, closes without a word      */
    FAR_CUT,        /* closes in the middle of the answer's body     */
    FAR_HANG,       /* reads the request, says nothing               */
    FAR_GARBAGE,    /* answers something that is no HTTP             */
    FAR_THROTTLE,   /* 429, Retry-After: 20                          */
    FAR_BROKEN,     /* 500                                           */
    FAR_LONG,       /* 200 and more bytes than anybody wants to read */
    FAR_NO_CREDIT,  /* 200, and the message's own status says no     */
    FAR_BAD_NUMBER,
};

struct far;
struct far *far_start(void);
void        far_stop(struct far **f);
int         far_port(const struct far *f);
void        far_always(struct far *f, enum far_act act);
void        far_next(struct far *f, enum far_act act); /* one request; goes before far_always */
size_t      far_count(struct far *f);                  /* requests read whole                 */
void        far_wait(struct far *f, size_t count);     /* fails the test after 10 s           */
char       *far_body(struct far *f, size_t i);         /* free it                             */
