// exec_progress - the lines that a command writes to tell how far it is.
#include "worker/exec_progress.h"

#include "json/codec.h"

#include "errand/v1/job.pb-c.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool read_json(const char *line, arena *memory, exec_progress_said *ret)
{
    ProtobufCMessage *message = NULL;
    AUTO(status)
    bad = json_decode(&errand__v1__progress__descriptor, line, strlen(line), memory, &message);
    if (bad != NULL) {
        return false;
    }
    const Errand__V1__Progress *said = (const Errand__V1__Progress *) message;
    *ret = (exec_progress_said){said->done, said->total, said->message};
    return said->done >= 0 && said->total >= 0;
}

// read_count reads a whole number and the space behind it.
static bool read_count(const char **at, int64_t *ret)
{
    char *end = NULL;
    if (!isdigit((unsigned char) **at)) {
        return false;
    }
    errno = 0;
    long long count = strtoll(*at, &end, 10);
    if (errno != 0 || (*end != '\0' && *end != ' ')) {
        return false;
    }
    *at = end + strspn(end, " ");
    *ret = count;
    return true;
}

static bool read_words(const char *line, arena *memory, exec_progress_said *ret)
{
    exec_progress_said said = {0};
    if (!read_count(&line, &said.done)) {
        return false;
    }
    (void) read_count(&line, &said.total);
    said.message = arena_strdup(memory, line);
    *ret = said;
    return said.message != NULL;
}

static bool read_line(exec_progress *p, arena *memory, exec_progress_said *ret)
{
    bool whole = !p->too_long && memchr(p->line, '\0', p->size) == NULL;
    p->line[p->size] = '\0';
    if (p->size > 0 && p->line[p->size - 1] == '\r') {
        p->line[p->size - 1] = '\0';
    }
    p->size = 0;
    p->too_long = false;
    const char *text = p->line + strspn(p->line, " \t");
    return whole && (*text == '{' ? read_json(text, memory, ret) : read_words(text, memory, ret));
}

static void append(exec_progress *p, const char *bytes, size_t size)
{
    if (p->size + size >= sizeof p->line) {
        p->too_long = true;
        return;
    }
    memcpy(p->line + p->size, bytes, size);
    p->size += size;
}

bool exec_progress_take(exec_progress *p, const char *bytes, size_t size, arena *memory,
                        exec_progress_said *ret_said)
{
    bool found = false;
    for (const char *end = memchr(bytes, '\n', size); end != NULL;
         end = memchr(bytes, '\n', size)) {
        size_t part = (size_t) (end - bytes);
        append(p, bytes, part);
        found = read_line(p, memory, ret_said) || found;
        bytes += part + 1;
        size -= part + 1;
    }
    append(p, bytes, size);
    return found;
}
