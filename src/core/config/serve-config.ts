/** How `mdx serve` runs: every key of its file, checked and with its default. Times are ns unless the name says ms. */
export interface ServeConfig {
  readonly source: {
    /** Paths and URIs of `mdx replay`; empty where lines are received. */
    readonly inputs: readonly string[];
    /** Times the speed of the recording; null = as fast as it can be read. */
    readonly speed: number | null;
    readonly feed: string | null;
    /** Trading day, YYYY-MM-DD. */
    readonly date: string | null;
    readonly instruments: string | null;
    /** File with the token that ws:// inputs ask for; null = that of the environment, if any. */
    readonly tokenFile: string | null;
  };
  /** The groups of each line and the snapshot groups, as `--line A=…` and `--snapshot` name them. */
  readonly lines: {
    readonly a: readonly string[];
    readonly b: readonly string[];
    readonly snapshot: readonly string[];
  };
  readonly receive: {
    readonly backend: 'auto' | 'dgram' | 'mmsg' | 'ring' | 'xdp';
    readonly workers: number;
    readonly batch: number;
    readonly slotBytes: number;
    readonly poolSlots: number;
    readonly receiveBufferBytes: number;
    readonly busyPollUs: number | null;
    readonly enginePollUs: number | null;
    readonly timestamps: 'off' | 'software' | 'hardware';
    readonly cpus: readonly number[];
    readonly realtime: number | null;
  };
  readonly merge: {
    readonly start: 'first-seen' | 'snapshot' | number;
    readonly gapTimeout: number;
    /** Numbers; null = without a limit. */
    readonly window: number | null;
    readonly pendingCap: number;
  };
  readonly recovery: {
    /** Null: what both lines lost is lost. */
    readonly endpoint: string | null;
    readonly backlog: string | null;
    readonly timeout: number;
    readonly requestTimeout: number;
    readonly attempts: number;
    readonly backoff: number;
    readonly minInterval: number;
    /** A range that takes longer is counted; 0 = none is. */
    readonly slo: number;
    readonly unrecoverable: 'log' | 'stale' | 'exit';
  };
  readonly journal: {
    /** Null: nothing is kept on disk. */
    readonly directory: string | null;
    readonly fsync: 'never' | 'batch' | { readonly intervalMs: number };
    readonly segmentBytes: number;
    readonly segmentEvents: number;
    readonly keepBytes: number | null;
    readonly keepNs: number | null;
    readonly minFreeBytes: number;
    readonly compress: boolean;
  };
  readonly http: {
    /** HOST:PORT of the API, health, metrics, /api/ws and SSE. Port 0 = the system chooses. */
    readonly listen: string;
    readonly tls: { readonly certificate: string; readonly key: string } | null;
    readonly corsOrigins: readonly string[];
    /** Requests at a time, bytes of a header and of a body, ms until a request is whole, ms a connection may idle. */
    readonly maxConnections: number;
    readonly maxHeaderBytes: number;
    readonly maxBodyBytes: number;
    readonly requestTimeoutMs: number;
    readonly idleTimeoutMs: number;
  };
  readonly security: {
    /** Named tokens; read from a file or the environment, never from arguments. */
    readonly tokens: readonly { readonly name: string; readonly token: string }[];
    /** Wider than loopback without tokens is allowed. */
    readonly insecure: boolean;
  };
  readonly rawV1: {
    /** HOST:PORT of the two endpoints; null = not served. */
    readonly a: string | null;
    readonly b: string | null;
    readonly price: 'native' | 'e8';
    readonly retainedFrames: number;
    readonly retainedBytes: number;
    readonly heartbeatMs: number;
    readonly writeTimeoutMs: number;
    readonly handshakeTimeoutMs: number;
    readonly maxConnections: number;
    readonly noDelay: boolean;
  };
  readonly events: {
    readonly retainedEvents: number;
    readonly retainedBytes: number;
    readonly recentEvents: number;
    readonly batchMax: number;
    readonly maxConnections: number;
    readonly sendTimeoutMs: number;
  };
  readonly sse: {
    readonly maxConnections: number;
    readonly keepAliveMs: number;
    /** Bytes that may wait for a client before it drops to a snapshot. */
    readonly pendingBytes: number;
  };
  readonly publishers: {
    /** Bytes of events that may wait for a thread that publishes; the next power of two counts. */
    readonly waitingBytes: number;
    /** One that has no room for more is cut off, or the engine waits. `auto`: cut off where lines are received. */
    readonly overload: 'auto' | 'cut' | 'wait';
  };
  readonly ingest: {
    /** HOST:PORT where senders of events connect; null = none is listened for. */
    readonly listen: string | null;
    readonly threads: number;
    readonly maxSenders: number;
    readonly helloTimeoutMs: number;
  };
  /** Only /api/ws and health: no books, journal, raw-v1. */
  readonly noStorage: boolean;
  readonly ready: {
    /** Books that may be stale while /ready is still true. */
    readonly staleBooks: number;
    /** A line without packets for so long is not seen. */
    readonly silentMs: number;
  };
  readonly log: {
    readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
    readonly format: 'text' | 'json';
  };
  readonly shutdown: { readonly timeoutMs: number };
}
