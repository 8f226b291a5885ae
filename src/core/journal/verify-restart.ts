import { basename, dirname, extname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { formatHash } from '../binary/fnv64.ts';
import { segmentFiles } from './directory.ts';
import { epochText, sameEpoch } from './frame.ts';
import type { SourceSum } from './image-payload.ts';
import { type ObsnapState, readObsnapState } from './obsnap-state.ts';
import { openSegmentBytes } from './segment-bytes.ts';
import { type SegmentFacts, sameSums } from './segment-facts.ts';
import { SegmentPlayer } from './segment-player.ts';
import type { Verified, VerifyOptions } from './verify.ts';

/** Whether a snapshot and the events behind it lead to where the journal is; hashes as text. */
export interface RestartResult {
  readonly snapshot: string;
  readonly anchored: boolean;
  /** How the place of the snapshot in the journal was found: by its epoch and event, by its state hash at an image, by its bus cursor. */
  readonly anchor: 'event' | 'hash' | 'cursor' | null;
  /** Number of the event behind the snapshot. */
  readonly anchorSequence: string | null;
  readonly skippedRecords: number;
  readonly replayedEvents: number;
  readonly snapshotHash: string | null;
  readonly finalHash: string | null;
  readonly matched: boolean;
  /** Why it is not anchored or did not match; null where all is well. */
  readonly problem: string | null;
}

/** Where the events behind a snapshot begin. */
interface Anchor {
  readonly kind: 'event' | 'hash' | 'cursor';
  /** Index of its segment. */
  readonly segment: number;
  readonly event: number;
}

type RestartOptions = Pick<VerifyOptions, 'disk' | 'path' | 'isDirectory' | 'rulesOf' | 'stop'>;

/**
 * Restarts from a snapshot: loads it, applies the events behind it, and compares the books with those of the verified
 * journal. Null where it was stopped.
 */
export async function verifyRestart(
  snapshot: string,
  verified: Verified,
  options: RestartOptions,
): Promise<RestartResult | null> {
  const none = {
    snapshot,
    anchored: false,
    anchor: null,
    anchorSequence: null,
    skippedRecords: 0,
    replayedEvents: 0,
    snapshotHash: null,
    finalHash: null,
    matched: false,
  };
  const { segments, judgement } = verified;
  const old = readObsnapState(options.disk, snapshot);
  const loaded = old === null ? loadSnapshot(snapshot, options) : old;
  if (typeof loaded === 'string') return { ...none, problem: loaded };
  const snapshotSums = loaded.sums;
  const snapshotHash = hashText(snapshotSums);
  const anchor = findAnchor(loaded, segments);
  if (anchor === null) {
    const next = 'nextEvent' in loaded ? `event ${loaded.nextEvent} of epoch ${epochText(loaded.epoch)}` : '';
    const problem =
      next === ''
        ? 'no image of the journal has its books, or its cursor'
        : `${next} comes behind it, which the journal does not have`;
    return { ...none, snapshotHash, problem };
  }
  // The older form names no ids of a feed: at an image with the same books, that image stands for it.
  const player = 'nextEvent' in loaded ? loaded : loadImage(segments[anchor.segment]!, options);
  if (typeof player === 'string') return { ...none, snapshotHash, problem: player };
  const isSame = sameSums(player.sums, snapshotSums) === true;
  const problem = await play(player, anchor, segments, options);
  if (problem === 'stopped') return null;
  const sums = player.sums;
  const final = segments.at(judgement.tornTail?.offset === 0 ? -2 : -1)?.endSums ?? null;
  const isDamaged = judgement.damage.some(({ segment }) => segment >= segments[anchor.segment]!.number);
  const matched =
    problem === null && isSame && !isDamaged && final !== null && sameSums(sums, final) === true;
  const why = isDamaged ? 'the journal is damaged behind it' : 'the books are not those of the journal';
  return {
    snapshot,
    anchored: true,
    anchor: anchor.kind,
    anchorSequence: String(anchor.event),
    skippedRecords: player.skippedRecords + recordsBefore(segments, anchor.segment),
    replayedEvents: player.events,
    snapshotHash,
    finalHash: hashText(sums),
    matched,
    problem: matched ? null : (problem ?? why),
  };
}

function loadImage(facts: SegmentFacts, options: RestartOptions): SegmentPlayer | string {
  const { path, isDirectory } = options;
  return loadSnapshot(isDirectory ? join(path, facts.name) : path, options);
}

function loadSnapshot(path: string, { disk, rulesOf }: RestartOptions): SegmentPlayer | string {
  const file = { number: 0, name: basename(path), isCompressed: extname(path) === '.zst' };
  const bytes = openSegmentBytes(disk, dirname(path), file);
  try {
    return SegmentPlayer.load(bytes, rulesOf);
  } finally {
    bytes.close();
  }
}

/**
 * By the event that comes next, where snapshot and journal are of one history; else at an image with the same books, or in
 * front of the same place of the bus.
 */
function findAnchor(snapshot: SegmentPlayer | ObsnapState, segments: readonly SegmentFacts[]): Anchor | null {
  const { sums } = snapshot;
  if ('nextEvent' in snapshot) {
    const { epoch, nextEvent } = snapshot;
    // What was made from a file is of no history: whether its number is one of the journal's, the books tell in the end.
    const isAny = (epoch.high | epoch.low) === 0;
    const segment = segments.findIndex(
      ({ scan, endEvent }) =>
        (isAny || sameEpoch(scan.epoch, epoch)) && scan.firstEvent <= nextEvent && nextEvent <= endEvent,
    );
    if (segment >= 0) return { kind: 'event', segment, event: nextEvent };
  }
  const same = segments.findIndex(
    ({ imageSums }) => imageSums !== null && sameSums(imageSums, sums) === true,
  );
  if (same >= 0) return { kind: 'hash', segment: same, event: segments[same]!.scan.firstEvent };
  const cursor = 'cursor' in snapshot ? snapshot.cursor : null;
  if (cursor === null || cursor === 0n) return null;
  const segment = segments.findIndex(({ image }) => image !== null && BigInt(image.busCursor) === cursor);
  return segment < 0 ? null : { kind: 'cursor', segment, event: segments[segment]!.scan.firstEvent };
}

/** Applies the events from the anchor on. @returns what is wrong, or null. */
async function play(
  player: SegmentPlayer,
  anchor: Anchor,
  segments: readonly SegmentFacts[],
  { disk, path, isDirectory, stop }: RestartOptions,
): Promise<string | null> {
  const directory = isDirectory ? path : dirname(path);
  const files = isDirectory ? segmentFiles(disk.list(path)) : [];
  for (const facts of segments.slice(anchor.segment)) {
    const named = { number: facts.number, name: facts.name, isCompressed: facts.isCompressed };
    const file = files.find(({ number }) => number === facts.number) ?? named;
    const bytes = openSegmentBytes(disk, directory, file);
    try {
      const steps = player.play(bytes, anchor.event);
      for (let step = steps.next(); ; step = steps.next()) {
        if (step.done === true) {
          if (step.value !== null) return `${facts.name}: ${step.value}`;
          break;
        }
        await nextTurn();
        if (stop()) return 'stopped';
      }
    } finally {
      bytes.close();
    }
  }
  return null;
}

function recordsBefore(segments: readonly SegmentFacts[], anchor: number): number {
  return segments.slice(0, anchor).reduce((sum, { records }) => sum + records, 0);
}

function hashText(sums: readonly SourceSum[]): string | null {
  return sums.length === 1 ? formatHash(sums[0]!.hash) : null;
}
