/* outbox_inside: what the writing and the reading of the debt agree on. */
#pragma once

/* A leg whose way is so much higher carries the pictures of a delivery that its text has ended already: it is no way of the
 * recipient's, and its end changes nothing about the delivery. */
enum { PICTURES_WAY = 1000 };
