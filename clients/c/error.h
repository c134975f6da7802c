// error - turns a status of the library's inside into the errand_error of its public face.
#ifndef ERRAND_CLIENTS_C_ERROR_H
#define ERRAND_CLIENTS_C_ERROR_H

#include "base/status.h"
#include "errand.h"

// error_from takes the status; NULL for NULL. The result is for errand_error_free.
errand_error *error_from(status *failure);

// error_view shows a status that somebody else owns; free the view before the status goes.
errand_error *error_view(const status *failure);

// error_no_memory is a fixed object; errand_error_free leaves it alone.
errand_error *error_no_memory(void);

#endif
