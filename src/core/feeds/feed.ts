import type { ByteWindow } from '../binary/byte-window.ts';
import type { Dictionary } from '../event/dictionary.ts';
import type { BookRules } from '../event/rules.ts';
import type { EventWriter } from '../event/writer.ts';
import type { Datagram } from '../packet/datagram.ts';
import type { FeedCounts } from './counts.ts';
import type { MessageDescriber, MessageSink } from './message-sink.ts';

/** How messages are cut out of what carries them. */
export type Framing =
  | 'moldudp64'
  | 'soupbintcp'
  | 'length-prefixed'
  | 't7-packet'
  | 'fast-like'
  | 'dbn'
  | 'ingest'
  | 'raw-v1'
  | 'journal'
  | 'obsnap';

/** Where the decoders of a run write to. */
export interface DecoderTargets {
  readonly dictionary: Dictionary;
  readonly writer: EventWriter;
  readonly counts: FeedCounts;
  /** Is shown every message whole, before its events. */
  readonly messages?: MessageSink | null;
}

/** What decoders of one channel are made with. */
export interface ChannelOptions {
  readonly channel: number;
  /**
   * The trading day for feeds whose times count from midnight, as ns from 1970 to that midnight in UTC; null =
   * unknown, times then stay since midnight.
   */
  readonly midnight: bigint | null;
}

export interface DecoderOptions extends DecoderTargets, ChannelOptions {
  /** What the source is called, whatever the stream calls itself. Absent: as the stream does. */
  readonly source?: string;
}

/** What a user says of the snapshot channel of a packet feed, for feeds that have one. */
export interface SnapshotOptions {
  /** There is one: what begins in the middle of its numbers waits for a snapshot. False: only once one was seen. */
  readonly expected: boolean;
  /** What no snapshot came for is left out, not applied as it is. */
  readonly required: boolean;
}

/** Answers of `PacketDecoder.readHeader`. */
export const HEADER_DATA = 0;
export const HEADER_HEARTBEAT = 1;
export const HEADER_END_OF_SESSION = 2;
/** The framing of the datagram is damaged; `first` and `count` then tell the whole messages in front of the damage. */
export const HEADER_DAMAGED = 3;

/**
 * Reads what carries the messages of one channel: framing, session, numbers. Pure. One reader serves all lines of its
 * channel, so that a session has the same number on each of them.
 */
export interface TransportReader {
  /** Session of the datagram whose header was read last: dense from 1 in order of first sight, 0 = none. */
  readonly session: number;
  /** Transport number of its first message (heartbeat, end of session: the next expected one); 0 = unsequenced. */
  readonly first: number;
  /** Whole messages in it. */
  readonly count: number;
  /** Bytes in front of the first message. */
  readonly headerBytes: number;
  /** After HEADER_DAMAGED: where in the datagram its framing stops making sense. */
  readonly damageOffset: number;
  /** Reads and checks the framing of the whole datagram. @returns one of HEADER_*. Counts nothing and writes no events. */
  readHeader(datagram: Datagram): number;
  /**
   * Writes a 32-bit digest of the bytes of each of the first `count` numbered messages into `into`, from 0: what two
   * lines show under one number is compared by it. The datagram's header was read as HEADER_DATA.
   */
  digest(datagram: Datagram, count: number, into: Int32Array): void;
  /**
   * Writes a packet that carries `take` of the datagram's messages behind its first `skip`, with a valid header, into
   * `into` (65,535 bytes). `first` is the number of the datagram's first message. @returns its length. Absent: a packet of
   * the feed has one number and is never cut.
   */
  cut?(datagram: Datagram, first: number, skip: number, take: number, into: Uint8Array): number;
  /** The session's id without its padding; null for session 0, and for feeds whose sessions have none. */
  sessionText(session: number): string | null;
  /** The session's id as the wire has it; null for session 0. Absent: sessions of the feed have none. */
  sessionId?(session: number): Uint8Array | null;
  /** Number of the session with an id of the wire, also where no packet named it yet; −1 = one more than there may be. */
  sessionOf?(id: Uint8Array): number;
}

/**
 * Decoder of one channel of a packet feed. Pure: bytes in, events out; no I/O, no clock, no book.
 *
 * `readHeader` tells a datagram's transport sequence; `decode` then turns a range of its messages into events. Both
 * may be called for the same datagram at different times (it may have waited for a hole to fill), so `decode` keeps
 * nothing from `readHeader`.
 */
export interface PacketDecoder extends TransportReader {
  /**
   * Decodes `take` messages after leaving out the first `skip`; `first` is the transport number of the
   * datagram's first message.
   */
  decode(datagram: Datagram, first: number, skip: number, take: number): void;
  /** Counts the first `take` messages by type as `decode` would, without making events of them. */
  tally(datagram: Datagram, take: number): void;
  /** Numbers of the channel are lost; the event that tells it has been written. */
  lost?(): void;
}

/** How far the messages of a product are known, whose numbers go across packets and channels. */
export interface ProductNumbers {
  /** The venue's number of the product. */
  readonly segment: number;
  /** Channel of its changes. */
  readonly channel: number;
  /** Number of the first message seen, null before it. */
  readonly first: number | null;
  /** Number of the last message seen or contained in a snapshot, null before it. */
  readonly last: number | null;
  readonly lost: number;
  /** Snapshots its books were made from. */
  readonly snapshots: number;
  /** Nothing is missing since number 1 or since the last snapshot. */
  readonly complete: boolean;
}

/** The decoders of all channels of one packet feed in one run. They share what the feed keeps across channels. */
export interface PacketDecoders {
  open(options: ChannelOptions): PacketDecoder;
  /** Products that number their messages on their own, in order of first sight; absent: the feed has none. */
  readonly products?: readonly ProductNumbers[];
  /** The input has ended: writes the events of what still waits inside, for a snapshot that will not come. */
  finish?(): void;
}

/** Answers of `StreamDecoder.decode`. */
export const STREAM_MORE = 0;
/** The stream ended by its own mark (end of session, zero-length block). */
export const STREAM_END = 1;
/** The bytes at the window's position cannot be read any further; `problem` says why. */
export const STREAM_DAMAGED = 2;

/** What reports tell of a stream without packets. */
export interface StreamFacts {
  /** Session and numbers of the stream, where its framing tells them. */
  readonly sequence: {
    readonly session: string | null;
    /** Null before the first numbered message. */
    readonly first: number | null;
    readonly last: number | null;
    /** Messages that were repeated, and such without a number. */
    readonly duplicates: number;
    readonly unsequenced: number;
  } | null;
  /** What the stream says it carries, once known; where it is left out that is the feed's name. */
  readonly protocol?: string | null;
}

/** Decoder of a byte stream (file or pipe) that carries its messages without packets. Pure, like PacketDecoder. */
export interface StreamDecoder extends StreamFacts {
  /** Consumes whole messages from the window until more bytes are needed. @returns one of STREAM_*. */
  decode(window: ByteWindow): number;
  /** What was found where, after STREAM_DAMAGED. */
  readonly problem: string | null;
  /** The problem is that the stream ends inside a message or record. */
  readonly truncated: boolean;
  /** Dataset or feed name, known once the head of the stream was read. */
  readonly source: string;
  /**
   * Number of the last message of a stream whose messages are numbered by counting them. Set, it goes on from there: what
   * is in between does not come. Absent: its messages have numbers, or none.
   */
  ordinal?: number;
  /** Receive time of the first and last record, ns since 1970 or the unknown midnight; null before the first. */
  readonly firstTime: bigint | null;
  readonly lastTime: bigint | null;
}

/** Verdict of a look at the first bytes of something. */
export type Detection = 'yes' | 'no';

/**
 * One wire format: everything that `--feed`, auto-detection and `mdx feeds` know about it.
 * Adding a feed is adding a folder with one of these and naming it in registry.ts.
 */
export interface Feed {
  /** As `--feed` takes it and reports print it: `itch-5.0`. */
  readonly name: string;
  /** Other names that `--feed` takes. */
  readonly aliases?: readonly string[];
  readonly title: string;
  readonly specification: string;
  readonly framings: readonly Framing[];
  readonly rules: BookRules;
  /** Decimal digits of the wire integers, unless the definition of an instrument says otherwise. */
  readonly priceScale: number;
  readonly quantityScale: number;
  /** Times count from midnight of the trading day in this zone; null = they are UTC since 1970. */
  readonly midnightZone: string | null;
  /** How many indices `typeName` names: the size of FeedCounts.byType. */
  readonly typeCount: number;
  /** Name of a message type for reports; index as counted in FeedCounts.byType. */
  typeName(type: number): string;
  /** Is this a datagram of the feed? Strict: a wrong yes decodes noise. */
  detectDatagram?(datagram: Datagram): Detection;
  /**
   * Tells the channels of one destination apart, for feeds whose packets name theirs; −1: the datagram is too short to.
   * Absent: one destination is one channel.
   */
  subchannelOf?(datagram: Datagram): number;
  /** Each product of a channel numbers its messages on its own. Absent: numbers rise within a channel. */
  readonly numbersByProduct?: boolean;
  /** Some channels carry snapshots of the books that others carry the changes of. */
  readonly hasSnapshots?: boolean;
  /** What a new session of a channel is told as: a `session` empties its books, a `reset` only numbers anew. */
  readonly sessionEvent?: 'session' | 'reset';
  /** Is this the beginning of a file or stream of the feed? Sees up to 64 KiB. Answers the framing, or null. */
  detectStream?(head: Uint8Array): Framing | null;
  /** Reads the transport of one channel, for a stage that does not decode. */
  transport?(): TransportReader;
  packetDecoders?(targets: DecoderTargets, snapshots?: SnapshotOptions): PacketDecoders;
  /** What reads messages for printing; `head` stands in front of them in formats that have one. */
  describer?(head: Uint8Array | null): MessageDescriber;
  streamDecoder?(options: DecoderOptions, framing: Framing): StreamDecoder;
}
