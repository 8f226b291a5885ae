/** What an HTTP server has seen since it started. */
export class HttpCounts {
  /** Connections that are open now, those that were upgraded included. */
  connections = 0;
  requests = 0;
  /** Answers by the first digit of their status, index 1 … 5. */
  readonly answers: number[] = [0, 0, 0, 0, 0, 0];
  /** Connections that were closed unheard because as many as allowed were open. */
  refusedConnections = 0;
  /** What was no HTTP, too large, too slow, or cut off. */
  malformed = 0;
  /** Requests that were refused because too many bytes of answers were waiting for slow readers. */
  overloaded = 0;
  /** Handlers that failed: faults of ours. */
  failures = 0;
  /** Upgrades that were refused, and handed over. */
  refusedUpgrades = 0;
  upgrades = 0;
  /** Requests with a missing or wrong token. */
  unauthorized = 0;
}
