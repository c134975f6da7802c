// progress - a bar on stderr, when that is a terminal.
#include "progress.h"

#include "cli.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#define BAR_CELLS 30

void progress_init(progress *p, FILE *file)
{
    struct stat about;
    *p = (progress){.enabled = isatty(STDERR_FILENO) != 0};
    if (fstat(fileno(file), &about) == 0 && S_ISREG(about.st_mode))
        p->file_size = about.st_size;
}

void progress_bar(int64_t done, int64_t total)
{
    double share = done >= total ? 1 : done > 0 ? (double) done / (double) total : 0;
    char cells[BAR_CELLS + 1] = {0};
    for (int i = 0; i < BAR_CELLS; i++)
        cells[i] = i < share * BAR_CELLS ? '#' : '.';
    cli_tell("[%s] %3d %%  ", cells, (int) (share * 100));
}

void progress_show(progress *p, FILE *file)
{
    if (!p->enabled)
        return;
    progress_hide(p);
    long position = p->file_size > 0 ? ftell(file) : -1;
    if (position >= 0 && position <= p->file_size)
        progress_bar(position, p->file_size);
    cli_tell("%" PRIu64 " submitted", p->accepted);
    if (p->refused > 0)
        cli_tell(", %" PRIu64 " refused", p->refused);
    (void) fflush(stderr);
    p->visible = true;
}

void progress_hide(progress *p)
{
    if (p->visible)
        cli_erase_line();
    p->visible = false;
}

void progress_end(progress *p)
{
    if (p->visible)
        cli_tell("\n");
    p->visible = false;
}
