export const EXIT_DONE = 0;
export const EXIT_PROBLEM = 1;
export const EXIT_NOT_RUN = 2;
export const EXIT_DAMAGED = 3;
export const EXIT_OUTPUT = 4;
export const EXIT_SIGINT = 130;
export const EXIT_SIGTERM = 143;

/** The exit codes as man page and reference list them. */
export const EXIT_CODES: readonly { readonly code: number; readonly meaning: string }[] = [
  {
    code: EXIT_DONE,
    meaning:
      'Done. Also when the reader of the output left, and when a long-running command stopped in order at the first SIGINT or SIGTERM.',
  },
  { code: EXIT_PROBLEM, meaning: 'Ran and found a problem.' },
  { code: EXIT_NOT_RUN, meaning: 'Could not run; also an unknown command or flag.' },
  { code: EXIT_DAMAGED, meaning: 'The input is damaged; everything before the damage was processed.' },
  { code: EXIT_OUTPUT, meaning: 'Output could not be written.' },
  { code: EXIT_SIGINT, meaning: 'A finite command was interrupted by SIGINT, or SIGINT came a second time.' },
  { code: EXIT_SIGTERM, meaning: 'The same for SIGTERM.' },
];
