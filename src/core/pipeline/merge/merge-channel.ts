import type { PipeInterface } from '../../capture/pipe-interface.ts';
import type { TransportReader } from '../../feeds/feed.ts';
import type { Arbiter } from '../../merge/arbiter.ts';
import type { Channel, Flow } from '../flows.ts';

/** A flow, and what became of its packets. */
export class MergeFlow {
  readonly flow: Flow<TransportReader>;
  /** Number of the group pair, for the description of the output. */
  readonly pair: number;
  /** How it is received; null = read from a file that says nothing of it. */
  readonly origin: PipeInterface | null;
  /** Packets seen, and of them those that were passed on. */
  packets = 0;
  delivered = 0;
  /** Interface of the output, −1 = not described yet. */
  interfaceId = -1;

  constructor(flow: Flow<TransportReader>, pair: number, origin: PipeInterface | null) {
    this.flow = flow;
    this.pair = pair;
    this.origin = origin;
  }
}

/** A channel, and how far its output is. */
export class MergeChannel {
  readonly number: number;
  readonly transport: TransportReader;
  readonly arbiter: Arbiter;
  readonly flows: MergeFlow[] = [];
  /** Session and number that come next in the output; −1 = nothing was passed on yet. */
  session = 0;
  next = -1;
  /** Line whose heartbeats are passed on at this number; −1 = none has come yet. */
  heartbeatLine = -1;
  /** What people read at the next packet. */
  comment = '';

  constructor({ number, decoder, arbiter }: Channel<TransportReader>) {
    this.number = number;
    this.transport = decoder;
    this.arbiter = arbiter;
  }

  /** Flow of a line, for packets that did not come on it themselves: what recovery brings goes where A goes. */
  flowOf(line: number): MergeFlow {
    return this.flows.find(({ flow }) => flow.line === line) ?? this.flows[0]!;
  }
}
