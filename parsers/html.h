/* html: what a person would see of an HTML text; no parser of HTML, just tags left out and entities resolved. */
#pragma once
#include "core/buf.h"

/* Adds the visible text of html (UTF-8) to out, up to its ceiling; blocks and line breaks become LF. */
void html_visible(struct buf *out, const char *html, size_t n);
