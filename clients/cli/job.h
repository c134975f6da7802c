// job - the Job that the options of fetch and submit describe.
#ifndef ERRAND_CLI_JOB_H
#define ERRAND_CLI_JOB_H

#include "cli.h"

// job_from_options makes a Job in the arena from the job and callback options and those of the
// input that name a field; its input is the command's.
status *job_from_options(const cli_args *args, arena *memory, Errand__V1__Job **ret);

// job_send submits it, and prints the id; with --wait it waits and shows the result.
cli_exit job_send(cli *c, const cli_args *args, const Errand__V1__Job *job);

#endif
