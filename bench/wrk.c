// wrk - its command line, and what it prints.
#include "bench/wrk.h"

#include "base/cleanup.h"
#include "bench/peer_host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool wrk_is_installed(void)
{
    AUTO_FREE char *program = peer_find_program("wrk");
    return program != NULL;
}

// "1.23ms" and the like, in seconds.
static double duration(const char *text)
{
    char *unit;
    double value = strtod(text, &unit);
    if (strncmp(unit, "us", 2) == 0)
        return value / 1e6;
    return strncmp(unit, "ms", 2) == 0 ? value / 1e3 : value;
}

static status *read_line(const char *line, wrk_result *ret)
{
    const char *at;
    line += strspn(line, " ");
    if ((at = strstr(line, "Requests/sec:")))
        ret->rate = strtod(at + strlen("Requests/sec:"), NULL);
    else if (strstr(line, " requests in "))
        ret->requests = strtod(line, NULL);
    else if (strncmp(line, "50% ", 4) == 0)
        ret->p50_s = duration(line + 4);
    else if (strncmp(line, "99% ", 4) == 0)
        ret->p99_s = duration(line + 4);
    else if (strncmp(line, "Non-2xx", 7) == 0 || strncmp(line, "Socket errors", 13) == 0)
        return status_new(STATUS_INTERNAL, "wrk: %.*s", (int) strcspn(line, "\n"), line);
    return NULL;
}

static status *read_output(FILE *output, wrk_result *ret)
{
    char line[512];
    status *failure = NULL;
    *ret = (wrk_result){.requests = 0};
    while (fgets(line, sizeof line, output)) {
        status *wrong = read_line(line, ret);
        if (!failure)
            failure = wrong;
        else
            status_free(wrong);
    }
    return failure;
}

status *wrk_run(const wrk_load *load, wrk_result *ret)
{
    char command[2048];
    int connections = load->connections;
    (void) snprintf(command, sizeof command,
                    "wrk -t1 -c%d -d%llds --timeout 30s --latency %s%s%s '%s'", connections,
                    (long long) (load->time_ms + 999) / 1000, load->script ? "-s '" : "",
                    load->script ? load->script : "", load->script ? "'" : "", load->url);
    FILE *output = popen(command, "re");  // NOLINT(cert-env33-c): paths of our own
    if (!output)
        return status_errno(errno, "wrk");
    status *failure = read_output(output, ret);
    int ended = pclose(output);
    if (!failure && ended != 0)
        failure = status_new(STATUS_INTERNAL, "wrk ended with wait status %d", ended);
    return failure;
}

status *wrk_write_post(const char *path)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return status_errno(errno, "%s", path);
    int written = fprintf(file,
                          "wrk.method = 'POST'\n"
                          "wrk.headers['Content-Type'] = 'application/json'\n"
                          "wrk.body = '{\"kind\":\"bench\",\"args\":\"%098d\"}'\n",
                          0);
    return fclose(file) == 0 && written > 0 ? NULL : status_errno(errno, "%s", path);
}
