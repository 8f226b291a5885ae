import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Arg, BooleanFlag, OptionFlag } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.ts';
import type { Example } from '../cli/definition.ts';
import { serverToken, tokenFileFlag } from '../cli/token.ts';

const MS_PER_SECOND = 1000;
const PIPE_COLUMNS = 160;

/** Shows how a server is, on a terminal. */
export default class Top extends BaseCommand {
  static override readonly longRunning: boolean = true;
  static override summary: string = 'watch a running mdx serve: lines, gaps, books, clients, latency';
  static override description: string =
    'Asks a server every second how it is, over HTTP, and shows it on the terminal until q is pressed: whether it is ready and what would make it so, its lines and channels with what they lost, books, journal, latency of each stage, threads, and the slowest clients. With --once, or where there is no terminal, it asks once and prints what it is told. A token comes from the environment variable MDX_TOKEN or from --token-file.';
  static override examples: Example[] = [
    { description: 'The server on this machine', command: 'mdx top' },
    {
      description: 'Another one, with a token',
      command: 'mdx top https://feeds.example:8443 --token-file token',
    },
    { description: 'Why it is not ready', command: "mdx top --json | jq '.health.reasons'" },
  ];
  static override args: { url: Arg<string> } = {
    url: Args.string({
      name: 'url',
      description: 'where the server is reached over HTTP',
      default: 'http://127.0.0.1:8080',
      ignoreStdin: true,
    }) as Arg<string>,
  };
  static override flags: {
    once: BooleanFlag<boolean>;
    every: OptionFlag<number>;
    'token-file': typeof tokenFileFlag;
  } = {
    once: Flags.boolean<boolean>({ summary: 'ask once, and print', default: false }),
    every: Flags.integer({
      summary: 'how often to ask',
      helpValue: 'SECONDS',
      min: 1,
      max: 3600,
      default: 1,
    }) as OptionFlag<number>,
    'token-file': tokenFileFlag,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Top);
    const { Looker } = await import('../cli/top/look.ts');
    const token = await serverToken(flags['token-file']);
    const looker = new Looker(args.url, token, this.interruption.aborted);
    if (flags.once || this.globals.json || process.stdout.isTTY !== true) {
      const { topLines } = await import('../cli/top/view.ts');
      const { metrics, ...said } = await looker.look();
      const columns = process.stdout.columns ?? PIPE_COLUMNS;
      const report = { command: 'top', version: this.config.version, url: args.url, ...said };
      await this.printReport(
        report,
        (style) =>
          `${topLines({ ...said, metrics }, args.url, columns, Number.POSITIVE_INFINITY, style).join('\n')}\n`,
      );
      return;
    }
    const { terminalOf } = await import('../cli/watch/session.ts');
    const { topSession } = await import('../cli/top/session.ts');
    const terminal = terminalOf('mdx top', 'mdx top --once prints it once.', []);
    const every = flags.every * MS_PER_SECOND;
    await topSession(terminal, looker, every, this.styleOf(process.stdout), this.interruption);
  }
}
