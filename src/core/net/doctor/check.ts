/** Whether a thing is as receiving wants it: `warn` costs speed or packets, `missing` does not work at all. */
export type CheckState = 'ok' | 'warn' | 'missing';

/** One line of `mdx doctor`. */
export interface Check {
  readonly group: 'backends' | 'rights' | 'buffers' | 'multicast' | 'interfaces' | 'clock' | 'machine';
  readonly name: string;
  readonly state: CheckState;
  /** What was found. */
  readonly found: string;
  /** What to do about it; null where nothing need be done. */
  readonly advice: string | null;
}
