/** Runs before anything is measured, so that the code is compiled for what it will meet. */
const RUNS_MIN = 2;
/** What waits for others is compiled between its waits, which takes longer: until two runs in a row are so much alike. */
const RUNS_MAX = 5;
const ALIKE = 0.15;

/** How a workload is warmed up. */
export interface WarmUp {
  /** It waits for others while it runs. */
  readonly waits: boolean;
  /** Two runs have to do, whatever they say. */
  readonly isShort: boolean;
}

/** Runs a workload until it is warm. @param run answers the ns that count. */
export async function warmUp(run: () => number | Promise<number>, { waits, isShort }: WarmUp): Promise<void> {
  const most = waits && !isShort ? RUNS_MAX : RUNS_MIN;
  let before = await run();
  for (let runs = 1; runs < most; runs += 1) {
    const now = await run();
    if (Math.abs(now - before) < ALIKE * Math.max(now, before)) return;
    before = now;
  }
}
