export type ProgressMode = 'auto' | 'always' | 'never';

/** The line on stderr that says how far a run is. */
export interface Progress {
  /** Replaces the text, at most a few times a second; it is asked for only when it is shown. */
  update(text: () => string): void;
  /** Removes the line; to be called before anything else is printed. */
  stop(): void;
}

/** Between two texts. */
const UPDATE_MS = 100;

const SILENT: Progress = { update: () => {}, stop: () => {} };

/** Shows progress where it can be seen and harms nobody: on stderr, when it and stdout are terminals. */
export async function startProgress(mode: ProgressMode, text: string): Promise<Progress> {
  const visible = process.stderr.isTTY === true && process.stdout.isTTY === true;
  if (mode === 'never' || (mode === 'auto' && !visible)) return SILENT;
  // Some terminals do not know their size and say 0; clearing lines of no width has no end.
  if (process.stderr.isTTY && process.stderr.columns === 0) return SILENT;
  const { default: ora } = await import('ora');
  // Stdin is left alone: it may be the capture, and Ctrl-C must stay a signal.
  const spinner = ora({ text, stream: process.stderr, discardStdin: false, isEnabled: true }).start();
  let latest: (() => string) | null = null;
  const timer = setInterval(() => {
    if (latest !== null) spinner.text = latest();
    latest = null;
  }, UPDATE_MS).unref();
  return {
    update: (next) => {
      latest = next;
    },
    stop: () => {
      clearInterval(timer);
      spinner.stop();
    },
  };
}
