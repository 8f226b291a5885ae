import { Fault } from '../key.ts';
import type { TomlValue } from '../toml.ts';

/** What becomes of a key of the earlier engine's file. */
export type Rule =
  /** It means the same as `key`; `read` turns its value into one of ours. */
  | { readonly kind: 'same'; readonly key: string; readonly read: (value: TomlValue) => TomlValue | Fault }
  /** One of several that together say something (translate.ts). */
  | { readonly kind: 'part'; readonly read: (value: TomlValue) => TomlValue | Fault }
  /** It changed nothing there either, or it says (`only`) what is always so here. */
  | { readonly kind: 'idle'; readonly only: boolean | null; readonly why: string }
  /** Nothing here means the same; `key` is what comes nearest. */
  | { readonly kind: 'refused'; readonly why: string; readonly key: string | null };

/** A value of the file with another meaning: as if this had been written in its place. */
export function textValue(value: TomlValue, text: string): TomlValue {
  return { kind: 'text', value: text, place: value.place, text: value.text };
}

export function integerValue(value: TomlValue, number: number): TomlValue {
  return { kind: 'integer', value: number, place: value.place, text: value.text };
}

const asIs = (value: TomlValue): TomlValue => value;

const inUnit =
  (unit: 'ms' | 'us') =>
  (value: TomlValue): TomlValue | Fault =>
    value.kind === 'integer' && value.value >= 0
      ? textValue(value, value.value === 0 ? '0' : `${value.value}${unit}`)
      : new Fault(`a whole number of ${unit}`);

const oneOf =
  (words: Readonly<Record<string, string>>) =>
  (value: TomlValue): TomlValue | Fault => {
    const meant = value.kind === 'text' && Object.hasOwn(words, value.value) ? words[value.value]! : null;
    if (meant !== null) return textValue(value, meant);
    return new Fault(
      `one of ${Object.keys(words)
        .map((word) => `"${word}"`)
        .join(', ')}`,
    );
  };

const flagAs =
  (yes: string, no: string) =>
  (value: TomlValue): TomlValue | Fault =>
    value.kind === 'boolean' ? textValue(value, value.value ? yes : no) : new Fault('true or false');

const atLeastOne = (value: TomlValue): TomlValue =>
  value.kind === 'integer' && value.value === 0 ? integerValue(value, 1) : value;

const same = (key: string, read: (value: TomlValue) => TomlValue | Fault = asIs): Rule => ({
  kind: 'same',
  key,
  read,
});
const part = (read: (value: TomlValue) => TomlValue | Fault = asIs): Rule => ({ kind: 'part', read });
const idle = (why: string, only: boolean | null = null): Rule => ({ kind: 'idle', only, why });
const refused = (why: string, key: string | null = null): Rule => ({ kind: 'refused', why, key });

const GROWS = 'books grow with what they hold, nothing is reserved';
const FEED_SAYS = 'where numbers stand is part of the wire format';
const NO_SNAPSHOT = 'a restart goes on from the journal, which has its images in it';

const channel: Readonly<Record<string, Rule>> = {
  group: part(),
  port: part((value) =>
    value.kind === 'integer' && value.value > 0 && value.value <= 65_535
      ? value
      : new Fault('a port from 1 to 65535'),
  ),
  iface_addr: part(),
  recv_buffer_bytes: part((value) =>
    value.kind === 'integer' && value.value >= 0 ? value : new Fault('a number of bytes'),
  ),
  busy_poll_us: part(inUnit('us')),
  timestamping: part(
    oneOf({ off: 'off', software: 'software', hardware: 'hardware', hardware_raw: 'hardware' }),
  ),
  workers: part(),
  reuse_port: idle('ports are always shared'),
  nonblocking: idle('receiving never blocks'),
};

/** Every key of the earlier engine's file. */
export const RULES: ReadonlyMap<string, Rule> = new Map([
  ['general.max_packet_size', same('receive.slot_bytes')],
  [
    'general.pool_size',
    refused('it counts the packets of the process, ours those of a line', 'receive.pool_slots'),
  ],
  ['general.rx_queue_capacity', refused('packets wait in the pool of their line', 'receive.pool_slots')],
  ['general.merge_queue_capacity', refused('one thread merges and decodes: nothing waits in between')],
  ['general.spin_loops_per_yield', refused('threads without work sleep until there is some')],
  ['general.rx_recvmmsg_batch', same('receive.batch', atLeastOne)],
  ['general.mlock_all', { kind: 'idle', only: false, why: 'memory is not locked' }],
  ['general.json_logs', same('log.format', flagAs('json', 'text'))],
  ['sequence.offset', refused(FEED_SAYS, 'source.feed')],
  ['sequence.length', refused(FEED_SAYS, 'source.feed')],
  ['sequence.endian', refused(FEED_SAYS, 'source.feed')],
  [
    'parser.kind',
    same(
      'source.feed',
      oneOf({ eobi: 'eobi-14.1', fixed_binary: 'eobi-14.1', itch50: 'itch-5.0', fast_like: 'fast-like' }),
    ),
  ],
  ['parser.max_messages_per_packet', refused('a packet may have as many messages as fit into it')],
  ...['a', 'b'].flatMap((line) =>
    Object.entries(channel).map(([name, rule]) => [`channels.${line}.${name}`, rule] as const),
  ),
  ['merge.initial_expected_seq', same('merge.start')],
  ['merge.reorder_window', same('merge.window')],
  ['merge.max_pending_packets', same('merge.pending_cap')],
  ['merge.dwell_ns', refused('both lines are always read, none is preferred')],
  ['merge.adaptive', idle('the window is what it is said to be', false)],
  ['merge.reorder_window_max', refused('the window is what it is said to be', 'merge.window')],
  ['book.max_depth', idle('books are whole, and clients say how deep they look')],
  [
    'book.snapshot_interval_ms',
    refused('images are written where a segment begins', 'journal.segment_events'),
  ],
  ['book.consume_trades', refused("the feed's own rules say what reduces an order")],
  ['book.default_tick', refused('prices need no tick', 'source.instruments')],
  ['book.grid_span', refused(GROWS)],
  ['book.order_slab_capacity', refused(GROWS)],
  ['book.order_index_capacity', refused(GROWS)],
  ['book.per_instrument_order_index_capacity', refused(GROWS)],
  ['book.instrument_capacity', refused(GROWS)],
  ['book.preallocate_instrument_books', idle(GROWS, false)],
  ['book.instrument_ticks', refused('ticks stand in a CSV file', 'source.instruments')],
  ['book.instrument_ticks_path', same('source.instruments')],
  ['cpu.a_rx_core', part()],
  ['cpu.b_rx_core', part()],
  ['cpu.merge_core', refused('only receiving threads are bound to processors', 'receive.cpus')],
  ['cpu.decode_core', refused('only receiving threads are bound to processors', 'receive.cpus')],
  ['cpu.rt_priority', same('receive.realtime')],
  ['metrics.bind', same('http.listen')],
  ['snapshot.path', refused(NO_SNAPSHOT, 'journal.directory')],
  ['snapshot.load_on_start', refused(NO_SNAPSHOT, 'journal.directory')],
  ['snapshot.enable_writer', idle(NO_SNAPSHOT, false)],
  ['journal.path', refused('a journal is a directory of segments, not a file', 'journal.directory')],
  ['journal.enable_writer', idle('a journal is written where journal.directory is given', false)],
  ['journal.record_state_hash', refused('checkpoints of a journal have their hashes without being asked')],
  ['recovery.enable_injector', idle('holes are fetched where recovery.endpoint is given', true)],
  ['recovery.backlog_path', same('recovery.backlog')],
  ['recovery.retry_attempts', same('recovery.attempts')],
  ['recovery.retry_backoff_ms', same('recovery.backoff', inUnit('ms'))],
  ['recovery.min_request_interval_ms', same('recovery.min_interval', inUnit('ms'))],
  ['recovery.slo_ms', same('recovery.slo', inUnit('ms'))],
  ['recovery.request_timeout_ms', same('recovery.request_timeout', inUnit('ms'))],
  [
    'recovery.unrecoverable_policy',
    same('recovery.unrecoverable', oneOf({ log: 'log', stale: 'stale', exit: 'exit' })),
  ],
  ['recovery.replay_protocol', part(oneOf({ len_seq_payload: 'len_seq_payload' }))],
  ['afxdp.enable', idle('AF_XDP is receive.backend = "xdp"', false)],
  ['afxdp.ifname', refused('the interface stands at each group: ?iface=', 'lines.a')],
  ['afxdp.queues', refused('the queue stands at each group: ?xdp-queue=', 'lines.a')],
  [
    'packet_mmap.enable',
    idle('the packet ring is receive.backend = "ring", and takes only its groups', false),
  ],
  ['packet_mmap.ifname', refused('the interface stands at each group: ?iface=', 'lines.a')],
  ['packet_mmap.queues', refused('threads of a line are its workers', 'receive.workers')],
  ['packet_mmap.frame_size', refused('blocks of a ring stand at each group: ?ring-block=', 'lines.a')],
  ['packet_mmap.frames_per_block', refused('blocks of a ring stand at each group: ?ring-block=', 'lines.a')],
  ['packet_mmap.block_count', refused('blocks of a ring stand at each group: ?ring-blocks=', 'lines.a')],
  ['feeds.enabled', part()],
  ['feeds.pops', part()],
  ['feeds.auth_token', part()],
  ['feeds.obo.enabled', part()],
  ['feeds.obo.client_write_timeout_ms', same('raw_v1.write_timeout', inUnit('ms'))],
  ['feeds.obo.client_handshake_timeout_ms', same('raw_v1.handshake_timeout', inUnit('ms'))],
  ['feeds.obo.heartbeat_interval_ms', same('raw_v1.heartbeat', inUnit('ms'))],
  ['feeds.obo.client_max_connections', same('raw_v1.max_connections')],
  ['feeds.obo.client_nodelay', same('raw_v1.no_delay')],
  ['feeds.obo.buffers.pub_queue', same('raw_v1.retained_frames')],
]);
