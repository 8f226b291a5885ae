import { closeSync, openSync, statSync } from 'node:fs';
import { ByteWindow } from '../../binary/byte-window.ts';
import { toBigUint } from '../../binary/time.ts';
import {
  CAPTURE_DAMAGED,
  CAPTURE_END,
  CAPTURE_MORE,
  CAPTURE_PACKET,
  CAPTURE_TRUNCATED,
  CaptureReader,
  detectCapture,
} from '../../capture/capture-reader.ts';
import { SKIP_NAMES, UDP_OK, UdpExtractor } from '../../capture/udp.ts';
import { MdxError } from '../../errors.ts';
import { type Feed, HEADER_DAMAGED, HEADER_DATA, type TransportReader } from '../../feeds/feed.ts';
import { Datagram } from '../../packet/datagram.ts';
import { FeedDetector } from '../detect.ts';
import { type FlowFilter, passes, sameFlow } from '../flows.ts';
import { isGzip } from '../gzip-pieces.ts';
import { openRaw } from '../raw-source.ts';
import type { Damage, InputResult } from '../run-state.ts';
import { isZstd } from '../zstd-pieces.ts';
import { PacketIndex } from './packet-index.ts';

const WINDOW_BYTES: number = 1 << 20;
const HEAD_BYTES = 12;

export interface IndexOptions {
  readonly paths: readonly string[];
  readonly feeds: readonly Feed[];
  /** Null: told by content. */
  readonly feedName: string | null;
  readonly flows: Pick<FlowFilter, 'ports' | 'groups'>;
  /** Told how far it is, once per window. @returns true to stop. */
  readonly breathe: (path: string, bytes: number, total: number) => Promise<boolean>;
}

/** Captures with an index of their packets. */
export interface IndexedCaptures {
  readonly feed: Feed;
  readonly index: PacketIndex;
  readonly inputs: readonly InputResult[];
  readonly damage: readonly Damage[];
  /** Datagrams of the feed that are not in the index. */
  readonly unsequenced: number;
  readonly damaged: number;
  readonly otherChannel: number;
  /** Somebody asked to stop before all was read. */
  readonly stopped: boolean;
  close(): void;
}

/**
 * Reads captures once and notes where their packets stand. Both lines of a channel may be in them: of packets with the
 * same numbers the first is kept. The files must be plain ones: packets are read from them again when they are asked for.
 * Rejects with MdxError: `input-*`, `usage` (compressed, a pipe), `feed-none`, `feed-ambiguous`.
 */
export async function indexCaptures(options: IndexOptions): Promise<IndexedCaptures> {
  for (const path of options.paths) refuseUnfit(path);
  const feed = await feedOf(options);
  const transport = feed.transport?.();
  if (transport === undefined) {
    throw new MdxError('usage', `feed ${feed.name} does not come in packets, so there are none to ask for`);
  }
  const indexing = new Indexing(options, feed, transport);
  try {
    return await indexing.execute();
  } catch (error) {
    indexing.close();
    throw error;
  }
}

/** What is read again and again has to be a plain file. */
function refuseUnfit(path: string): void {
  if (path === '-' || statSync(path, { throwIfNoEntry: false })?.isFIFO() === true) {
    throw new MdxError(
      'usage',
      `indexing ${path}: packets are read again when they are asked for, and a pipe is read once`,
      {
        hint: 'Write it to a file first.',
      },
    );
  }
}

/** The feed that was named, or what the first datagrams tell. */
async function feedOf(options: IndexOptions): Promise<Feed> {
  const { feeds, feedName, paths } = options;
  if (feedName !== null) {
    return feeds.find(({ name, aliases }) => name === feedName || aliases?.includes(feedName))!;
  }
  const detector = new FeedDetector(feeds);
  let leftOut = 0;
  for (const path of paths) {
    let found: Feed | null = null;
    const walk = await walkCapture(path, (datagram) => {
      if (passes({ ...options.flows, snapshots: [], detect: true }, datagram))
        found = detector.offer(datagram);
      else leftOut += 1;
      return found === null && !detector.exhausted;
    });
    if (found !== null) return found;
    if (detector.exhausted || walk.damage !== null) break;
  }
  throw detector.failure(paths.at(-1)!, leftOut);
}

class Indexing {
  readonly #options: IndexOptions;
  readonly #feed: Feed;
  readonly #transport: TransportReader;
  readonly #index: PacketIndex;
  readonly #inputs: InputResult[] = [];
  readonly #damage: Damage[] = [];
  readonly #open: number[] = [];
  /** One datagram of each flow of the feed. */
  readonly #flows: Datagram[] = [];
  readonly #looks: boolean;
  #subchannel = -1;
  #unsequenced = 0;
  #damaged = 0;
  #otherChannel = 0;

  constructor(options: IndexOptions, feed: Feed, transport: TransportReader) {
    this.#options = options;
    this.#feed = feed;
    this.#transport = transport;
    this.#index = new PacketIndex(transport);
    const { ports, groups } = options.flows;
    this.#looks = ports === null && groups === null;
  }

  async execute(): Promise<IndexedCaptures> {
    let stopped = false;
    for (const path of this.#options.paths) {
      // Says in the usual words what is wrong with it.
      await (await openRaw(path, null, () => {})).close();
      const fd = openSync(path, 'r');
      this.#open.push(fd);
      this.#index.addFile(fd);
      const walk = await walkCapture(
        path,
        (datagram, offset) => {
          this.#take(datagram, offset);
          return true;
        },
        async (bytes, total) => {
          stopped = await this.#options.breathe(path, bytes, total);
          return !stopped;
        },
      );
      this.#inputs.push(walk.input);
      if (walk.damage !== null) this.#damage.push(walk.damage);
      if (stopped) break;
    }
    this.#index.seal();
    return {
      feed: this.#feed,
      index: this.#index,
      inputs: this.#inputs,
      damage: this.#damage,
      unsequenced: this.#unsequenced,
      damaged: this.#damaged,
      otherChannel: this.#otherChannel,
      stopped,
      close: () => this.close(),
    };
  }

  close(): void {
    for (const fd of this.#open.splice(0)) closeSync(fd);
  }

  #take(datagram: Datagram, offset: number): void {
    if (!this.#isOfFeed(datagram)) return;
    if (this.#feed.subchannelOf !== undefined) {
      const subchannel = this.#feed.subchannelOf(datagram);
      if (this.#subchannel < 0) this.#subchannel = subchannel;
      if (subchannel !== this.#subchannel) {
        this.#otherChannel += 1;
        return;
      }
    }
    const transport = this.#transport;
    const kind = transport.readHeader(datagram);
    if (kind === HEADER_DAMAGED) this.#damaged += 1;
    else if (kind === HEADER_DATA && transport.first === 0) this.#unsequenced += 1;
    else if (kind === HEADER_DATA) this.#index.add(datagram, offset);
  }

  #isOfFeed(datagram: Datagram): boolean {
    for (const flow of this.#flows) if (sameFlow(flow, datagram)) return true;
    if (!passes({ ...this.#options.flows, snapshots: [], detect: this.#looks }, datagram)) return false;
    if (this.#looks && this.#feed.detectDatagram?.(datagram) !== 'yes') return false;
    this.#flows.push(datagram.copy());
    return true;
  }
}

/** What came of reading one capture. */
interface Walk {
  readonly input: InputResult;
  readonly damage: Damage | null;
}

/**
 * Walks the datagrams of a plain capture file, until `visit` has seen enough. `offset` is that of the payload in the file.
 * Between windows it waits for `breathe`, which may end it, too.
 */
async function walkCapture(
  path: string,
  visit: (datagram: Datagram, offset: number) => boolean,
  breathe: (bytes: number, total: number) => Promise<boolean> = async () => true,
): Promise<Walk> {
  const source = await openRaw(path, null, () => {});
  try {
    const window = new ByteWindow(WINDOW_BYTES);
    while (window.available < HEAD_BYTES && (await source.fill(window)));
    const head = window.bytes.subarray(0, window.limit);
    if (isGzip(head) || isZstd(head)) {
      throw new MdxError(
        'usage',
        `indexing ${path}: it is compressed, and its packets are read one by one later`,
        {
          hint: 'Unpack it first: zstd -d or gunzip.',
        },
      );
    }
    const format = detectCapture(head);
    if (format === null) {
      const why = window.available === 0 ? 'it is empty' : 'it is no capture';
      throw new MdxError(
        window.available === 0 ? 'input-empty' : 'input-format',
        `indexing ${path}: ${why}`,
        {
          hint: 'Captures are pcap and pcapng files; mdx rx and mdx simulate write such.',
        },
      );
    }
    const input: InputResult = {
      path,
      format,
      bytes: 0,
      packets: 0,
      datagrams: 0,
      firstTime: null,
      lastTime: null,
      truncated: false,
      skipped: new Map(),
    };
    const reader = new CaptureReader(window, format);
    const extractor = new UdpExtractor();
    const datagram = new Datagram();
    datagram.attach(window.bytes);
    let damage: Damage | null = null;
    for (let goesOn = true; goesOn; ) {
      const step = reader.next();
      if (step === CAPTURE_PACKET) {
        input.packets! += 1;
        if ((reader.timeHigh | reader.timeLow) !== 0) {
          input.lastTime = toBigUint(reader.timeHigh, reader.timeLow);
          input.firstTime ??= input.lastTime;
        }
        const outcome = extractor.extract(reader, window, datagram);
        if (outcome === UDP_OK) {
          input.datagrams! += 1;
          goesOn = visit(datagram, window.base + datagram.offset);
        } else {
          const reason = SKIP_NAMES[outcome]!;
          input.skipped.set(reason, (input.skipped.get(reason) ?? 0) + 1);
        }
      } else if (step === CAPTURE_MORE) {
        goesOn = await breathe(source.bytes, source.total ?? 0);
        await source.fill(window);
      } else if (step === CAPTURE_DAMAGED || step === CAPTURE_TRUNCATED) {
        input.truncated = step === CAPTURE_TRUNCATED;
        damage = { path, offset: reader.problemOffset, problem: reader.problem ?? '' };
        goesOn = false;
      } else if (step === CAPTURE_END) goesOn = false;
    }
    input.bytes = source.bytes;
    return { input, damage };
  } finally {
    await source.close();
  }
}
