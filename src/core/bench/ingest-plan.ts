/** What the process of senders is told: whom to connect to, and what to send. */
export interface IngestPlan {
  readonly port: number;
  readonly senders: number;
  /** Records of each sender. */
  readonly records: number;
  /** Records of one message. */
  readonly batch: number;
  /** Records of all senders each second. */
  readonly perSecond: number;
}

/** The senders answer `connected`, wait for `go`, and say `sent` when everything is. */
export type IngestWord = 'connected' | 'go' | 'sent';
