import { MdxError } from '../../errors.ts';
import * as layout from '../../feeds/raw-v1/layout.ts';
import type { RawV1Endpoint } from './endpoint.ts';
import { FrameQueue } from './frame-queue.ts';
import { type Ending, type LineHandler, RawV1Line } from './line.ts';
import { gapFrame, historyFrame } from './own-frames.ts';

/** Frames of one line that may wait for the other one. */
const PENDING_MAX = 65_536;
/** Bytes that wait to be read: from so many on the servers are not listened to, until there are few again. */
const QUEUE_BYTES_HIGH: number = 8 << 20;
const QUEUE_BYTES_LOW: number = 4 << 20;
const CLOSE_NORMAL = 1000;
const UNAUTHORIZED = 401;
const UNAVAILABLE = 503;
/** Not known. */
const ANY = -1;

/** What happened to the frames of a server. */
export interface LineCounts {
  /** Frames that the other line had brought. */
  duplicates: number;
  /** Frames that no line brought. */
  lostFrames: number;
  reconnects: number;
  snapshots: number;
  /** Messages that are longer than any frame. */
  foreign: number;
}

/**
 * One or two connections to one server made into one stream: a snapshot, then every live frame once, in the order of
 * the cursors. What one line misses the other one brings; what none of them brings is a hole, behind which the books
 * begin anew. A line that was lost comes back where the stream stands, or with a snapshot where the server has another
 * history or no longer what is missing.
 */
export class RawV1Lines implements LineHandler {
  readonly queue: FrameQueue = new FrameQueue();
  /** Why there is nothing more; null while there may be. */
  ended: string | null = null;
  error: MdxError | null = null;
  /** Is called when there is something to read, or the end. */
  onChange: () => void = () => {};
  readonly counts: LineCounts = { duplicates: 0, lostFrames: 0, reconnects: 0, snapshots: 0, foreign: 0 };
  readonly #lines: readonly RawV1Line[];
  readonly #wantsBooks: boolean;
  readonly #patienceMs: number;
  /** Cursor of the frame that comes next, or ANY. */
  #next = ANY;
  /** History that the frames are of, as text; null: the server does not name it. */
  #epoch: string | null = null;
  /** Nothing is taken but a snapshot. */
  #needsImage: boolean;
  /** The line that was asked for the snapshot, and whether it has begun to bring it. */
  #imageLine: RawV1Line | null = null;
  #isInImage = false;
  #hasScales = false;
  /** Frames that came before their turn, by cursor. */
  readonly #pending: Map<number, Buffer> = new Map();
  #isPaused = false;
  /** Has any line brought a frame? */
  #wasThere = false;
  /** Since when nobody is there, ms. */
  #aloneSince: number = performance.now();

  constructor(endpoints: readonly RawV1Endpoint[], token: string | null) {
    const { snapshot, fromSeq } = endpoints[0]!;
    this.#lines = endpoints.map((endpoint) => new RawV1Line(endpoint, token, this));
    this.#wantsBooks = snapshot;
    this.#needsImage = snapshot;
    this.#patienceMs = Math.max(...endpoints.map(({ patienceMs }) => patienceMs));
    if (fromSeq !== null) this.#next = Number(fromSeq);
  }

  start(): void {
    for (const line of this.#lines) this.#connect(line);
  }

  /** Something was read from the queue. */
  wasRead(): void {
    if (!this.#isPaused || this.queue.size > QUEUE_BYTES_LOW) return;
    this.#isPaused = false;
    for (const line of this.#lines) line.resume();
  }

  close(): void {
    this.ended ??= 'it was left';
    for (const line of this.#lines) line.close();
  }

  opened(line: RawV1Line, epoch: string | null): boolean {
    if (epoch === null || epoch === this.#epoch || line.asksImage) return true;
    if (this.#wantsBooks) {
      // Cursors of another history say nothing here.
      this.#beginAnew();
      return false;
    }
    this.#take(epoch);
    return true;
  }

  frame(line: RawV1Line, bytes: Buffer): void {
    this.#wasThere = true;
    this.#aloneSince = Number.POSITIVE_INFINITY;
    if (bytes.length > layout.FRAME_BYTES_MAX) {
      this.counts.foreign += 1;
      return;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const header = layout.headerBytes(view, 0, bytes.length);
    // Whoever reads the stream says what is wrong with a frame.
    if (header <= 0) this.#put(bytes);
    else {
      const type = view.getUint16(layout.AT_TYPE, true);
      const low = view.getInt32(layout.AT_SEQUENCE, true);
      const isNumbered = (low | view.getInt32(layout.AT_SEQUENCE + 4, true)) !== 0;
      const isOrder = type >= layout.TYPE_ADD && type <= layout.TYPE_EXECUTE;
      if (!isOrder || !isNumbered) this.#control(line, bytes, view, type, header);
      else if (header === layout.HEADER_BYTES) this.#live(line, bytes, numberAt(view, layout.AT_CURSOR));
      // Without cursors two lines cannot be put in order: one is read, the other one stands by.
      else if (this.#lines.find(({ isOpen }) => isOpen) === line) this.#put(bytes);
    }
  }

  lost(line: RawV1Line, ending: Ending): void {
    if (this.ended !== null) return;
    if (line === this.#imageLine) {
      this.#imageLine = null;
      this.#isInImage = false;
    }
    const { status, code, frames } = ending;
    const isRefused = status !== 0 && status !== UNAVAILABLE;
    if (isRefused && (status === UNAUTHORIZED || !line.asksCursor)) {
      this.#fail(refusal(line, ending));
      return;
    }
    if (!this.#lines.some(({ isOpen }) => isOpen)) {
      if (isRefused) this.#leave();
      if (this.#aloneSince === Number.POSITIVE_INFINITY) this.#aloneSince = performance.now();
    }
    if (code === CLOSE_NORMAL && frames > 0) line.isDone = true;
    if (this.#lines.every(({ isDone }) => isDone)) this.#end('the server has no more');
    else if (performance.now() - this.#aloneSince >= this.#patienceMs) this.#giveUp(line, ending);
    else this.#goOn(line, isRefused);
  }

  #connect(line: RawV1Line): void {
    if (this.ended !== null || line.isBusy || line.isDone) return;
    const isAlone = !this.#lines.some((other) => other !== line && other.isOpen);
    // A server that names no history may be another one than before: its cursors are not to be trusted.
    if (this.#wantsBooks && isAlone && (this.#next === ANY || this.#epoch === null)) this.#needsImage = true;
    if (this.#needsImage) {
      if (this.#imageLine !== null) return;
      this.#imageLine = line;
      line.connect('&snapshot=1', 'image');
    } else if (this.#next === ANY || line.joinsLate) line.connect('', 'tail');
    else line.connect(`&from_seq=${this.#next}`, 'cursor');
  }

  /** The line comes again; meanwhile the other one brings the snapshot, if one is needed. */
  #goOn(line: RawV1Line, isRefused: boolean): void {
    // The other line goes on alone in between.
    line.joinsLate = isRefused;
    if (!line.isDone) {
      line.retry(() => {
        if (!line.isBusy) this.counts.reconnects += 1;
        this.#connect(line);
      });
    }
    if (this.#needsImage && this.#imageLine === null) {
      for (const other of this.#lines) if (other !== line && !other.isWaiting) this.#connect(other);
    }
    this.#judgeHole();
  }

  /** What comes next is not to be had any longer. */
  #leave(): void {
    if (this.#wantsBooks) this.#needsImage = true;
    else this.#next = ANY;
  }

  /** The books begin anew, with a snapshot. */
  #beginAnew(): void {
    this.#needsImage = true;
    this.#imageLine = null;
    this.#isInImage = false;
    this.#pending.clear();
    for (const line of this.#lines) line.disconnect();
    for (const line of this.#lines) this.#connect(line);
  }

  /** Goes on with frames of another history. */
  #take(epoch: string): void {
    this.#epoch = epoch;
    this.#next = ANY;
    this.#pending.clear();
    this.#put(historyFrame(epoch));
  }

  #control(line: RawV1Line, bytes: Buffer, view: DataView, type: number, header: number): void {
    const isExtended = bytes.length - header >= layout.CONTROL_BYTES;
    if (type === layout.TYPE_GAP) this.#gap(line, view, header);
    else if (type === layout.TYPE_HEARTBEAT) {
      if (isExtended && !this.#needsImage) this.#heartbeat(bytes, view, header);
    } else if (line !== this.#imageLine) return;
    else if (type === layout.TYPE_SNAPSHOT_START) this.#beginImage(bytes, view, isExtended ? header : ANY);
    else if (this.#isInImage) {
      this.#put(bytes);
      if (type === layout.TYPE_SNAPSHOT_END) this.#endImage();
    }
  }

  #heartbeat(bytes: Buffer, view: DataView, at: number): void {
    const epoch = epochAt(view, at);
    if (this.#epoch !== null && epoch !== this.#epoch) {
      if (this.#wantsBooks) {
        this.#beginAnew();
        return;
      }
      this.#take(epoch);
    }
    this.#epoch = epoch;
    if (this.#hasScales) return;
    this.#hasScales = true;
    this.#put(bytes);
  }

  /** @param at where the payload says history and cursor, ANY: it does not. */
  #beginImage(bytes: Buffer, view: DataView, at: number): void {
    const epoch = at === ANY ? null : epochAt(view, at);
    const next = at === ANY ? ANY : numberAt(view, at + 8);
    const isSame = epoch !== null && epoch === this.#epoch;
    if (isSame && this.#next !== ANY && next > this.#next) this.#lose(next);
    this.#epoch = epoch;
    this.#next = next;
    this.#isInImage = true;
    this.#hasScales = at !== ANY;
    this.counts.snapshots += 1;
    this.#pending.clear();
    this.#put(bytes);
  }

  #endImage(): void {
    this.#needsImage = false;
    this.#imageLine = null;
    this.#isInImage = false;
    for (const line of this.#lines) this.#connect(line);
  }

  /** The server says that a line lost frames. It closes it now; what the other line has does not matter then. */
  #gap(line: RawV1Line, view: DataView, at: number): void {
    const last = numberAt(view, at + 8);
    if (this.#needsImage || this.#next === ANY || last < this.#next) return;
    line.passed = last + 1;
    if (this.#lines.some((other) => other !== line && other.isOpen)) return;
    if (this.#wantsBooks) this.#beginAnew();
    else {
      this.#lose(last + 1);
      this.#next = last + 1;
    }
  }

  #live(line: RawV1Line, bytes: Buffer, cursor: number): void {
    if (this.#needsImage) return;
    line.passed = cursor + 1;
    if (this.#next === ANY) this.#next = cursor;
    if (cursor < this.#next) this.counts.duplicates += 1;
    else if (cursor === this.#next) {
      this.#put(bytes);
      this.#next += 1;
      if (this.#pending.size > 0) this.#drain();
    } else {
      this.#pending.set(cursor, Buffer.from(bytes));
      this.#judgeHole();
    }
  }

  /** Passes on what has waited for its turn. */
  #drain(): void {
    for (;;) {
      const bytes = this.#pending.get(this.#next);
      if (bytes === undefined) return;
      this.#pending.delete(this.#next);
      this.#put(bytes);
      this.#next += 1;
    }
  }

  /** What comes next is missing for good where all lines are behind it. */
  #judgeHole(): void {
    if (this.#pending.size === 0 || this.#needsImage) return;
    const mayCome = this.#lines.some(
      ({ isBusy, isOpen, passed }) => isBusy && (!isOpen || passed <= this.#next),
    );
    if (mayCome && this.#pending.size < PENDING_MAX) return;
    let first = Number.POSITIVE_INFINITY;
    for (const cursor of this.#pending.keys()) if (cursor < first) first = cursor;
    if (this.#wantsBooks) {
      this.#beginAnew();
      return;
    }
    this.#lose(first);
    this.#next = first;
    this.#drain();
  }

  /** Tells that the frames up to that one are lost. */
  #lose(next: number): void {
    this.counts.lostFrames += next - this.#next;
    this.#put(gapFrame(this.#next, next - 1));
  }

  #put(bytes: Uint8Array): void {
    this.queue.put(bytes);
    if (this.queue.size > QUEUE_BYTES_HIGH && !this.#isPaused) {
      this.#isPaused = true;
      for (const line of this.#lines) line.pause();
    }
    this.onChange();
  }

  #giveUp(line: RawV1Line, { text, status }: Ending): void {
    const why = status === 0 ? text : `${status} ${text}`;
    if (this.#wasThere) this.#end(`nobody is there any longer${why === '' ? '' : `: ${why}`}`);
    else {
      const hint =
        why === '' ? 'Is it a raw-v1 server? It closes the connection without a reason.' : undefined;
      const what = `connecting to ${line.endpoint.text}: ${why === '' ? 'it brings nothing' : why}`;
      this.#fail(new MdxError('socket-unreachable', what, { hint }));
    }
  }

  #end(why: string): void {
    this.close();
    this.ended = why;
    this.onChange();
  }

  #fail(error: MdxError): void {
    this.close();
    this.error = error;
    this.onChange();
  }
}

function refusal({ endpoint }: RawV1Line, { status, text }: Ending): MdxError {
  const hint =
    status === UNAUTHORIZED
      ? 'Put its token into the environment as MDX_TOKEN, or name a file of it with --token-file.'
      : undefined;
  return new MdxError(
    'socket-refused',
    `connecting to ${endpoint.text}: the server answers ${status}: ${text}`,
    {
      hint,
    },
  );
}

/** An unsigned integer of 64 bits; above 2^53 it is not exact. */
function numberAt(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 4294967296 + view.getUint32(at, true);
}

function epochAt(view: DataView, at: number): string {
  return view.getBigUint64(at, true).toString(16).padStart(16, '0');
}
