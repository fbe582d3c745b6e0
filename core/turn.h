/* turn: who comes first when there is too little processor. Each thread says once, for itself, what it is. */
#pragma once

enum turn {
    TURN_DEVICE, /* a device waits for its 250: short turns, which come soon; nothing that computes for long */
    TURN_TELLER, /* somebody is to be told: what understands mails and sends messages */
    TURN_READER, /* somebody asks the API */
    TURN_LATER,  /* it may be late: the archive, the folder of pictures, the past */
};
/* The calling thread's; those it starts begin without, but for the niceness. Nothing fails: it is a wish. */
void turn_take(enum turn turn);
