// command_fuzz - what surrounds a command: its settings, its command line, and the progress lines
// that it writes. Arguments of a job reach the program as they are, each in an element of its own.
#include "base/config_record.h"
#include "worker/exec_progress.h"
#include "worker/exec_settings.h"
#include "worker/exec_template.h"

#include <stdlib.h>
#include <string.h>

#define ARGS 3

static void read_progress(const uint8_t *bytes, size_t size)
{
    exec_progress p = {0};
    exec_progress_said said;
    while (size > 0) {
        size_t part = bytes[0] % 61 + 1 < size ? bytes[0] % 61 + 1 : size;
        AUTO(arena) memory = arena_new(1 << 20);
        if (memory != NULL && exec_progress_take(&p, (const char *) bytes, part, memory, &said) &&
            (said.done < 0 || said.total < 0 || strlen(said.message) >= EXEC_PROGRESS_LINE)) {
            abort();
        }
        bytes += part;
        size -= part;
    }
}

static void fill(const exec_template *t, char *argument)
{
    char *args[ARGS] = {argument, argument, argument};
    char **argv = NULL;
    size_t count = 0;
    AUTO(arena) memory = arena_new(0);
    AUTO(status) failure = exec_template_fill(t, args, ARGS, memory, &argv, &count);
    if (failure != NULL) {
        return;
    }
    size_t rest = t->rest ? ARGS - t->numbered : 0, verbatim = 0;
    for (size_t i = 0; i < count; i++) {
        verbatim += strcmp(argv[i], argument) == 0;
    }
    if (count != t->count - t->rest + rest || verbatim < rest || argv[count] != NULL) {
        abort();
    }
}

static void read_settings(const char *words, char *argument)
{
    exec_settings settings;
    exec_template t;
    status *failure = config_record_read(&exec_settings_record, words, &settings);
    if (failure == NULL) {
        failure = exec_template_read(settings.argv.items, settings.argv.count, &t);
        if (failure == NULL) {
            t.allow_options = settings.allow_options;
            fill(&t, argument);
        }
        config_free(&exec_settings_record, &settings);
    }
    status_free(failure);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    size_t words = strlen(text);
    read_progress(data, size);
    read_settings(text, words < size ? text + words + 1 : text);
    free(text);
    return 0;
}
