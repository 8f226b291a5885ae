/** One deliberate mistake: a line of the source with something else in its place. */
export interface Mutation {
  /** What the mistake is, in a few words. */
  readonly name: string;
  readonly file: string;
  /** Text that stands once in the file, or once in the method that `within` begins. */
  readonly from: string;
  readonly to: string;
  /** How the method with the line begins, where the line alone is not unique. */
  readonly within?: string;
  /** Tests of which at least one must turn red; none where only the fuzzers can tell. */
  readonly tests: readonly string[];
  /** The fuzzers find it, too, within a minute. */
  readonly fuzz?: true;
}

const MARKET = 'src/core/book/market.ts';
const BOOK_TESTS = ['test/core/book/market.test.ts'];
const DBN = 'src/core/feeds/dbn/decoder.ts';
const DBN_TESTS = ['test/core/feeds/dbn/decoder.test.ts'];
const LEVELS = 'src/core/feeds/dbn/level-decoder.ts';
const LEVELS_TESTS = ['test/core/feeds/dbn/levels.test.ts'];
const ITCH = 'src/core/feeds/itch/messages.ts';
const ITCH_TESTS = ['test/core/feeds/itch/messages.test.ts'];
const EOBI = 'src/core/feeds/eobi/messages.ts';
const EOBI_TESTS = ['test/core/feeds/eobi/messages.test.ts'];
const EOBI_JOIN = 'src/core/feeds/eobi/snapshot-join.ts';
const EOBI_JOIN_TESTS = ['test/core/feeds/eobi/snapshot-join.test.ts'];
const FAST_LIKE = 'src/core/feeds/fast-like/messages.ts';
const VARINTS = 'src/core/feeds/fast-like/varints.ts';
const FAST_LIKE_TESTS = ['test/core/feeds/fast-like/packets.test.ts'];
const MERGE = 'src/core/merge/session-merge.ts';
const MERGE_TESTS = ['test/core/merge/one-line.test.ts'];
const LINES_TESTS = ['test/core/merge/lines.test.ts'];
const INGEST_SOURCES = 'src/core/pipeline/ingest/ingest-sources.ts';
const INGEST_TESTS = ['test/core/pipeline/ingest/ingest-input.test.ts'];
const INGEST_CUTTER = 'src/core/net/ingest/cutter.ts';
const INGEST_CUTTER_TESTS = ['test/core/net/ingest/cutter.test.ts'];
const INGEST_SERVER = 'src/core/net/ingest/server.ts';
const INGEST_SERVER_TESTS = ['test/core/net/ingest/server.test.ts'];
const UDP = 'src/core/capture/udp.ts';
const UDP_TESTS = ['test/core/capture/udp.test.ts'];

const FLOW_PAIRS = 'src/core/pipeline/flow-pairs.ts';
const RUN_TESTS = ['test/core/pipeline/run.test.ts'];

const TO_DBN = 'src/core/convert/dbn-conversion.ts';
const TO_DBN_TESTS = ['test/core/convert/dbn-conversion.test.ts'];
const EVENT_FIELDS = 'src/core/pipeline/rows/event-fields.ts';
const EVENT_TEXT_TESTS = ['test/core/convert/event-text.test.ts'];

const FETCHER = 'src/core/merge/recovery/fetcher.ts';
const FETCHER_TESTS = ['test/core/merge/recovery/fetcher.test.ts'];
const PROTOCOL_TESTS = ['test/core/merge/recovery/protocols.test.ts'];
const RECOVERY_TESTS = ['test/core/net/recovery.test.ts'];
const RESUME_FILTER = 'src/core/pipeline/resume/resume-filter.ts';
const RESUME_TESTS = ['test/core/pipeline/resume/rules.test.ts', 'test/core/pipeline/resume/resume.test.ts'];
const RESUME_WRITER_TESTS = ['test/core/pipeline/resume/writer.test.ts'];
const RESUME_WINDOW_TESTS = ['test/core/pipeline/resume/event-window.test.ts'];
const FRAME_READER = 'src/core/journal/frame-reader.ts';
const WRITER = 'src/core/journal/journal-writer.ts';
const WRITER_TESTS = ['test/core/journal/journal-writer.test.ts'];
const EVENT_FRAMES = 'src/core/journal/event-frames.ts';
const EVENT_FRAMES_TESTS = ['test/core/journal/bulk-frames.test.ts'];
const WALK = 'src/core/journal/segment-walk.ts';
const SCAN = 'src/core/journal/segment-scan.ts';
const SCAN_TESTS = ['test/core/journal/segment-scan.test.ts'];
const VERIFIER = 'src/core/journal/segment-verifier.ts';
const JUDGE = 'src/core/journal/verify-judge.ts';
const VERIFY_TESTS = ['test/core/journal/verify-books.test.ts'];
const DAMAGE_TESTS = ['test/core/journal/verify-damage.test.ts'];
const LOCK = 'src/core/journal/lock.ts';
const LOCK_TESTS = ['test/core/journal/lock.test.ts'];
const FOUND = 'src/core/journal/journal-found.ts';
const POWER_TESTS = ['test/core/journal/power-loss.test.ts'];
const THREAD_TESTS = ['test/core/journal/threaded-journal.test.ts'];
const COMPRESSED_TESTS = ['test/core/journal/compressed-segment.test.ts'];
const SEGMENT_READER = 'src/core/journal/segment-reader.ts';
const JOURNAL_INPUT = 'src/core/pipeline/journal-input.ts';
const JOURNAL_SEEK = 'src/core/pipeline/journal-seek.ts';
const JOURNAL_INPUT_TESTS = ['test/core/pipeline/journal-input.test.ts'];
const JOURNAL_SEEK_TESTS = ['test/core/pipeline/journal-seek.test.ts'];
const SEGMENT_INDEX_TESTS = ['test/core/journal/segment-index.test.ts'];
const SEGMENT_TESTS = ['test/core/journal/segment.test.ts'];
const BATCH_TESTS = ['test/core/publish/zeromq/batch.test.ts'];
const ZMQ_TESTS = ['test/core/pipeline/zeromq/sockets.test.ts'];

const TAKER = 'src/core/journal/image-taker.ts';
const TOUCHED = 'src/core/journal/touched.ts';
const TAKER_TESTS = ['test/core/journal/image-taker.test.ts'];
const IMAGE_INPUT = 'src/core/pipeline/image-input.ts';
const IMAGE_INPUT_TESTS = ['test/core/pipeline/image-input.test.ts'];

const COMPARER = 'src/core/pipeline/diff/comparer.ts';
const BOOK_WATCH = 'src/core/pipeline/diff/book-watch.ts';
const QUEUE_DIGESTS = 'src/core/pipeline/diff/queue-digests.ts';
const DIFF_TESTS = ['test/core/pipeline/diff/diff.test.ts'];
const DIGEST_TESTS = ['test/core/pipeline/diff/queue-digests.test.ts'];

const BUS = 'src/core/publish/bus.ts';
const BUS_TESTS = ['test/core/publish/bus.test.ts'];
const RAW_V1_FRAMES = 'src/core/feeds/raw-v1/frame-decoder.ts';
const RAW_V1_RECORDING_TESTS = ['test/core/feeds/raw-v1/recording.test.ts'];
const RAW_V1_LINES = 'src/core/pipeline/raw-v1/lines.ts';
const RAW_V1_SOURCE_TESTS = ['test/core/pipeline/raw-v1-source.test.ts'];
const RAW_V1 = 'src/core/publish/raw-v1';
const RAW_V1_FRAME_TESTS = ['test/core/publish/raw-v1/encoder.test.ts'];
const RAW_V1_TESTS = ['test/core/publish/raw-v1/server.test.ts'];

/** Mistakes that somebody could make, one from each corner of the way from a file to its books. */
const HTTP_ACCESS_TESTS = ['test/core/serve/http/access.test.ts'];
const HTTP_LIMITS_TESTS = ['test/core/serve/http/limits.test.ts'];
const HTTP_BOOKS_TESTS = ['test/core/serve/api/books.test.ts'];
const CONFIG_TESTS = ['test/core/config/load.test.ts'];
const HTTP_HEALTH_TESTS = ['test/core/serve/api/health.test.ts'];

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'a message of a sender that goes on in the next chunk begins anew',
    file: INGEST_CUTTER,
    from: 'this.#used += to - from;',
    to: 'this.#used = to - from;',
    tests: INGEST_CUTTER_TESTS,
  },
  {
    name: 'a sender may say more than the limit at once',
    file: INGEST_CUTTER,
    within: 'push(',
    from: 'length > this.#longest',
    to: 'length > 2 ** 32',
    tests: INGEST_CUTTER_TESTS,
  },
  {
    name: 'records that a sender repeats are applied again',
    file: INGEST_SOURCES,
    from: 'const begin = source.at < source.next ?',
    to: 'const begin = source.at < 0 ?',
    tests: INGEST_TESTS,
  },
  {
    name: 'a source that leaves out numbers says nothing of it',
    file: INGEST_SOURCES,
    from: 'else if (start > wanted) this.#lose(source, start - 1, 0, 0);',
    to: '',
    tests: INGEST_TESTS,
  },
  {
    name: 'a record that is cut takes the bytes of the next message for its own',
    file: INGEST_SOURCES,
    from: 'if (end === to) return;',
    to: 'if (end <= to) return;',
    tests: INGEST_TESTS,
  },
  {
    name: 'the records of one source are decoded as those of the next',
    file: INGEST_SOURCES,
    from: 'if (this.#staged !== source ||',
    to: 'if (this.#staged === null ||',
    tests: INGEST_TESTS,
  },
  {
    name: 'a sender is read on while nobody takes what it said',
    file: INGEST_SERVER,
    from: 'connection.socket.pause();',
    to: '',
    tests: INGEST_SERVER_TESTS,
  },
  {
    name: 'a sender that was made to wait waits for good',
    file: INGEST_SERVER,
    from: 'connection.socket.resume();',
    to: '',
    tests: INGEST_SERVER_TESTS,
  },
  {
    name: 'bus: a cursor is taken for the one behind it',
    file: BUS,
    from: 'const index = cursor - chunk.first;',
    to: 'const index = Math.max(0, cursor - chunk.first - 1);',
    tests: BUS_TESTS,
  },
  {
    name: 'bus: what a slow client is still sent is written over',
    file: BUS,
    from: 'if (chunk.pins > 0) this.#pinnedChunks += 1;\n    else this.#release(chunk);',
    to: 'this.#release(chunk);',
    tests: BUS_TESTS,
  },
  {
    name: 'raw-v1 input: a change of the price keeps the place of its order',
    file: RAW_V1_FRAMES,
    from: 'const HEAD_MODIFY: number = KIND_MODIFY | LAST;',
    to: 'const HEAD_MODIFY: number = KIND_MODIFY | ((FLAG_LAST | FLAG_KEEP_PRIORITY) << 8);',
    tests: RAW_V1_RECORDING_TESTS,
  },
  {
    name: 'raw-v1 input: a cursor that is skipped is no loss',
    file: RAW_V1_FRAMES,
    from: 'if (hasCursor && this.#next !== ANY && cursor > this.#next)',
    to: 'if (hasCursor && this.#next !== ANY && cursor > this.#next + 8)',
    tests: RAW_V1_RECORDING_TESTS,
  },
  {
    name: 'raw-v1 input: what was known of sequences outlives a snapshot',
    file: RAW_V1_FRAMES,
    within: '#beginAnew(cursor',
    from: 'this.#instruments.forget();',
    to: '',
    tests: RAW_V1_RECORDING_TESTS,
  },
  {
    name: 'raw-v1 lines: a hole of one line is one of both',
    file: RAW_V1_LINES,
    from: '({ isBusy, isOpen, passed }) => isBusy && (!isOpen || passed <= this.#next),',
    to: '({ isBusy, isOpen }) => isBusy && !isOpen,',
    tests: RAW_V1_SOURCE_TESTS,
  },
  {
    name: 'raw-v1 lines: what the other line has brought comes again',
    file: RAW_V1_LINES,
    from: 'if (cursor < this.#next) this.counts.duplicates += 1;',
    to: 'if (cursor < this.#next) this.#put(bytes);',
    tests: RAW_V1_SOURCE_TESTS,
  },
  {
    name: 'raw-v1 lines: a cursor is believed in a history without a name',
    file: RAW_V1_LINES,
    from: '(this.#next === ANY || this.#epoch === null)',
    to: 'this.#next === ANY',
    tests: RAW_V1_SOURCE_TESTS,
  },
  {
    name: 'raw-v1: snapshot and cursor are of different moments',
    file: `${RAW_V1}/publisher.ts`,
    from: 'cursor: this.bus.next, onRefused',
    to: 'cursor: this.bus.next + 1, onRefused',
    tests: RAW_V1_FRAME_TESTS,
  },
  {
    name: 'raw-v1: an execution takes off more than the order had',
    file: `${RAW_V1}/encoder.ts`,
    from: 'Math.max(0, this.#was[0]! - taken)',
    to: 'this.#was[0]! - taken',
    tests: RAW_V1_FRAME_TESTS,
  },
  {
    name: 'raw-v1: a twin that leaves has no frame',
    file: `${RAW_V1}/encoder.ts`,
    from: 'if (this.#twin >> 1 === bookSide >> 1) frames.cancel();\n      else',
    to: 'if (this.#twin >> 1 !== bookSide >> 1)',
    tests: RAW_V1_FRAME_TESTS,
  },
  {
    name: 'raw-v1: a price that e8 cannot say is rounded',
    file: `${RAW_V1}/price.ts`,
    from: ' || price % factor !== 0',
    to: '',
    tests: RAW_V1_FRAME_TESTS,
  },
  {
    name: 'raw-v1: what follows a snapshot is not kept while it is sent',
    file: `${RAW_V1}/client.ts`,
    from: 'if (first !== null) this.#hold = this.#bus.hold(first);',
    to: '',
    tests: RAW_V1_TESTS,
  },
  {
    name: 'raw-v1: a client that takes nothing stays',
    file: `${RAW_V1}/server.ts`,
    from: 'client.peer.check(now);',
    to: '',
    tests: RAW_V1_TESTS,
  },
  {
    name: 'raw-v1: a gap names a frame that is still kept',
    file: `${RAW_V1}/client.ts`,
    from: 'this.lose(cursor, bus.oldest - 1)',
    to: 'this.lose(cursor, bus.oldest)',
    tests: RAW_V1_TESTS,
  },
  {
    name: 'raw-v1: nobody is asked for a token',
    file: `${RAW_V1}/server.ts`,
    from: 'if (this.#authorizer.some && token === null) {',
    to: 'if (this.#closing && token === null) {',
    tests: RAW_V1_TESTS,
  },
  {
    name: 'resume: the last event of the journal is applied again',
    file: RESUME_FILTER,
    from: 'if (order > 0) {',
    to: 'if (order >= 0) {',
    tests: RESUME_TESTS,
  },
  {
    name: 'resume: the first event behind the journal is left out',
    file: RESUME_FILTER,
    from: '} else if (!seeker.isFound && !this.#isBehind(seeker, batch, at)) return false;',
    to: '} else if (!this.#isBehind(seeker, batch, at)) return false;',
    tests: RESUME_TESTS,
  },
  {
    name: 'resume: the place of an event in its message does not count',
    file: RESUME_FILTER,
    from: 'return this.sequence - this.end.sequence || this.events - this.end.events;',
    to: 'return this.sequence - this.end.sequence;',
    tests: RESUME_TESTS,
  },
  {
    name: 'resume: messages between journal and input are not told',
    file: RESUME_FILTER,
    from: 'if (missing > 0 && !isOpen) this.#tellHole(',
    to: 'if (missing < 0 && !isOpen) this.#tellHole(',
    tests: RESUME_TESTS,
  },
  {
    name: 'resume: any event like the last one of the journal is taken for it',
    file: 'src/core/pipeline/resume/event-window.ts',
    from: 'const length = Math.min(this.size, known.size - back);',
    to: 'const length = 1;',
    tests: RESUME_WINDOW_TESTS,
  },
  {
    name: 'resume: holes are told as lost where a run is stopped',
    file: 'src/core/pipeline/run.ts',
    from: 'if (state.stopped !== null && state.options.endsOpen === true) this.#captures.leave();',
    to: 'if (false) this.#captures.leave();',
    tests: RESUME_WRITER_TESTS,
  },
  {
    name: 'resume: a torn tail is kept',
    file: 'src/core/journal/journal-found.ts',
    from: 'if (end !== null) open.truncate(end);',
    to: '',
    tests: RESUME_WRITER_TESTS,
  },
  {
    name: 'steps: back goes to where it stands',
    file: 'src/core/pipeline/step-history.ts',
    from: 'each.at < at &&',
    to: 'each.at <= at &&',
    tests: ['test/core/pipeline/step-back.test.ts'],
  },
  {
    name: 'ITCH: a partial cancel deletes',
    file: ITCH,
    from: 'head = HEAD_REDUCE;',
    to: 'head = HEAD_DELETE;',
    tests: ITCH_TESTS,
  },
  {
    name: 'ITCH: an ask is added as a bid',
    file: ITCH,
    from: 'head = side === SELL ? HEAD_ADD | ASK : HEAD_ADD;',
    to: 'head = HEAD_ADD;',
    tests: ITCH_TESTS,
  },
  {
    name: 'ITCH: a message shorter than its type is read',
    file: ITCH,
    from: 'if (length < LENGTHS[type]) break;',
    to: 'if (length + 9 < LENGTHS[type]) break;',
    tests: ITCH_TESTS,
    fuzz: true,
  },
  {
    name: 'Mold: a block may run past the packet',
    file: 'src/core/feeds/itch/mold-transport.ts',
    from: 'if (next > end) return',
    to: 'if (next > end + 64) return',
    tests: ['test/core/feeds/itch/moldudp64.test.ts'],
    fuzz: true,
  },
  {
    name: 'SoupBinTCP: messages behind a second login are applied twice',
    file: 'src/core/feeds/itch/soupbintcp.ts',
    from: 'this.#repeated = this.#next - number;',
    to: 'this.#repeated = 0;',
    tests: ['test/core/feeds/itch/streams.test.ts'],
  },
  {
    name: 'DBN: a fill reduces',
    file: DBN,
    from: 'plan(ACTION_FILL, KIND_EXECUTE, FLAG_INFORMS | ask);',
    to: 'plan(ACTION_FILL, KIND_EXECUTE, ask);',
    tests: DBN_TESTS,
  },
  {
    name: 'DBN: a level that falls out of what is shown stays',
    file: LEVELS,
    from: 'this.#put(head, 0, bLow, bHigh, 0);',
    to: '',
    tests: LEVELS_TESTS,
  },
  {
    name: 'DBN: a level whose order count alone changes is overlooked',
    file: LEVELS,
    from: '          words[a + 6] !== shown[b + 6] ||',
    to: '',
    tests: LEVELS_TESTS,
  },
  {
    name: 'DBN: levels out of order are taken',
    file: LEVELS,
    from: 'if (!isWorse(words[next + 1], words[next], words[at + 1], words[at], isAsk)) return false;',
    to: '',
    tests: LEVELS_TESTS,
  },
  {
    name: 'DBN: the trade of tbbo comes before its book',
    file: LEVELS,
    from: 'levelKind(head, this.tbbo);',
    to: 'levelKind(head, false);',
    tests: LEVELS_TESTS,
  },
  {
    name: 'DBN: the rest of a side that moved is not kept',
    file: LEVELS,
    from: 'shown[b + side * 2] = words[a + side * 2];',
    to: '',
    tests: LEVELS_TESTS,
  },
  {
    name: 'DBN: an undefined quantity becomes a number on the way up',
    file: 'src/core/feeds/dbn/upgrade.ts',
    from: 'isUndefined ? STATISTIC_UNDEFINED : BigInt(quantity)',
    to: 'BigInt(quantity)',
    tests: ['test/core/feeds/dbn/upgrade.test.ts'],
  },
  {
    name: 'DBN: a field of the text forms is out of its place',
    file: 'src/core/feeds/dbn/describer.ts',
    from: 'order.splice(field.place!, 0, field);',
    to: 'order.push(field);',
    tests: ['test/cli/records.test.ts'],
  },
  {
    name: 'window: what is not shown is not moved along',
    file: 'src/core/binary/byte-window.ts',
    from: 'this.bytes.copyWithin(0, this.position, this.limit + this.#hidden);',
    to: 'this.bytes.copyWithin(0, this.position, this.limit);',
    tests: ['test/core/pipeline/dbn-streams.test.ts'],
  },
  {
    name: 'DBN: F_LAST is ignored',
    file: DBN,
    from: 'const flags = ((tail << 1) & LAST_BITS) | ((tail << 4) & SNAPSHOT_BITS);',
    to: 'const flags = (tail << 4) & SNAPSHOT_BITS;',
    tests: DBN_TESTS,
  },
  {
    name: 'DBN: a record cut by a chunk is taken as whole',
    file: DBN,
    from: 'if (length < HEADER_LENGTH || limit - at < length) break;',
    to: 'if (length < HEADER_LENGTH || limit - at < length - 1) break;',
    tests: DBN_TESTS,
    fuzz: true,
  },
  {
    name: 'DBN: a record of length 0 is read for ever',
    file: DBN,
    from: 'if (length < HEADER_WORDS || limit - at < length) break;',
    to: 'if (limit - at < length) break;',
    // A test cannot end what does not end by itself; the fuzzers watch from another thread.
    tests: [],
    fuzz: true,
  },
  {
    name: 'DBN: a modify of an unknown order is ignored',
    file: 'src/core/feeds/dbn/index.ts',
    from: "modifyUnknown: 'add'",
    to: "modifyUnknown: 'ignore'",
    tests: ['test/core/pipeline/run.test.ts'],
  },
  {
    name: 'DBN: counts of the metadata are believed',
    file: 'src/core/feeds/dbn/metadata.ts',
    from: 'if (count * bytesEach > left) {',
    to: 'if (count * bytesEach > left + 4096) {',
    tests: ['test/core/feeds/dbn/metadata.test.ts'],
    fuzz: true,
  },
  {
    name: 'a second loss of a channel leaves what was made right between them',
    file: MARKET,
    from: 'this.#staleChannels.clear();',
    to: '',
    within: '#clearBook(',
    tests: BOOK_TESTS,
  },
  {
    name: 'EOBI: a first packet that comes late opens another session',
    file: 'src/core/feeds/eobi/transport.ts',
    from: 'if (isBehind(timeHigh, timeLow, this.#highestTime, slot)) {',
    to: 'if (number <= highest) {',
    tests: EOBI_JOIN_TESTS,
  },
  {
    name: 'EOBI: a market order has the price 0',
    file: EOBI,
    from: 'words[to + 5] = isMarket ? NO_PRICE_HIGH :',
    to: 'words[to + 5] = isMarket ? 0 :',
    tests: EOBI_TESTS,
  },
  {
    name: 'EOBI: the sides are swapped',
    file: EOBI,
    from: 'words[to] = head | (ask * ASK) | (delta << 16);',
    to: 'words[to] = head | ((1 - ask) * ASK) | (delta << 16);',
    tests: EOBI_TESTS,
  },
  {
    name: 'EOBI: a full execution leaves what it does not name',
    file: 'src/core/feeds/eobi/change-table.ts',
    from: 'KIND_EXECUTE | (FLAG_FULL << 8)',
    to: 'KIND_EXECUTE',
    tests: EOBI_TESTS,
  },
  {
    name: 'EOBI: a jump of the message numbers is not noticed',
    file: EOBI,
    from: 'if (view.getInt32(at + 4, true) !== expected || count > room) break;',
    to: 'if (view.getInt32(at + 4, true) < expected || count > room) break;',
    tests: EOBI_JOIN_TESTS,
    fuzz: true,
  },
  {
    name: 'EOBI: a snapshot with a jump in its numbers is loaded',
    file: EOBI_JOIN,
    from: 'if (view.getUint32(at + 4, true) !== cycle.next || isOutOfPlace) {',
    to: 'if (isOutOfPlace) {',
    tests: EOBI_JOIN_TESTS,
  },
  {
    name: 'EOBI: orders without the summary of their instrument are loaded',
    file: EOBI_JOIN,
    from: '|| isOutOfPlace) {',
    to: ') {',
    tests: EOBI_JOIN_TESTS,
  },
  {
    name: 'EOBI: a snapshot that a loss has overtaken is loaded',
    file: EOBI_JOIN,
    from: '|| product.synced || cycle.last < product.need) return;',
    to: '|| product.synced) return;',
    tests: EOBI_JOIN_TESTS,
  },
  {
    name: 'EOBI: what the snapshot contains is applied again',
    file: EOBI_JOIN,
    from: 'product.through = last;',
    to: 'product.through = 0;',
    tests: EOBI_JOIN_TESTS,
  },
  {
    name: 'FAST-like: an ask is added as a bid',
    file: FAST_LIKE,
    from: 'words[to] = varints.low === BID ? HEAD_ADD_BID : HEAD_ADD_ASK;',
    to: 'words[to] = HEAD_ADD_BID;',
    tests: FAST_LIKE_TESTS,
  },
  {
    name: 'FAST-like: a body may run past the packet',
    file: FAST_LIKE,
    from: 'if (length > end - at) return this.#damaged();',
    to: 'if (length > end - at + 1) return this.#damaged();',
    tests: FAST_LIKE_TESTS,
    fuzz: true,
  },
  {
    name: 'FAST-like: a field may run past its body',
    file: VARINTS,
    from: 'return at <= this.end;',
    to: 'return true;',
    tests: FAST_LIKE_TESTS,
    fuzz: true,
  },
  {
    name: 'FAST-like: a presence map has ten bytes',
    file: VARINTS,
    from: 'const last = at + PRESENCE_MAX - 1;',
    to: 'const last = at + PRESENCE_MAX;',
    tests: FAST_LIKE_TESTS,
  },
  {
    name: 'FAST-like: negative numbers are read one too low',
    file: VARINTS,
    from: 'const sign = -(low & 1);',
    to: 'const sign = -(low & 1) * 2;',
    tests: ['test/core/feeds/fast-like/properties.test.ts'],
  },
  {
    name: 'run: a change that names its order alone concerns no book',
    file: 'src/core/pipeline/books.ts',
    from: 'return slot === 0 ? NO_BOOK :',
    to: 'return slot !== -1 ? NO_BOOK :',
    tests: ['test/core/feeds/fast-like/pipeline.test.ts'],
  },
  {
    name: 'book: what names no book is of a bid',
    file: MARKET,
    from: ' && book !== NO_BOOK && ',
    to: ' && ',
    tests: BOOK_TESTS,
  },
  {
    name: 'sequence: a heartbeat advances it',
    file: MERGE,
    from: 'this.#raise(number);',
    to: 'this.#raise(number + 1);',
    tests: MERGE_TESTS,
    fuzz: true,
  },
  {
    name: 'sequence: what overlaps is delivered twice',
    file: MERGE,
    from: 'first, from - first, to - from);',
    to: 'first, 0, to - first);',
    tests: MERGE_TESTS,
    fuzz: true,
  },
  {
    name: 'sequence: a late packet counts as a duplicate',
    file: MERGE,
    from: 'counts.late += late;',
    to: 'counts.duplicates += late;',
    tests: MERGE_TESTS,
  },
  {
    name: 'Ethernet padding is read',
    file: UDP,
    from: 'datagram.length = length - UDP_BYTES;',
    to: 'datagram.length = end - at - UDP_BYTES;',
    tests: UDP_TESTS,
  },
  {
    name: 'UDP: a length past the IP packet is believed',
    file: UDP,
    from: 'if (at + length > end) return SKIP_SNAPPED;',
    to: 'if (at + length > end + 8) return SKIP_SNAPPED;',
    tests: UDP_TESTS,
    fuzz: true,
  },
  {
    name: 'IPv4: the first fragment passes as a packet',
    file: UDP,
    from: 'if ((view.getUint16(at + 6) & 0x3fff) !== 0) return SKIP_FRAGMENT;',
    to: 'if ((view.getUint16(at + 6) & 0x1fff) !== 0) return SKIP_FRAGMENT;',
    tests: UDP_TESTS,
  },
  {
    name: 'pcap: microseconds are taken for nanoseconds',
    file: 'src/core/capture/pcap.ts',
    from: 'magicUsual === MAGIC_NANOSECONDS ? 1 : 1000;',
    to: 'magicUsual === MAGIC_NANOSECONDS ? 1 : 1;',
    tests: ['test/core/capture/pcap.test.ts'],
  },
  {
    name: 'pcapng: both lengths of a packet block need not agree',
    file: 'src/core/capture/pcapng.ts',
    from: 'if (trailer !== total) return this.#badTrailer(total, trailer);',
    to: '',
    tests: ['test/core/capture/pcapng.test.ts'],
  },
  {
    name: 'session date: midnight of London',
    file: 'src/core/feeds/itch/index.ts',
    from: "midnightZone: 'America/New_York'",
    to: "midnightZone: 'Europe/London'",
    tests: ['test/core/pipeline/run.test.ts'],
  },
  {
    name: 'book: a replace keeps its place',
    file: MARKET,
    within: '#replace(',
    from: 'this.#enter(words, at, head, bookSide);',
    to: '{ this.#enter(words, at, head, bookSide); const s = this.#find(words[at + WORD_ID]!, words[at + WORD_ID + 1]!, bookSide); this.#moveBefore(s, this.levels.words[this.orders.words[s * 8 + ORDER_LEVEL]! * 8 + LEVEL_HEAD]!); }',
    tests: BOOK_TESTS,
  },
  {
    name: 'book: an order that leaves the back of its queue is remembered there',
    file: MARKET,
    within: '#unlink(',
    from: 'if (next === 0) levels[at + LEVEL_TAIL] = previous;',
    to: 'if (next === 0) levels[at + LEVEL_TAIL] = slot;',
    tests: BOOK_TESTS,
    fuzz: true,
  },
  {
    name: 'book: a reduce of more than there is leaves the order',
    file: MARKET,
    within: '#decrement(',
    from: 'if (left <= 0) {',
    to: 'if (left === 0) {',
    tests: BOOK_TESTS,
    fuzz: true,
  },
  {
    name: 'book: a locked book counts as crossed',
    file: MARKET,
    within: '#judge(',
    from: 'if (sum > 0)',
    to: 'if (sum >= 0)',
    tests: BOOK_TESTS,
  },
  {
    name: 'book: a lost range leaves the books right',
    file: MARKET,
    from: 'this.#lose(batch.channel);',
    to: '',
    tests: ['test/core/pipeline/run.test.ts'],
  },
  {
    name: 'index: a removed entry cuts a probe short',
    file: 'src/core/binary/hash-index.ts',
    within: 'removeAt(',
    from: 'if (((position - home) & wrap) >= ((position - hole) & wrap)) {',
    to: 'if (((position - home) & wrap) > ((position - hole) & wrap) + 2) {',
    tests: BOOK_TESTS,
    fuzz: true,
  },
  {
    name: 'hash: books unsorted',
    file: 'src/core/book/state-hash.ts',
    from: 'books.sort((left, right) => {',
    to: '[...books].sort((left, right) => {',
    tests: ['test/core/book/state-hash.test.ts'],
  },
  {
    name: 'two lines: bytes are not compared',
    file: FLOW_PAIRS,
    from: "other.digests[slot] === this.#digests[index] ? 'same' : 'different'",
    to: "'same'",
    tests: RUN_TESTS,
  },
  {
    name: 'two lines: one equal message proves one channel',
    file: FLOW_PAIRS,
    from: 'return same >= SAME_MIN && same > different;',
    to: 'return same > 0 && same > different;',
    tests: RUN_TESTS,
  },
  {
    name: 'two lines: the first one is B',
    file: 'src/core/pipeline/flows.ts',
    from: 'return hasLine(channel, LINE_A) ? LINE_B : LINE_A;',
    to: 'return hasLine(channel, LINE_B) ? LINE_A : LINE_B;',
    tests: ['test/cli/merge.test.ts'],
  },
  {
    name: 'two lines: the pair that an interface names is not heeded',
    file: 'src/core/pipeline/flows.ts',
    from: 'this.channels.find((each) => each.pair === pair &&',
    to: 'this.channels.find((each) => each.pair < 0 &&',
    tests: ['test/core/pipeline/two-lines.test.ts'],
  },
  {
    name: 'run: --limit lets one message more through',
    file: 'src/core/pipeline/packet-pipeline.ts',
    from: 'const left = messagesMax - counts.messages;',
    to: 'const left = messagesMax - counts.messages + 1;',
    tests: ['test/core/pipeline/run.test.ts'],
  },
  {
    name: 'DBN: a book warned of stays stale behind its clear',
    file: DBN,
    from: 'if (((tail >>> 16) & 0xff) === CLEAR) this.#suspects.clear(book);',
    to: '',
    tests: ['test/core/feeds/dbn/decoder.test.ts'],
  },
  {
    name: 'at: the message that is named is left out',
    file: 'src/core/pipeline/until.ts',
    from: '(words[at]! >>> 16) > until.sequence;',
    to: '(words[at]! >>> 16) >= until.sequence;',
    tests: ['test/core/pipeline/until.test.ts'],
  },
  {
    name: 'rows: a best price is told before its group is whole',
    file: 'src/core/pipeline/rows/group-ends.ts',
    from: 'named && endsGroup(batch, at) ? [book] : NONE',
    to: 'named ? [book] : NONE',
    tests: ['test/core/pipeline/rows.test.ts', 'test/cli/rows.test.ts'],
  },
  {
    name: 'rows: a best price with another number of orders is not told',
    file: 'src/core/pipeline/rows/bbo-rows.ts',
    from: 'quantity === shown[at + 1] && orders === shown[at + 2] &&',
    to: 'quantity === shown[at + 1] &&',
    tests: ['test/core/pipeline/rows.test.ts', 'test/cli/rows.test.ts'],
  },
  {
    name: 'steps: a group ends with its first event',
    file: 'src/core/pipeline/step-gate.ts',
    from: "this.#pace === 'group' && ends",
    to: "this.#pace === 'group' && concerned",
    tests: ['test/core/pipeline/step-gate.test.ts'],
  },
  {
    name: 'tape: an execution has the side of the order that was hit',
    file: 'src/core/pipeline/tape.ts',
    from: 'side = (bookSide & 1) !== 0 ? SIDE_BID : SIDE_ASK;',
    to: 'side = (bookSide & 1) !== 0 ? SIDE_ASK : SIDE_BID;',
    tests: ['test/core/pipeline/tape.test.ts'],
  },
  {
    name: 'frame: names from the file may move the cursor',
    file: 'src/cli/clip.ts',
    from: "return text.replace(/\\p{Cc}/gu, '·');",
    to: 'return text;',
    tests: ['test/cli/watch/frame.test.ts'],
  },
  {
    name: 'rows: a fill that only informs is a trade of its own',
    file: 'src/core/pipeline/rows/trade-rows.ts',
    from: 'else if (kind === KIND_EXECUTE && ((head >> 8) & FLAG_INFORMS) === 0)',
    to: 'else if (kind === KIND_EXECUTE)',
    tests: ['test/core/pipeline/rows.test.ts', 'test/cli/rows.test.ts'],
  },
  {
    name: 'to DBN: an order that loses its place is modified',
    file: TO_DBN,
    from: 'const isMoved = isSame && was.isFollowed && !is.isFollowed;',
    to: 'const isMoved = isSame && was.isFollowed && is.isFollowed;',
    tests: TO_DBN_TESTS,
  },
  {
    name: 'to DBN: a group that ends without a record stays open',
    file: TO_DBN,
    from: 'if (this.#open.has(book)) this.#none(book, market, true);',
    to: '',
    tests: TO_DBN_TESTS,
  },
  {
    name: 'rows: a full execution has the quantity that its message says',
    file: EVENT_FIELDS,
    from: 'if ((flags & BY_KIND) === 0) {',
    to: 'if (slot !== 0) {',
    tests: EVENT_TEXT_TESTS,
  },
  {
    name: 'text: a remainder below zero is written as it is',
    file: 'src/core/binary/text-writer.ts',
    from: 'if (rest < 0) {',
    to: 'if (rest < -BILLION) {',
    tests: ['test/core/binary/text-writer.test.ts'],
  },
  {
    name: 'Parquet: values behind a null keep their places',
    file: 'src/core/convert/parquet-columns.ts',
    within: "protected encodeValues(rows: number): Pick<ColumnValues, 'bytes' | 'bounds'>",
    from: 'used += this.present[row]!;',
    to: 'used += 1;',
    tests: ['test/core/convert/parquet.test.ts'],
  },
  {
    name: 'packets: one behind the end of the time asked for is copied',
    file: 'src/core/pipeline/packet-walk.ts',
    from: 'if (until !== null && time > until)',
    to: 'if (until !== null && time > until + 1n)',
    tests: ['test/core/convert/packet-copy.test.ts'],
  },
  {
    name: 'pool: a slot is given back twice',
    file: 'src/core/bench/soak-line.ts',
    from: 'if (!free.put(slot)) this.returnDrops += 1;',
    to: 'if (!free.put(slot) || !free.put(slot)) this.returnDrops += 1;',
    tests: ['test/core/bench/pool-soak.test.ts'],
  },
  {
    name: 'lines: the next session does not wait for the other line',
    file: 'src/core/merge/arbiter.ts',
    from: 'if (now - since < gapTimeoutNs) {',
    to: 'if (now - since < 0) {',
    tests: LINES_TESTS,
  },
  {
    name: 'lines: what a line delivered is counted for the other one',
    file: MERGE,
    from: 'this.counts.lines[line]!.deliveredFirst += to - from;',
    to: 'this.counts.lines[0]!.deliveredFirst += to - from;',
    tests: LINES_TESTS,
  },
  {
    name: 'lines: the age of a hole is not looked at for long enough',
    file: MERGE,
    from: 'now - holes.value(next) >= gapTimeoutNs',
    to: 'now - holes.value(next) > gapTimeoutNs + 1',
    tests: LINES_TESTS,
  },
  {
    name: 'lines: the window is one number too small',
    file: MERGE,
    from: 'this.#highest - 1 - holes.from(next) > window',
    to: 'this.#highest - holes.from(next) > window',
    tests: LINES_TESTS,
  },
  {
    name: 'lines: recovery gives up holes that nobody has reported',
    file: MERGE,
    from: 'if (reportedOnly && !this.#isReported(at)) return;',
    to: '',
    tests: LINES_TESTS,
  },
  {
    name: 'lines: the end of a range is one number off',
    file: 'src/core/merge/ranges.ts',
    from: 'return this.#to[this.#head + index]!;',
    to: 'return this.#to[this.#head + index]! - 1;',
    tests: ['test/core/merge/parts.test.ts'],
  },
  {
    name: 'lines: a change of session is not held for the other line',
    file: 'src/core/merge/arbiter.ts',
    from: '      merge.hold();\n',
    to: '',
    tests: ['test/core/merge/arbiter.test.ts'],
  },
  {
    name: 'lines: a change of session passes unseen',
    file: 'src/core/merge/arbiter.ts',
    from: 'while (index >= 0 && this.#merges[index]!.session !== session) index -= 1;',
    to: '',
    tests: ['test/core/merge/arbiter.test.ts'],
  },
  {
    name: 'lines: recovery may begin a session',
    file: 'src/core/merge/arbiter.ts',
    from: 'if (isForgotten || (line === LINE_R && this.#current !== null)) return null;',
    to: 'if (isForgotten) return null;',
    tests: ['test/core/merge/arbiter.test.ts'],
  },
  {
    name: 'lines: a session that is not kept any more begins again',
    file: 'src/core/merge/arbiter.ts',
    from: 'if (isForgotten || (line === LINE_R',
    to: 'if ((line === LINE_R',
    tests: ['test/core/merge/arbiter.test.ts'],
  },
  {
    name: 'lines: old holes do not wait for recovery when a session ends',
    file: 'src/core/merge/arbiter.ts',
    from: 'if (recoveryTimeoutNs === null || !current.hasHoles) return true;',
    to: 'return true;',
    tests: ['test/core/merge/arbiter.test.ts'],
  },
  {
    name: 'lines: a reported hole waits for recovery without end',
    file: MERGE,
    from: 'now - holes.value(0) >= recoveryTimeoutNs',
    to: 'now - holes.value(0) < 0',
    tests: ['test/core/merge/arbiter.test.ts'],
  },
  {
    name: 'lines: the second copy of what waits is kept',
    file: MERGE,
    from: 'this.#place(from, to);\n      if (isReported)',
    to: 'this.#place(from, end);\n      if (isReported)',
    tests: ['test/core/merge/arbiter.test.ts'],
  },
  {
    name: 'lines: time is not asked for when a hole opens',
    file: MERGE,
    from: 'this.#room.announce(now + this.#options.gapTimeoutNs);',
    to: '',
    tests: ['test/core/merge/arbiter.test.ts'],
  },
  {
    name: 'lines: numbers named again and again are holes without bound',
    file: MERGE,
    from: 'top >= RANGES_MAX &&',
    to: 'top < 0 &&',
    tests: ['test/core/merge/arbiter.test.ts'],
  },
  {
    name: 'lines: what a line misses behind its last number is not counted',
    file: MERGE,
    from: ' + Math.max(0, this.#highest - above)',
    to: '',
    tests: ['test/core/merge/arbiter.test.ts'],
  },
  {
    name: 'lines: the skew has the wrong sign',
    file: 'src/core/merge/seen.ts',
    from: 'line === LINE_A ? 0 - later : later',
    to: 'line === LINE_A ? later : 0 - later',
    tests: ['test/core/merge/arbiter.test.ts'],
  },
  {
    name: 'lines: what is remembered of copies does not grow with the distance of the lines',
    file: 'src/core/merge/seen.ts',
    from: 'while (this.#size < SIZE_MAX &&',
    to: 'while (this.#size < FIRST_SIZE &&',
    tests: ['test/core/merge/arbiter.test.ts'],
  },
  {
    name: 'lines: a waiting packet is freed with its first part',
    file: 'src/core/merge/packet-store.ts',
    from: 'if (parts > 0) return;',
    to: '',
    tests: ['test/core/merge/parts.test.ts'],
  },
  {
    name: 'EOBI: a packet sent before a reset opens the session behind it',
    file: 'src/core/feeds/eobi/transport.ts',
    from: 'session -= 1;',
    to: 'break;',
    tests: ['test/core/feeds/eobi/transport.test.ts'],
  },
  {
    name: 'EOBI: numbers do not wrap',
    file: 'src/core/feeds/eobi/transport.ts',
    from: 'if (low >= TWO_32 - WRAP_NUMBERS && number < WRAP_NUMBERS) {',
    to: 'if (low < 0) {',
    tests: ['test/core/feeds/eobi/transport.test.ts'],
  },
  {
    name: 'EOBI: the second of several reset packets is another reset',
    file: 'src/core/feeds/eobi/transport.ts',
    from: 'if (number <= highest || highest !== this.#resetNumber) this.#open(timeHigh, timeLow);',
    to: 'this.#open(timeHigh, timeLow);',
    tests: ['test/core/feeds/eobi/transport.test.ts'],
  },
  {
    name: 'lines: numbers with other bytes are not counted',
    file: MERGE,
    from: 'this.counts.conflicts += seen.note(',
    to: 'seen.note(',
    tests: LINES_TESTS,
  },
  {
    name: 'lines: what comes behind the end of a session is a duplicate',
    file: MERGE,
    from: 'if (this.#closed) counts.late += end - from;',
    to: 'if (this.#closed) counts.duplicates += end - from;',
    tests: LINES_TESTS,
  },
  {
    name: 'lines: as many packets wait as come',
    file: MERGE,
    from: 'while (this.#handParts > 0 && this.#room.isFull(',
    to: 'while (this.#handParts < 0 && this.#room.isFull(',
    tests: LINES_TESTS,
  },
  {
    name: 'wire: being late once makes everything after it late',
    file: 'src/core/pipeline/wire-pacer.ts',
    from: 'return this.#anchor + due > now;',
    to: 'this.#anchor = Math.max(this.#anchor, now - due);\n    return this.#anchor + due > now;',
    tests: ['test/core/pipeline/wire-replay.test.ts'],
  },
  {
    name: 'merge: only the first part of a packet that is new twice over goes on',
    file: 'src/core/pipeline/merge/packet-output.ts',
    from: 'channel.transport.cut!(datagram, first, skip, take, this.#cut)',
    to: 'channel.transport.cut!(datagram, first, skip, 1, this.#cut)',
    tests: ['test/cli/merge.test.ts'],
  },
  {
    name: 'merge: heartbeats of both lines go on',
    file: 'src/core/pipeline/merge/merge-run.ts',
    from: 'if (channel.heartbeatLine >= 0 && channel.heartbeatLine !== line) return;',
    to: '',
    tests: ['test/cli/merge.test.ts'],
  },
  {
    name: 'ring: a number is shown before it is written',
    file: 'src/core/packet/ring.ts',
    from: 'Atomics.store(this.#words, WRITTEN, this.#put);',
    to: 'Atomics.store(this.#words, WRITTEN, this.#put + 1);',
    tests: ['test/core/packet/ring.test.ts'],
  },
  {
    name: 'recovery: half an answer is accepted',
    file: FETCHER,
    within: 'answered(',
    from: 'this.#ask(job);',
    to: 'this.#fetched(job);',
    tests: FETCHER_TESTS,
    fuzz: true,
  },
  {
    name: 'recovery: nothing is tried again',
    file: FETCHER,
    from: 'if (job.attempt < retryAttempts)',
    to: 'if (job.attempt < 1)',
    tests: FETCHER_TESTS,
  },
  {
    name: 'recovery: a packet that nobody asked for is handed on',
    file: FETCHER,
    from: 'if (job.missing.subtract(from, to) === 0) {',
    to: 'if (job.missing.subtract(from, to) < 0) {',
    tests: FETCHER_TESTS,
  },
  {
    name: 'recovery: whatever comes keeps a question alive',
    file: FETCHER,
    within: 'packet(number',
    from: 'const counts = this.#counts;',
    to: 'const counts = this.#counts;\n    this.#renew();',
    tests: FETCHER_TESTS,
  },
  {
    name: 'recovery: the pauses do not grow',
    file: FETCHER,
    from: 'job.attempt * retryBackoffNs',
    to: 'retryBackoffNs',
    tests: FETCHER_TESTS,
  },
  {
    name: 'recovery: the least interval between questions is not kept',
    file: FETCHER,
    from: 'this.#lastQuestion + minRequestIntervalNs - now',
    to: 'this.#lastQuestion - now',
    tests: FETCHER_TESTS,
  },
  {
    name: 'recovery: one range too many is dropped in silence',
    file: FETCHER,
    from: 'this.#counts.droppedRequests += 1;\n      this.#refuse(lane, first, count);',
    to: 'this.#counts.droppedRequests += 1;',
    tests: FETCHER_TESTS,
  },
  {
    name: 'recovery: the range behind a lost one goes with it',
    file: FETCHER,
    from: 'numbers.shift();\n      this.#lose(lane, from, to);',
    to: 'this.#lose(lane, from, to);\n      numbers.shift();',
    tests: FETCHER_TESTS,
  },
  {
    name: 'recovery: ranges that touch are not joined',
    file: 'src/core/merge/recovery/number-set.ts',
    from: 'ranges.indexAbove(from - 1)',
    to: 'ranges.indexAbove(from)',
    tests: PROTOCOL_TESTS,
  },
  {
    name: 'recovery: a connection that ends inside a header is an end',
    file: 'src/core/merge/recovery/len-seq-payload.ts',
    from: 'if (this.#filled === 0) return ANSWER_END;',
    to: 'if (this.#filled < FRAME_HEADER_BYTES) return ANSWER_END;',
    tests: PROTOCOL_TESTS,
  },
  {
    name: 'recovery: a request may pass 2^53',
    file: 'src/core/merge/recovery/mold-request.ts',
    from: 'first > Number.MAX_SAFE_INTEGER - (count - 1)',
    to: 'first + count - 1 > Number.MAX_SAFE_INTEGER',
    tests: PROTOCOL_TESTS,
  },
  {
    name: 'recovery: packets of another session are taken',
    file: 'src/core/net/recovery/transport-numbers.ts',
    from: 'reader.session === wanted ? PACKET_READ : PACKET_OTHER_SESSION',
    to: 'wanted < -1 ? PACKET_OTHER_SESSION : PACKET_READ',
    tests: RECOVERY_TESTS,
  },
  {
    name: 'recovery server: packets go out whole',
    file: 'src/core/pipeline/recovery/packet-index.ts',
    from: 'reader.cut === undefined || this.count === this.#count[at]',
    to: 'reader.cut === undefined || this.count <= this.#count[at]!',
    tests: RECOVERY_TESTS,
  },
  {
    name: 'recovery server: a number that both lines have is sent twice',
    file: 'src/core/pipeline/recovery/packet-index.ts',
    from: 'Math.max(0, next - first[at]!)',
    to: '0',
    tests: RECOVERY_TESTS,
  },
  {
    name: 'event stream: the sum of a payload is not compared',
    file: FRAME_READER,
    from: 'if (crc32c(view, position + FRAME_HEADER_BYTES, payloadBytes) !== crc)',
    to: 'if (crc32c(view, position + FRAME_HEADER_BYTES, payloadBytes) === Number.NaN)',
    tests: SEGMENT_TESTS,
  },
  {
    name: 'event stream: a frame may follow any other',
    file: FRAME_READER,
    from: 'if (view.getInt32(at + 60, true) !== this.#payloadCrc)',
    to: 'if (view.getInt32(at + 60, true) === Number.NaN)',
    tests: SEGMENT_TESTS,
  },
  {
    name: 'verify: the sum of a payload is not compared',
    file: WALK,
    from: 'if (crc32c(window.view, this.at, length) === this.payloadCrc) return null;',
    to: 'if (window.view !== null) return null;',
    tests: SCAN_TESTS,
  },
  {
    name: 'verify: the sum of a header is not compared',
    file: WALK,
    from: 'if (crc32c(view, at + 8, FRAME_HEADER_BYTES - 8) !== view.getInt32(at + 4, true))',
    to: 'if (view === null)',
    tests: DAMAGE_TESTS,
  },
  {
    name: 'verify: a frame may follow any other',
    file: WALK,
    from: 'if (this.window.view.getInt32(this.#headerAt + 60, true) !== this.lastCrc)',
    to: 'if (this.window.view === null)',
    tests: DAMAGE_TESTS,
  },
  {
    name: 'verify: what was promised is called torn',
    file: SCAN,
    from: 'missing === null;',
    to: 'true;',
    tests: SCAN_TESTS,
  },
  {
    name: 'verify: a closed segment is called torn',
    file: SCAN,
    from: '!scan.isClosed &&',
    to: '',
    tests: SCAN_TESTS,
  },
  {
    name: 'verify: state hashes are not compared',
    file: VERIFIER,
    from: 'if (same === true) this.#pass(check);',
    to: 'if (same !== null) this.#pass(check);',
    tests: VERIFY_TESTS,
  },
  {
    name: 'verify: a segment may begin with other books than the one before ends with',
    file: JUDGE,
    from: 'else if (same === false) {',
    to: 'else if (same === null) {',
    tests: VERIFY_TESTS,
  },
  {
    name: 'verify: a segment may be missing',
    file: JUDGE,
    from: "this.#damage(missing, 0, 'missing', 'the segment is not here');",
    to: '',
    tests: DAMAGE_TESTS,
  },
  {
    name: 'journal: old segments go before the new one is durable',
    file: WRITER,
    from: 'if (this.failure !== null) return;',
    to: '',
    within: '#removeOld(',
    tests: WRITER_TESTS,
  },
  {
    name: 'journal: a failure is forgotten',
    file: WRITER,
    from: 'if (this.failure !== null || this.#isSynced) return;',
    to: 'if (this.#isSynced) return;',
    tests: WRITER_TESTS,
  },
  {
    name: 'journal: the end that is not whole stays',
    file: 'src/core/journal/journal-found.ts',
    from: 'if (end !== null) open.truncate(end);',
    to: '',
    tests: WRITER_TESTS,
  },
  {
    name: 'journal: history goes on behind another boot',
    file: 'src/core/journal/journal-found.ts',
    from: '(isThisBoot && scan.zeros === 0)',
    to: 'scan.zeros === 0',
    tests: WRITER_TESTS,
  },
  {
    name: 'journal: the newest segments go, too',
    file: 'src/core/journal/retention.ts',
    from: 'if (next === undefined || file.number >= before) break;',
    to: 'if (next === undefined) break;',
    tests: WRITER_TESTS,
  },
  {
    name: 'journal: the disk is looked at once only',
    file: 'src/core/journal/free-space.ts',
    from: 'this.#now() - this.#lookedAt < LOOK_MS',
    to: 'this.#now() >= 0',
    tests: WRITER_TESTS,
  },
  {
    name: 'journal: a process with a number that was used again holds the lock',
    file: LOCK,
    from: "(now === '' || started === '' || now === started)",
    to: 'true',
    tests: LOCK_TESTS,
  },
  {
    name: 'journal: what was moved away is not looked at again',
    file: LOCK,
    from: 'if (this.#read(aside) === stale)',
    to: 'if (this.#read(aside) !== null)',
    tests: LOCK_TESTS,
  },
  {
    name: 'journal: a position is promised before its sync',
    file: WRITER,
    from: 'this.#file!.sync();',
    to: 'this.durable = this.written; this.#file!.sync();',
    within: '#sync(',
    tests: POWER_TESTS,
  },
  {
    name: 'journal: nothing is synced before it is promised',
    file: WRITER,
    from: 'this.#file!.sync();',
    to: '',
    within: '#sync(',
    tests: POWER_TESTS,
  },
  {
    name: 'journal: a position is promised before the record says it',
    file: WRITER,
    from: 'this.#isSynced = true;',
    to: 'this.#isSynced = true; this.durable = this.written;',
    within: '#sync(',
    tests: WRITER_TESTS,
  },
  {
    name: 'journal: headers call durable what is only written',
    file: 'src/core/journal/frame.ts',
    from: 'putU64(view, 48, this.durableEvent);',
    to: 'putU64(view, 48, this.eventNumber - 1);',
    tests: POWER_TESTS,
  },
  {
    name: 'journal: a close is synced together with what it closes',
    file: WRITER,
    from: 'this.#sync();\n    segment.close(',
    to: 'segment.close(',
    within: '#end(',
    tests: POWER_TESTS,
  },
  {
    name: 'journal: a close is not synced',
    file: WRITER,
    from: 'segment.close(books.sums());\n    this.#sync();',
    to: 'segment.close(books.sums());',
    within: '#end(',
    tests: POWER_TESTS,
  },
  {
    name: 'journal: a segment is promised before its name',
    file: WRITER,
    from: 'disk.syncDirectory(directory);',
    to: '',
    within: '#begin(',
    tests: POWER_TESTS,
  },
  {
    name: 'journal: history goes on behind events that a sync has lost',
    file: FOUND,
    from: 'isThisBoot && scan.zeros === 0',
    to: 'isThisBoot',
    tests: POWER_TESTS,
  },
  {
    name: 'journal: a segment that has begun may vanish with its name',
    file: WRITER,
    from: 'disk.syncDirectory(directory);\n      segment.open(this.#head());\n      segment.tell(books.dictionary);',
    to: 'segment.open(this.#head());\n      segment.tell(books.dictionary);\n      disk.syncDirectory(directory);',
    within: '#begin(',
    tests: POWER_TESTS,
  },
  {
    name: 'journal: a segment that was found is promised before its name',
    file: FOUND,
    from: '// Its writer may have ended before its name was.\n  disk.syncDirectory(directory);',
    to: '',
    tests: POWER_TESTS,
  },
  {
    name: 'journal: what was found is promised as it is',
    file: FOUND,
    from: 'open.sync();\n    else',
    to: 'open.bytes;\n    else',
    tests: POWER_TESTS,
  },
  {
    name: 'journal: what a failed sync has left is taken for written',
    file: FOUND,
    from: 'return !isThisBoot || (',
    to: 'return isThisBoot || (',
    tests: POWER_TESTS,
  },
  {
    name: 'journal: a tail whose cut could not be synced is taken for cut',
    file: FOUND,
    from: 'if (durable === null || durable.failed) return false;',
    to: 'if (durable === null) return false;',
    tests: POWER_TESTS,
  },
  {
    name: 'journal: history goes on where nobody knows whether it has ended',
    file: FOUND,
    from: '(durable.failed || durable.segment === 0)',
    to: 'durable.failed',
    tests: POWER_TESTS,
  },
  {
    name: 'journal: a copy takes the place of a segment before it is synced',
    file: FOUND,
    from: ' file.sync();',
    to: '',
    tests: POWER_TESTS,
  },
  {
    name: 'journal: history goes on behind a tail that a writer cut off and then ended',
    file: FOUND,
    from: 'durableFile.fail();',
    to: '',
    tests: POWER_TESTS,
  },
  {
    name: 'journal: a record that cannot be read is none',
    file: 'src/core/journal/durable-file.ts',
    from: 'exists ? (found ?? NOTHING_DURABLE) : null',
    to: 'found',
    tests: POWER_TESTS,
  },
  {
    name: 'journal: several old segments are removed before one is gone for good',
    file: 'src/core/journal/retention.ts',
    from: 'disk.syncDirectory(directory);',
    to: '',
    tests: POWER_TESTS,
  },
  {
    name: 'journal: a hole in what was not promised is damage',
    file: 'src/core/journal/segment-scan.ts',
    from: '(!scan.isFollowed || (isDurableKnown && !isInOrder))',
    to: '!scan.isFollowed',
    tests: SCAN_TESTS,
  },
  {
    name: 'journal: the lock of a live process is ignored',
    file: LOCK,
    from: 'if (holder !== null && isLive(holder, machine)) throw busy(directory, holder.pid);',
    to: '',
    tests: LOCK_TESTS,
  },
  {
    name: 'frames: times that do not fit wrap',
    file: EVENT_FRAMES,
    from: 'if (venue > I32_MAX || venue < -I32_MAX - 1 || receive < 0 || receive > U32_MAX) break;',
    to: '',
    tests: EVENT_FRAMES_TESTS,
  },
  {
    name: 'frames: messages beyond the base of their run wrap',
    file: EVENT_FRAMES,
    from: 'message < 0 || message > U16_MAX',
    to: 'message < 0',
    tests: EVENT_FRAMES_TESTS,
  },
  {
    name: 'frames: a message that began in another batch begins anew',
    file: 'src/core/journal/message-places.ts',
    from: 'return events + before;',
    to: 'return events;',
    tests: EVENT_FRAMES_TESTS,
  },
  {
    name: 'frames: an event of the transport shares its frame',
    file: EVENT_FRAMES,
    from: 'if (!isControl && isTransport(head & 255) && out[at + WORD_BOOK] === NO_BOOK) break;',
    to: '',
    tests: EVENT_FRAMES_TESTS,
  },
  {
    name: 'journal thread: events behind an image that is not whole are written in front of it',
    file: 'src/core/journal/journal-consumer.ts',
    from: 'if (this.#isHolding) this.#held.push(copyOf(batch, from, to));',
    to: 'if (this.#isHolding) this.#writer.append(batch, from, to);',
    tests: THREAD_TESTS,
  },
  {
    name: 'journal thread: a full ring drops events',
    file: 'src/core/journal/threaded-journal.ts',
    from: 'while (!ring.putEvents(batch, first, end)) if (!this.#stall()) return;',
    to: 'ring.putEvents(batch, first, end);',
    tests: THREAD_TESTS,
  },
  {
    name: 'journal thread: books that get their names later are not told again',
    file: 'src/core/journal/threaded-journal.ts',
    from: 'const books = isChanged ? dictionary.books : dictionary.books.slice(this.#told);',
    to: 'const books = dictionary.books.slice(this.#told);',
    tests: THREAD_TESTS,
  },
  {
    name: 'journal thread: the sums of an image count its marks',
    file: 'src/core/journal/image-sums.ts',
    from: 'if ((flags & IMAGE_MARKS) !== 0) continue;',
    to: '',
    tests: ['test/core/journal/image-sums.test.ts'],
  },
  {
    name: 'compressed segment: it takes the place of the plain one before it is synced',
    file: 'src/core/journal/compressed-segment.ts',
    from: 'this.#part.sync();',
    to: '',
    tests: COMPRESSED_TESTS,
  },
  {
    name: 'compressed segment: the sum of a block is not looked at',
    file: 'src/core/journal/compressed-bytes.ts',
    from: '!== header.packedCrc',
    to: '=== header.packedCrc + 0.5',
    tests: COMPRESSED_TESTS,
  },
  {
    name: 'compressed segment: ids with one half in common are taken for one',
    file: 'src/core/journal/record-columns.ts',
    from: 'if (words[other] === low && words[other + 1] === high) break;',
    to: 'if (words[other] === low) break;',
    tests: COMPRESSED_TESTS,
  },
  {
    name: 'event stream: books keep the numbers of the sender',
    file: SEGMENT_READER,
    from: 'words[at + record.WORD_BOOK] = books[book]!;',
    to: 'words[at + record.WORD_BOOK] = book;',
    tests: ['test/core/pipeline/zeromq/batches.test.ts'],
  },
  {
    name: 'event stream: events that are missing in front of a segment are not noticed',
    file: SEGMENT_READER,
    from: 'this.lost = isSame || isNext ? frames.eventNumber - this.#nextEvent :',
    to: 'this.lost = isSame || isNext ? 0 :',
    tests: ['test/core/pipeline/zeromq/batches.test.ts'],
  },
  {
    name: 'event stream: the upper half of a sequence is dropped',
    file: 'src/core/journal/frame.ts',
    from: 'view.setInt32(at + 4, Math.floor(value / TWO_32), true);',
    to: 'view.setInt32(at + 4, 0, true);',
    tests: SEGMENT_TESTS,
  },
  {
    name: 'ZeroMQ: the upper half of a 64-bit field is dropped',
    file: 'src/core/publish/zeromq/protobuf.ts',
    from: 'this.#view.setInt32(this.used + 4, high, true);',
    to: 'this.#view.setInt32(this.used + 4, 0, true);',
    tests: BATCH_TESTS,
  },
  {
    name: 'ZeroMQ: batches that are missing are not counted',
    file: 'src/core/publish/zeromq/batch-receiver.ts',
    from: 'counts.lostBatches += batch.sequence - last.sequence - 1;',
    to: '',
    tests: ZMQ_TESTS,
  },
  {
    name: 'image: a touched part is missed',
    file: TOUCHED,
    from: '  touched.order(slot, bookSide);\n',
    to: '',
    tests: TAKER_TESTS,
  },
  {
    name: 'image: a level that came later is in it',
    file: TAKER,
    from: 'if (level !== 0) this.#mark(source, level);',
    to: '',
    tests: TAKER_TESTS,
  },
  {
    name: 'image: an order is looked for before it has come',
    file: TOUCHED,
    from: 'if (bookSide < 0 && index > from) return index;\n        const isMove',
    to: 'const isMove',
    tests: TAKER_TESTS,
  },
  {
    name: 'image: the order in front of one that goes is not saved',
    file: TAKER,
    from: 'if (previous !== 0) source.orders.save(orders, previous);',
    to: '',
    tests: TAKER_TESTS,
  },
  {
    name: 'image: what it sums up to is not compared',
    file: IMAGE_INPUT,
    from: 'if (version === 0) return false;',
    to: 'return false;',
    tests: IMAGE_INPUT_TESTS,
  },
  {
    name: 'snapshot file: it gets its name before it is synced',
    file: 'src/core/journal/whole-file.ts',
    from: '      file.sync();\n',
    to: '',
    tests: ['test/core/journal/whole-file.test.ts'],
  },
  {
    name: 'snapshot file: its directory is not synced',
    file: 'src/core/journal/whole-file.ts',
    from: '    disk.syncDirectory(dirname(path));\n',
    to: '',
    tests: ['test/core/journal/whole-file.test.ts'],
  },
  {
    name: 'snapshot file: of a damaged one the one before is not read',
    file: 'src/core/pipeline/newest-snapshot.ts',
    from: 'if (damage !== undefined) return',
    to: 'if (damage === null) return',
    tests: IMAGE_INPUT_TESTS,
  },
  {
    name: 'older snapshot: bytes behind the last order are left out',
    file: 'src/core/journal/obsnap-reader.ts',
    from: "if (window.available > 0) return this.#damaged('bytes behind the last order');",
    to: '',
    tests: ['test/core/journal/obsnap.test.ts'],
  },
  {
    name: 'image: one that is not whole is used',
    file: IMAGE_INPUT,
    from: 'this.#books!.markets.length = 0;',
    to: '',
    tests: IMAGE_INPUT_TESTS,
  },
  {
    name: 'journal: a point is sought in the segment after the one that has it',
    file: JOURNAL_SEEK,
    from: 'while (at < last && !isPassedIn(journal, at, point)) at += 1;',
    to: 'while (at < last && !isPassedIn(journal, at, point)) at += 1; if (at < last) at += 1;',
    tests: JOURNAL_SEEK_TESTS,
  },
  {
    name: 'journal: a group that had begun in front of an image counts though it has not ended',
    file: JOURNAL_SEEK,
    from: 'if (!endsInGroup) return false;',
    to: 'if (endsInGroup || !endsInGroup) return false;',
    tests: JOURNAL_SEEK_TESTS,
  },
  {
    name: 'journal: the image of a later segment is added to the books',
    file: JOURNAL_INPUT,
    from: 'if (!this.#needsImage || books === null) return;',
    to: 'if (books === null) return;',
    tests: JOURNAL_INPUT_TESTS,
  },
  {
    name: 'journal: what is in the books in front of a loss stays in them',
    file: 'src/core/pipeline/books.ts',
    from: 'const before = this.markets.splice(0);',
    to: 'const before = this.markets.slice(0);',
    tests: JOURNAL_INPUT_TESTS,
  },
  {
    name: 'journal: events behind damage go on as if nothing was missing',
    file: JOURNAL_INPUT,
    from: 'if (behind === null || behind.event !== reader.nextEvent) return false;',
    to: 'if (behind === null) return false;',
    tests: JOURNAL_INPUT_TESTS,
  },
  {
    name: 'journal: a segment may follow any other',
    file: JOURNAL_INPUT,
    from: 'if (this.#reader !== null && isNext(this.#reader, start))',
    to: 'if (this.#reader !== null)',
    tests: JOURNAL_INPUT_TESTS,
  },
  {
    name: 'journal: what was promised and is missing at the end is not noticed',
    file: JOURNAL_INPUT,
    from: 'durable.event < next) return;',
    to: 'durable.event >= next) return;',
    tests: JOURNAL_INPUT_TESTS,
  },
  {
    name: 'index: the latest time is the last one',
    file: 'src/core/journal/index-builder.ts',
    from: 'if (told > venue) venue = told;',
    to: 'venue = told;',
    tests: SEGMENT_INDEX_TESTS,
  },
  {
    name: 'index: one of another segment is believed',
    file: 'src/core/journal/segment-index.ts',
    from: 'view.getInt32(4, true) === lastSum &&\n    crc32c(view, 8, FRAME_HEADER_BYTES - 8) === lastSum &&',
    to: '',
    tests: SEGMENT_INDEX_TESTS,
  },
  {
    name: 'diff: the order of a queue does not count',
    file: QUEUE_DIGESTS,
    from: 'const BASE_A = 0x2c1b3c6b;\nconst BASE_B = 0x297a2d3b;',
    to: 'const BASE_A = 1;\nconst BASE_B = 1;',
    tests: DIFF_TESTS,
  },
  {
    name: 'diff: what was behind an order that left stays at its place',
    file: QUEUE_DIGESTS,
    from: 'restA + Math.imul(a, INVERSE_A)',
    to: 'restA + a',
    tests: DIGEST_TESTS,
  },
  {
    name: 'diff: the level that an order moves to is not looked at',
    file: BOOK_WATCH,
    from: 'if (slot !== 0 && (isNew || kind === KIND_MODIFY)) {',
    to: 'if (slot !== 0 && isNew) {',
    tests: DIGEST_TESTS,
  },
  {
    name: 'diff: the level of an order that is replaced is not looked at',
    file: BOOK_WATCH,
    from: 'this.#touchOrder(batch, at, at + RECORD_WORDS + EXT_WORD_RELATED_ID, market);',
    to: '',
    tests: [...DIGEST_TESTS, ...DIFF_TESTS],
  },
  {
    name: 'diff: what one side has behind the end of the other is a difference',
    file: COMPARER,
    from: '!isShared && this.#ended[other] && !alignment.isReached(row, at, marks, channel)',
    to: 'false',
    tests: DIFF_TESTS,
  },
  {
    name: 'diff: what one side has in front of the beginning of the other is a difference',
    file: COMPARER,
    from: 'if (alignment.isBeforeFirst(row, at, marks, channel)) pair.early[side] += 1;\n    else pair.isOpen = true;',
    to: 'pair.isOpen = true;',
    tests: DIFF_TESTS,
  },
  {
    name: 'diff: books are compared in the middle of a group',
    file: BOOK_WATCH,
    from: '} else if ((head & HEAD_LAST) !== 0) {',
    to: '} else {',
    tests: DIFF_TESTS,
  },
  {
    name: 'diff: a side that is ahead is taken for one that has no group',
    file: 'src/core/pipeline/diff/alignment.ts',
    from: 'session === own && marks.numberOf(channel) > steps[at + STEP_NUMBER]!',
    to: 'session === own && marks.numberOf(channel) + 50 > steps[at + STEP_NUMBER]!',
    tests: DIFF_TESTS,
  },
  {
    name: 'http: any token opens',
    file: 'src/core/serve/http/tokens.ts',
    from: 'if (timingSafeEqual(known.digest, digest)) name',
    to: 'if (known.digest.length === digest.length) name',
    tests: HTTP_ACCESS_TESTS,
  },
  {
    name: 'http: an empty token opens where no header came',
    file: 'src/core/serve/http/tokens.ts',
    from: 'return match === null ? null : name;',
    to: 'return name;',
    tests: HTTP_ACCESS_TESTS,
  },
  {
    name: 'http: others are let in without tokens',
    file: 'src/core/serve/http/listen.ts',
    from: 'security.tokens.length > 0 ||',
    to: 'security.tokens.length >= 0 ||',
    tests: HTTP_ACCESS_TESTS,
  },
  {
    name: 'http: a name that was pointed at this machine is answered to',
    file: 'src/core/serve/http/gate.ts',
    from: '!this.#checksHost || namesThisMachine(host)',
    to: '!this.#checksHost || host !== undefined',
    tests: HTTP_ACCESS_TESTS,
  },
  {
    name: 'http: pages of other sites change something',
    file: 'src/core/serve/http/exchange.ts',
    from: "if (route.method === 'POST') {",
    to: "if (route.method !== 'POST') {",
    tests: HTTP_ACCESS_TESTS,
  },
  {
    name: 'http: operators need no token where none is configured',
    file: 'src/core/serve/http/gate.ts',
    from: "if (access === 'read') return null;",
    to: "if (access === 'read' || access === 'operate') return null;",
    tests: HTTP_ACCESS_TESTS,
  },
  {
    name: 'http: answers that nobody reads pile up',
    file: 'src/core/serve/http/exchange.ts',
    from: 'this.#pendingBytes += bytes;',
    to: 'this.#pendingBytes += 0;',
    tests: HTTP_LIMITS_TESTS,
  },
  {
    name: 'http: streams take the places of other connections',
    file: 'src/core/serve/http/server.ts',
    from: 'counts.connections - this.#upgraded - this.streams <=',
    to: 'counts.connections <=',
    tests: HTTP_LIMITS_TESTS,
  },
  {
    name: 'http: a stream with nothing to say is closed as idle',
    file: 'src/core/serve/http/stream.ts',
    from: 'response.socket?.setTimeout(0);',
    to: '',
    tests: HTTP_LIMITS_TESTS,
  },
  {
    name: 'http: steps upwards are followed',
    file: 'src/core/serve/http/target.ts',
    from: "segment !== null && segment !== '.' && segment !== '..'",
    to: 'segment !== null',
    tests: HTTP_LIMITS_TESTS,
  },
  {
    name: 'http: a parameter may stand twice',
    file: 'src/core/serve/http/router.ts',
    from: 'seen.add(name);',
    to: '',
    tests: HTTP_BOOKS_TESTS,
  },
  {
    name: 'http: one book of several with a name is answered',
    file: 'src/core/serve/api/books.ts',
    from: 'if (found.length === 1) return',
    to: 'if (found.length >= 1) return',
    tests: HTTP_BOOKS_TESTS,
  },
  {
    name: 'http: a number that is missing is no reason',
    file: 'src/core/serve/api/readiness.ts',
    from: 'channel.missing > 0',
    to: 'channel.missing > 1',
    tests: HTTP_HEALTH_TESTS,
  },
  {
    name: 'http: more stale books than allowed are ready',
    file: 'src/core/serve/api/readiness.ts',
    from: 'books.stale <= config.ready.staleBooks',
    to: 'books.stale <= config.ready.staleBooks + 1',
    tests: HTTP_HEALTH_TESTS,
  },
  {
    name: 'http: a line that has never been seen is taken for a quiet one',
    file: 'src/core/serve/api/readiness.ts',
    from: 'silentMs !== null && (',
    to: 'silentMs === null || (',
    tests: HTTP_HEALTH_TESTS,
  },
  {
    name: 'http: large integers lose their last digits',
    file: 'src/core/serve/api/lines.ts',
    from: 'next: String(channel.next)',
    to: 'next: channel.next',
    tests: ['test/core/serve/api/contract.test.ts'],
  },
  {
    name: 'config: the environment stands above flags',
    file: 'src/core/config/load.ts',
    from: '  reading.texts(variableTexts(sources.environment));\n  reading.texts(flagTexts(sources.flags));\n',
    to: '  reading.texts(flagTexts(sources.flags));\n  reading.texts(variableTexts(sources.environment));\n',
    tests: CONFIG_TESTS,
  },
  {
    name: 'config: a table that nobody knows is passed over',
    file: 'src/core/config/file-values.ts',
    from: 'for (const header of file.headers) names.header(header);',
    to: '',
    tests: CONFIG_TESTS,
  },
  {
    name: 'config: names that are near are given up too soon',
    file: 'src/core/config/nearest.ts',
    from: 'if (rowLeast > limit + 1)',
    to: 'if (rowLeast > limit - 2)',
    tests: CONFIG_TESTS,
  },
  {
    name: 'config: what waits behind holes may fill the pool',
    file: 'src/core/config/cross-checks.ts',
    from: 'receive.poolSlots / 2',
    to: 'receive.poolSlots',
    tests: CONFIG_TESTS,
  },
  {
    name: 'config: everybody may come in where only this machine was meant',
    file: 'src/core/config/cross-checks.ts',
    from: 'if (listen === null || insecure ||',
    to: 'if (listen === null || !insecure ||',
    tests: CONFIG_TESTS,
  },
  {
    name: 'config: tokens are printed',
    file: 'src/core/config/schema/serving.ts',
    from: 'toToml: ({ name }) =>',
    to: 'toToml: ({ token: name }) =>',
    tests: CONFIG_TESTS,
  },
  {
    name: 'config: a reload forgets that what waits for a restart still counts',
    file: 'src/core/config/reload.ts',
    from: 'return mayChange ? now : before;',
    to: 'return now;',
    tests: ['test/core/config/reload.test.ts'],
  },
  {
    name: 'config: a reload does not look into the file of the tokens',
    file: 'src/core/config/reload.ts',
    from: "values.set('security.tokens', read.config.security.tokens);",
    to: '',
    tests: ['test/core/config/reload.test.ts'],
  },
  {
    name: 'config: ms of an earlier engine are taken for us',
    file: 'src/core/config/earlier/rules.ts',
    from: "'recovery.retry_backoff_ms', same('recovery.backoff', inUnit('ms'))",
    to: "'recovery.retry_backoff_ms', same('recovery.backoff', inUnit('us'))",
    tests: ['test/core/config/earlier.test.ts'],
  },
];

/** @returns the text with the mistake in it. Throws where its line does not stand there exactly once. */
export function applyMutation(text: string, mutation: Mutation): string {
  const [start, end] = mutation.within === undefined ? [0, text.length] : methodAt(text, mutation.within);
  const body = text.slice(start, end);
  const times = body.split(mutation.from).length - 1;
  if (times !== 1)
    throw new Error(`${mutation.name}: "${mutation.from}" stands ${times} times, expected once`);
  return text.slice(0, start) + body.replace(mutation.from, () => mutation.to) + text.slice(end);
}

/** Where the definition of a method begins and ends; its closing brace stands alone, two blanks in. */
function methodAt(text: string, name: string): [number, number] {
  const at = text.indexOf(`\n  ${name}`);
  if (at < 0) throw new Error(`no method begins with "${name}"`);
  const end = text.indexOf('\n  }\n', at);
  return [at, end < 0 ? text.length : end];
}
