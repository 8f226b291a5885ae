import type { RecoverServerReport } from '../core/pipeline/recovery/serve.ts';
import { grouped } from './numbers.ts';
import type { Style } from './style.ts';
import { pairs, table } from './table.ts';

/** Missing ranges named in one line; --json has more of them. */
const RANGES_MAX = 3;

/** What a recovery server did, for people. */
export function recoverServerTables(report: RecoverServerReport, style: Style): string {
  const { feed, index, served, listeners, damage } = report;
  const facts: [string, string][] = [
    ['feed', feed.protocol],
    ['packets', `${grouped(index.packets)} that can be asked for${countsText(index)}`],
    ['listened', listeners.join(', ')],
    ['questions', `${grouped(served.requests)}, ${grouped(served.ranges)} answered`],
    [
      'sent',
      `${grouped(served.packets)} packets, ${grouped(served.messages)} messages, ${grouped(served.bytes)} bytes`,
    ],
  ];
  const turned: [string, number][] = [
    ['without an answer', served.unanswered],
    ['refused', served.refused],
    ['too many', served.throttled],
    ['slow clients', served.slowClients],
    ['clients that left', served.leftClients],
    ['packets not readable any more', served.unreadable],
  ];
  const counted = turned.filter(([, count]) => count > 0);
  if (counted.length > 0) {
    const text = counted.map(([name, count]) => `${grouped(count)} ${name}`).join(', ');
    facts.push(['turned away', style.warn(text)]);
  }
  for (const { path, offset, problem } of damage) {
    facts.push(['damaged', style.bad(`${path} at byte ${grouped(offset)}: ${problem}`)]);
  }
  const sessions = table(
    [
      { head: 'session' },
      { head: 'first', align: 'right' },
      { head: 'last', align: 'right' },
      { head: 'messages', align: 'right' },
      { head: 'not there' },
    ],
    report.sessions.map(({ session, first, last, messages, gaps, gapsNotListed = 0 }) => {
      const named = gaps.slice(0, RANGES_MAX).map(({ from, to }) => (from === to ? from : `${from}–${to}`));
      const more = gaps.length + gapsNotListed - named.length;
      const missing = more > 0 ? [...named, `${grouped(more)} more`] : named;
      return [session ?? '–', grouped(first), grouped(last), grouped(messages), missing.join(', ')];
    }),
    style,
  );
  return `${pairs(facts, style)}\n${sessions}`;
}

function countsText({
  duplicates,
  conflicts,
  unsequenced,
  damaged,
  otherChannel,
}: RecoverServerReport['index']): string {
  const parts: [string, number][] = [
    ['there twice', duplicates],
    ['with other bytes', conflicts],
    ['without a number', unsequenced],
    ['damaged', damaged],
    ['of other channels', otherChannel],
  ];
  return parts
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `, ${grouped(count)} ${name}`)
    .join('');
}
