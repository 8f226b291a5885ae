import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Arg, OptionFlag } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.ts';
import type { Example } from '../cli/definition.ts';
import { feedFlag, speedFlag } from '../cli/flags.ts';
import { lineFlag, snapshotGroupFlag } from '../cli/rx-flags.ts';
import { MdxError } from '../core/errors.ts';

/** Serves live books to many clients. */
export default class ServeCommand extends BaseCommand {
  static override readonly longRunning: boolean = true;
  static override summary: string = 'keep the books of a feed, and serve them to many clients';
  static override description: string =
    'Takes two lines, or any source that replay reads, keeps the books, journals them with --journal, and serves them over HTTP, WebSocket and server-sent events. Without --config all is as the defaults say. It ends with the first SIGINT or SIGTERM: the journal is closed, then the clients.';
  static override examples: Example[] = [
    { description: 'A recording at its own speed', command: 'mdx serve session.pcap --speed 1' },
    {
      description: 'Two live lines',
      command:
        'mdx serve --line A=udp://239.10.10.1:5001?iface=eth0 --line B=udp://239.10.20.1:5001?iface=eth1',
    },
    { description: 'With a journal', command: 'mdx serve session.pcap --journal journal/' },
  ];
  static override args: { inputs: Arg<string[] | undefined> } = {
    inputs: Args.string({
      name: 'input',
      description: 'what replay reads: captures, DBN, journals, sockets; none where lines are received',
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags: {
    line: typeof lineFlag;
    snapshot: typeof snapshotGroupFlag;
    feed: typeof feedFlag;
    speed: typeof speedFlag;
    journal: OptionFlag<string | undefined>;
    recovery: OptionFlag<string | undefined>;
  } = {
    line: lineFlag,
    snapshot: snapshotGroupFlag,
    feed: feedFlag,
    speed: speedFlag,
    journal: Flags.string({
      summary: 'directory of the journal; it is gone on with where there is one',
      helpValue: 'DIR',
    }),
    recovery: Flags.string({ summary: 'server of what both lines lost', helpValue: 'URI' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ServeCommand);
    const { Serve } = await import('../core/serve/server.ts');
    const { SERVE_DEFAULTS } = await import('../core/config/serve-defaults.ts');
    const inputs = args.inputs ?? [];
    const named = (name: string): string[] =>
      (flags.line ?? []).flatMap((text) => (text.startsWith(`${name}=`) ? text.slice(2).split(',') : []));
    const lines = { a: named('A'), b: named('B'), snapshot: flags.snapshot ?? [] };
    if (inputs.length === 0 && lines.a.length === 0) {
      throw new MdxError('usage', 'an input is missing: a file, a socket, or lines with --line A=udp://…');
    }
    const serve = await Serve.start({
      version: this.config.version,
      config: {
        ...SERVE_DEFAULTS,
        lines,
        source: {
          ...SERVE_DEFAULTS.source,
          inputs,
          feed: flags.feed ?? null,
          speed: flags.speed === Number.POSITIVE_INFINITY ? null : flags.speed,
        },
        journal: { ...SERVE_DEFAULTS.journal, directory: flags.journal ?? null },
        recovery: { ...SERVE_DEFAULTS.recovery, endpoint: flags.recovery ?? null },
      },
      tell: (level, text) => (level === 'warn' ? this.caution(text) : this.note(text)),
    });
    process.on('SIGUSR2', () => this.note(JSON.stringify(serve.status)));
    this.interruption.onRequest(() => serve.stop());
    if (this.interruption.signal !== null) serve.stop();
    await serve.ended;
  }
}
