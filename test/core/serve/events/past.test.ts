import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { segmentName } from '../../../../src/core/journal/directory.ts';
import { run } from '../../../../src/core/pipeline/run.ts';
import { WHOLE_RUN } from '../../../../src/core/pipeline/run-defaults.ts';
import { EventClient } from '../../../../src/core/publish/events/event-client.ts';
import { EventHub } from '../../../../src/core/publish/events/event-hub.ts';
import { filterOf } from '../../../../src/core/publish/events/filter.ts';
import type { EventFraming, Pieces } from '../../../../src/core/publish/events/framing.ts';
import { Subscription } from '../../../../src/core/publish/events/subscription.ts';
import { EventPublisher } from '../../../../src/core/serve/events/event-publisher.ts';
import { JournalPast } from '../../../../src/core/serve/events/journal-past.ts';
import { PastFailures } from '../../../../src/core/serve/past-failures.ts';
import { JournalHistory } from '../../../../src/core/serve/raw-v1-history.ts';
import { buildJournal } from '../../../world/journals.ts';
import { play } from '../../simulate/session.ts';
import { textsOf, wanting } from './event-log-reader.ts';

const ALL_KINDS = 255;
const LIMITS = { retainedEvents: 100_000, retainedBytes: 1 << 24, batchMax: 100, recentEvents: 10 };
const FOLDER = mkdtempSync(join(tmpdir(), 'mdx-past-'));
afterAll(() => rmSync(FOLDER, { recursive: true }));

/** Keeps what it is given. */
class KeepingFrames implements EventFraming {
  readonly protocol = 'events';
  readonly eventsMax = 7;
  readonly joins = false;
  readonly said: string[] = [];
  #wanted = Number.POSITIVE_INFINITY;
  #reach: () => void = () => {};

  room(bytes: number): number {
    return bytes;
  }

  write(_out: Buffer, at: number, { sources, starts, ends, count }: Pieces): number {
    for (let piece = 0; piece < count; piece += 1) {
      const text = Buffer.from(sources[piece]!.subarray(starts[piece]!, ends[piece]! - 1)).toString();
      this.#say(text);
    }
    return at + 1;
  }

  control(type: string, data: object): Buffer {
    this.#say(`${type} ${JSON.stringify(data)}`);
    return Buffer.alloc(1);
  }

  reached(count: number): Promise<void> {
    this.#wanted = count;
    return new Promise((resolve) => {
      this.#reach = resolve;
      if (this.said.length >= count) resolve();
    });
  }

  #say(text: string): void {
    this.said.push(text);
    if (this.said.length >= this.#wanted) this.#reach();
  }
}

/** What a client is told that goes on behind an event, as far as so many messages; `over` tells when the past is left. */
async function resumed(
  hub: EventHub,
  seq: number,
  messages: number,
  over: () => Promise<void>,
): Promise<string[]> {
  const frames = new KeepingFrames();
  const port = { isOpen: true, pendingBytes: 0, write: (_bytes: Buffer, taken?: () => void) => taken?.() };
  const client = new EventClient(hub, port, frames);
  hub.join(client);
  const filter = filterOf({ sources: null, instruments: null, kinds: ALL_KINDS });
  const options = { sub: null, filter, snapshot: false, conflateMs: 0 };
  client.resume(new Subscription(options, hub.log.topics, 0), seq);
  client.pump();
  await frames.reached(messages);
  port.isOpen = false;
  hub.leave(client);
  await over();
  return frames.said;
}

test('a client goes on behind any event that the journal has, also where nothing was made of it then', async () => {
  const directory = join(FOLDER, 'journal');
  const path = join(FOLDER, 'session.pcap');
  writeFileSync(path, play({ seed: 7, profile: { messages: 400 } }).a);
  await buildJournal(directory, [path], { segmentEvents: 120, leavesOpen: true });
  const whole = new EventHub(LIMITS);
  whole.join(wanting(whole, ALL_KINDS));
  const quiet = new EventHub(LIMITS);
  const told: string[] = [];
  const failures = new PastFailures((text) => told.push(text));
  const journal = new JournalPast(directory, failures);
  let reading: Promise<void> = Promise.resolve();
  let readings = 0;
  quiet.past = {
    replay(...wanted) {
      readings += 1;
      reading = journal.replay(...wanted);
      return reading;
    },
  };
  const observers = [whole, quiet].map((hub) => new EventPublisher(hub, 'none'));
  await run({ ...WHOLE_RUN, paths: [directory], observers });
  const { lastSeq } = quiet.log;
  expect([quiet.log.next, lastSeq]).toEqual([0, whole.log.lastSeq]);
  const expected = textsOf(whole);
  for (const seq of [0, 1, 119, 120, Math.floor(lastSeq / 2), lastSeq - 1]) {
    const rest = expected.filter((text) => (JSON.parse(text) as { seq: number }).seq > seq);
    expect(await resumed(quiet, seq, rest.length, () => reading), `behind ${seq}`).toEqual(rest);
  }
  // What the journal has no more either is told.
  rmSync(join(directory, segmentName(1)));
  const lost = {
    skipped: String(lastSeq - 3),
    skipped_total: String(lastSeq - 3),
    next_seq: String(lastSeq + 1),
  };
  expect(await resumed(quiet, 3, 1, () => reading)).toEqual([`lagged ${JSON.stringify(lost)}`]);
  expect([readings, told]).toEqual([7, []]);
  // Nor is it silent where nothing can be read.
  rmSync(directory, { recursive: true });
  expect(await resumed(quiet, 3, 1, () => reading)).toEqual([`lagged ${JSON.stringify(lost)}`]);
  const frames = new JournalHistory(directory, 'native', () => ({ event: lastSeq, cursor: 100 }), failures);
  expect(await frames.replay(5, 100, () => Promise.resolve(true))).toBe(false);
  expect(told).toHaveLength(2);
  for (const text of told)
    expect(text).toMatch(/^the journal could not be read for a client that goes on: .*journal/);
  expect(failures.counts).toEqual({ events: 1, 'raw-v1': 1 });
});
