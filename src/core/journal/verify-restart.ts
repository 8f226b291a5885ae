/** Whether a snapshot and the events behind it lead to where the journal is; hashes as text. */
export interface RestartResult {
  readonly snapshot: string;
  readonly anchored: boolean;
  /** How the place of the snapshot in the journal was found: by its event, its state hash or its bus cursor. */
  readonly anchor: 'event' | 'hash' | 'cursor' | null;
  /** Number of the event behind the snapshot. */
  readonly anchorSequence: string | null;
  readonly skippedRecords: number;
  readonly replayedEvents: number;
  readonly snapshotHash: string | null;
  readonly finalHash: string | null;
  readonly matched: boolean;
  /** Why it is not anchored or did not match; null where all is well. */
  readonly problem: string | null;
}
