/** A client as operators see it, whatever it is served by. */
export interface ClientView {
  readonly id: number;
  readonly protocol: 'raw-v1' | 'events' | 'dbn' | 'sse';
  readonly address: string;
  /** Name of its token, null = none was needed. */
  readonly token: string | null;
  readonly connectedMs: number;
  readonly frames: number;
  readonly bytes: number;
  readonly pendingBytes: number;
  /** Frames or events that it is behind, and that were skipped for it. */
  readonly lag: number;
  readonly skipped: number;
}
