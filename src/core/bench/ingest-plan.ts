/** What the process of senders is told first: whom to connect to, and how to send. It answers `connected`. */
export interface IngestPlan {
  readonly port: number;
  readonly senders: number;
  /** Records of one message. */
  readonly batch: number;
  /** Records of all senders each second. */
  readonly perSecond: number;
}

/** Messages of each sender that add orders; as many cancel them, and then they begin again. */
export const LIVE_MESSAGES = 2;

/** Then, as often as it likes: messages that each sender sends. */
export interface IngestRound {
  readonly messages: number;
}

/** What the process of the reader is told: where events are served, which it answers when it reads; then what it waits for. */
export type ReaderRequest =
  | { readonly port: number; readonly form: 'json' | 'dbn' }
  | { readonly wanted: number };

/** What it answers to that: what it has, and how often it was told that it lost some. */
export interface ReaderCounts {
  readonly records: number;
  readonly lagged: number;
}
