import { BaseCommand } from '../../../src/cli/base-command.ts';
import type { Example } from '../../../src/cli/definition.ts';
import { table } from '../../../src/cli/table.ts';

/** A command with a report, for tests. */
export default class Report extends BaseCommand {
  static override summary: string = 'print a report';
  static override examples: Example[] = [{ description: 'Do it', command: 'mdx report' }];

  async run(): Promise<void> {
    await this.parse(Report);
    this.detail('a detail');
    this.caution('a caution');
    const progress = await this.startProgress('working');
    progress.stop();
    await this.printReport({ command: 'report', big: 2n ** 60n, timing: { elapsedNs: 5n } }, (style) =>
      table([{ head: 'name' }, { head: 'count', align: 'right' }], [[style.good('one'), '1']], style),
    );
  }
}
