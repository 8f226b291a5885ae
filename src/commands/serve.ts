import * as Args from '@oclif/core/args';
import type { Arg, FlagInput } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.ts';
import { typedTexts } from '../cli/config-flags.ts';
import type { Example } from '../cli/definition.ts';
import { serveFlags } from '../cli/serve-flags.ts';
import type { ServeLog } from '../cli/serve-log.ts';
import type { ConfigSources, LoadedConfig } from '../core/config/load.ts';
import { MdxError } from '../core/errors.ts';
import type { Serve } from '../core/serve/server.ts';

/** Serves live books to many clients. */
export default class ServeCommand extends BaseCommand {
  static override readonly longRunning: boolean = true;
  static override summary: string = 'keep the books of a feed, and serve them to many clients';
  static override description: string =
    'Takes two lines, or any source that replay reads, keeps the books, journals them with --journal, and serves them over HTTP, WebSocket and server-sent events. Each key of the configuration has its value from a flag, else from the environment, else from the file of --config, else its default (docs/configuration.md; mdx config check tells what is wrong with a file). SIGHUP reads it again and takes over what may change while it runs. It ends with the first SIGINT or SIGTERM: the journal is closed, then the clients.';
  static override examples: Example[] = [
    { description: 'A recording at its own speed', command: 'mdx serve session.pcap --speed 1' },
    { description: 'As a file says', command: 'mdx serve --config mdx.toml' },
    {
      description: 'Two live lines',
      command:
        'mdx serve --line A=udp://239.10.10.1:5001?iface=eth0 --line B=udp://239.10.20.1:5001?iface=eth1',
    },
    { description: 'With a journal', command: 'mdx serve session.pcap --journal journal/' },
    {
      description: 'A key that has no flag',
      command: 'mdx serve session.pcap --set raw_v1.retained_frames=1000000',
    },
  ];
  static override args: { inputs: Arg<string[] | undefined> } = {
    inputs: Args.string({
      name: 'input',
      description: 'what replay reads: captures, DBN, journals, sockets; none where lines are received',
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags: FlagInput = serveFlags;

  #running: LoadedConfig | null = null;

  async run(): Promise<void> {
    const started = process.hrtime.bigint();
    const parsed = await this.parse(ServeCommand);
    const { loadServeConfig } = await import('../core/config/load.ts');
    const { SERVE_CHECKS } = await import('../core/serve/config-checks.ts');
    const sources: ConfigSources = {
      file: (parsed.flags['config'] as string | undefined) ?? null,
      environment: process.env,
      flags: typedTexts(parsed),
      checks: SERVE_CHECKS,
    };
    this.#running = loadServeConfig(sources);
    const { config } = this.#running;
    if (config.source.inputs.length === 0 && config.lines.a.length === 0 && config.ingest.listen === null) {
      throw new MdxError('usage', 'an input is missing: a file, a socket, or lines with --line A=udp://…');
    }
    const { Serve } = await import('../core/serve/server.ts');
    const { ServeLog } = await import('../cli/serve-log.ts');
    const { serveReport, serveText } = await import('../cli/serve-report.ts');
    const { serverToken } = await import('../cli/token.ts');
    const log = new ServeLog({
      config: () => this.#running!.config.log,
      text: (level, text) => (level === 'warn' ? this.caution(text) : this.note(text)),
      json: (line) => this.note(line.trimEnd()),
    });
    const serve = await Serve.start({
      version: this.config.version,
      config,
      token: await serverToken(config.source.tokenFile ?? undefined),
      tell: (level, text) => log.tell(level, text),
    });
    process.on('SIGHUP', () => void this.#reload(serve, sources, log));
    process.on('SIGUSR2', () => this.note(JSON.stringify(serve.status)));
    this.interruption.onRequest(() => serve.stop());
    if (this.interruption.signal !== null) serve.stop();
    try {
      await serve.ended;
      log.tell('info', serveText(serve.status));
    } finally {
      log.close();
    }
    if (!this.globals.json) return;
    const elapsedNs = process.hrtime.bigint() - started;
    await this.printReport(serveReport(this.config.version, serve.status, elapsedNs), () => '');
  }

  /** Reads the configuration again; with a fault in it all stays as it is. */
  async #reload(serve: Serve, sources: ConfigSources, log: ServeLog): Promise<void> {
    const { loadServeConfig } = await import('../core/config/load.ts');
    const { reload, reloadText } = await import('../core/config/reload.ts');
    try {
      const change = reload(this.#running!, loadServeConfig(sources));
      serve.reload(change.next.config);
      this.#running = change.next;
      log.tell('info', reloadText(change));
    } catch (error) {
      if (!(error instanceof MdxError)) throw error;
      const hint = error.hint === null ? '' : ` (${error.hint})`;
      log.tell('warn', `the configuration stays as it was: ${error.message}${hint}`);
    }
  }
}
