// origin_form - what an origin looks like, for the settings that name some.
#ifndef ERRAND_GATEWAY_ORIGIN_FORM_H
#define ERRAND_GATEWAY_ORIGIN_FORM_H

#include <stdbool.h>

#define ORIGIN_FORM "such as https://app.example.com, without a path, or *"

// origin_is_good judges the form alone: with a path, if only a slash, no page would ever have it.
bool origin_is_good(const char *origin);

#endif
