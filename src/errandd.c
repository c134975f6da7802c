// errandd - the server.
#include "errandd-server.h"
#include "errandd-settings.h"

#include "base/program.h"

static settings loaded;
static server *serving;  // for reloads, which come on the main thread

static status *check(void)
{
    return settings_check(&loaded);
}

static void reloaded(void)
{
    server_reload(serving);
}

static status *serve(void)
{
    settings_warn(&loaded);
    status *failure = server_start(&loaded, &serving);
    if (failure == NULL) {
        server_announce(serving);
        program_wait_for_end();
        server_stop(serving);
    }
    return failure;
}

int main(int argc, char **argv)
{
    const program self = {
        .config = &settings_config,
        .settings = &loaded,
        .log_level = &loaded.log_level,
        .log_format = &loaded.log_format,
        .check = check,
        .check_reload = settings_check_reload,
        .reloaded = reloaded,
        .serve = serve,
    };
    return program_main(&self, argc, argv);
}
