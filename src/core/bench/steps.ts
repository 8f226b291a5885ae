/**
 * Calls `step` for the parts of `total`, `size` at a time. A run that were one long loop would be compiled anew in
 * each run, for V8 keeps what it compiles in the middle of a loop for that one call; steps are called often enough
 * to be compiled once.
 */
export function inSteps(total: number, size: number, step: (from: number, to: number) => void): void {
  for (let from = 0; from < total; from += size) step(from, Math.min(from + size, total));
}
