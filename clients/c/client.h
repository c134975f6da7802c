// client - what the library's other parts need of a client: watches may outlive it.
#ifndef ERRAND_CLIENTS_C_CLIENT_H
#define ERRAND_CLIENTS_C_CLIENT_H

#include "errand.h"

#include <stdbool.h>

// client_hold keeps the client's memory, also after errand_client_close, until client_let_go.
errand_client *client_hold(errand_client *client);
void client_let_go(errand_client *client);

// client_enter is false once the client was closed. If it is true, the client is not closed before
// client_leave; calls may be started in between, and nothing waited for.
bool client_enter(errand_client *client);
void client_leave(errand_client *client);

#endif
