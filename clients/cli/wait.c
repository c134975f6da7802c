// wait - errand wait ID...: until all the jobs have ended.
#include "cli.h"

#include "base/clock.h"

#include <stdio.h>

// print_state prints "ID STATE"; the results themselves stay where they are.
static cli_exit print_state(const cli *c, Errand__V1__GetResultResponse *answer)
{
    if (c->json) {
        Errand__V1__GetResultResponse brief = *answer;
        brief.result = NULL;
        return cli_print_json(&brief.base);
    }
    cli_print("%s %s\n", answer->id, cli_state_name(answer->state));
    return CLI_OK;
}

static cli_exit wait_for_one(cli *c, const char *id, int64_t wait_ms)
{
    Errand__V1__GetResultResponse *answer = NULL;
    errand_error *error = errand_result(c->client, id, wait_ms, &answer);
    if (error != NULL) {
        cli_tell("errand: waiting for job %s failed\n", id);
        return cli_bad_call(error);
    }
    cli_exit printed = print_state(c, answer);
    cli_exit ending = cli_state_exit(answer->state);
    if (ending == CLI_UNREACHABLE)
        cli_tell("errand: job %s has not ended in time\n", id);
    errand__v1__get_result_response__free_unpacked(answer, NULL);
    return ending != CLI_OK ? ending : printed;
}

// Waiting for one after the other takes as long as the slowest, as waiting for all at once does.
cli_exit cli_wait(cli *c, const cli_args *args)
{
    int64_t limit_ms;
    status *s = cli_duration_ms(args, "for", CLI_FOREVER_MS, &limit_ms);
    if (s != NULL)
        return cli_bad_usage(s);
    int64_t start_us = clock_mono_us(clock_system());
    cli_exit worst = CLI_OK;
    for (size_t i = 0; i < args->word_count; i++) {
        int64_t spent_ms = (clock_mono_us(clock_system()) - start_us) / 1000;
        int64_t left_ms = limit_ms == CLI_FOREVER_MS ? CLI_FOREVER_MS : limit_ms - spent_ms;
        cli_exit ending = wait_for_one(c, args->words[i], left_ms > 0 ? left_ms : 0);
        if (ending > worst)
            worst = ending;
        if (fflush(stdout) != 0)
            break;
    }
    return worst;
}
