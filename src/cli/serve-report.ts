import type { EngineStatus, LineView } from '../core/serve/status.ts';
import { counted, grouped } from './numbers.ts';

/** What a server had done when it ended, for machines. */
export function serveReport(version: string, status: EngineStatus, elapsedNs: bigint): object {
  const { feed, epoch, messages, unknown, malformed, events, lastEvent, sessions, books, journal } = status;
  return {
    command: 'serve',
    version,
    feed,
    epoch,
    messages,
    unknown,
    malformed,
    events,
    lastEvent: String(lastEvent),
    sessions,
    books,
    lines: status.lines.map((line) => ({
      name: line.name,
      packets: line.received,
      notRead: line.waiting,
      dropped: droppedOf(line),
      truncated: line.truncated,
    })),
    channels: status.channels.map(({ channel, session, next, delivered, duplicates, filled, lost }) => ({
      channel,
      session,
      next: String(next),
      delivered,
      duplicates,
      filled,
      lost,
    })),
    journal:
      journal === null
        ? null
        : {
            lastEvent: String(journal.lastEvent),
            durableEvent: String(journal.durableEvent),
            segments: journal.segments,
            bytes: String(journal.bytes),
          },
    timing: { elapsedNs: String(elapsedNs) },
  };
}

/** The same for people, with what was received and not read. */
export function serveText({ messages, events, books, journal, lines, channels }: EngineStatus): string {
  const notRead = sumOf(lines, ({ waiting }) => waiting);
  const dropped = sumOf(lines, droppedOf);
  const lost = sumOf(channels, (channel) => channel.lost);
  return [
    `stopped: ${counted(messages, 'message')}, ${counted(events, 'event')}`,
    `${counted(books.known, 'book')} with ${counted(books.orders, 'order')}`,
    ...(journal === null ? [] : [`journal durable to event ${grouped(journal.durableEvent)}`]),
    ...(lost === 0 ? [] : [`${counted(lost, 'number')} lost`]),
    ...(dropped === 0 ? [] : [`${counted(dropped, 'packet')} dropped`]),
    ...(notRead === 0 ? [] : [`${counted(notRead, 'packet')} received and not read`]),
  ].join(' · ');
}

/** The kernel counts in several places what it drops at one: the highest is told, as by `mdx top`. */
function droppedOf({ poolFull, kernelDrops }: LineView): number {
  return poolFull + Math.max(0, ...Object.values(kernelDrops));
}

function sumOf<T>(items: readonly T[], count: (item: T) => number): number {
  return items.reduce((sum, item) => sum + count(item), 0);
}
