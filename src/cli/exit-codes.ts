/** Done; also a long-running command stopped in order by the first SIGINT or SIGTERM, and a reader that left. */
export const EXIT_DONE = 0;
/** Ran and found a problem. */
export const EXIT_PROBLEM = 1;
/** Could not run, also for an unknown command or flag. */
export const EXIT_NOT_RUN = 2;
/** The input is damaged; everything before the damage was processed. */
export const EXIT_DAMAGED = 3;
/** Output could not be written. */
export const EXIT_OUTPUT = 4;
/** A finite command was interrupted, or a second signal came: 128 + the number of the signal. */
export const EXIT_SIGINT = 130;
export const EXIT_SIGTERM = 143;
