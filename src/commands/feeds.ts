import { BaseCommand } from '../cli/base-command.ts';
import type { Example } from '../cli/definition.ts';
import { table } from '../cli/table.ts';

/** Lists what mdx can read. */
export default class Feeds extends BaseCommand {
  static override summary: string = 'list the wire formats that mdx reads';
  static override description: string =
    'Names of feeds as --feed takes them, with the specification each follows, how messages are framed, the decimal digits of prices and quantities, and within what an order id is unique.';
  static override examples: Example[] = [
    { description: 'The feeds as a table', command: 'mdx feeds' },
    { description: 'Their names, one a line', command: "mdx feeds --json | jq -r '.feeds[].name'" },
    {
      description: 'Read a capture as the feed you know it to be',
      command: 'mdx replay capture.pcap --feed itch-5.0',
    },
  ];

  async run(): Promise<void> {
    const started = process.hrtime.bigint();
    await this.parse(Feeds);
    const { FEEDS } = await import('../core/feeds/registry.ts');
    const feeds = FEEDS.map((feed) => ({
      name: feed.name,
      title: feed.title,
      specification: feed.specification,
      framings: feed.framings,
      priceScale: feed.priceScale,
      quantityScale: feed.quantityScale,
      idScope: feed.rules.idScope,
      midnightZone: feed.midnightZone,
    }));
    const timing = { elapsedNs: process.hrtime.bigint() - started };
    const report = { command: 'feeds', version: this.config.version, feeds, timing };
    await this.printReport(report, (style) =>
      table(
        [
          { head: 'feed' },
          { head: 'title' },
          { head: 'framing' },
          { head: 'price', align: 'right' },
          { head: 'quantity', align: 'right' },
          { head: 'id unique in' },
          { head: 'specification' },
        ],
        feeds.map((feed) => [
          style.bold(feed.name),
          feed.title,
          feed.framings.join(', '),
          String(feed.priceScale),
          String(feed.quantityScale),
          feed.idScope,
          feed.specification,
        ]),
        style,
      ),
    );
  }
}
