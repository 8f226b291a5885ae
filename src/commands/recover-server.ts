import { BaseCommand } from '../cli/base-command.ts';
import type { Example } from '../cli/definition.ts';
import { EXIT_DAMAGED } from '../cli/exit-codes.ts';
import { grouped } from '../cli/numbers.ts';
import { capturesArg, recoverServerFlags } from '../cli/recover-server-flags.ts';
import { recoverServerTables } from '../cli/recover-server-tables.ts';
import type { IndexedCaptures } from '../core/pipeline/recovery/index-captures.ts';
import type { RunningServer } from '../core/pipeline/recovery/serve.ts';

/** Serves lost packets from captures. */
export default class RecoverServer extends BaseCommand {
  static override readonly longRunning: boolean = true;
  static override summary: string = 'serve lost packets from captures, over TCP and by MoldUDP64 requests';
  static override description: string =
    'Reads captures once, notes where every numbered packet of one channel stands, and answers whoever asks for some of them: len_seq_payload questions over TCP (tcp+listen://) and MoldUDP64 requests (mold+udp://). Both lines of the channel may be in the captures. Runs until it is stopped, and then reports (docs/recovery.md).';
  static override examples: Example[] = [
    {
      description: 'Serve a recording on this machine',
      command: 'mdx recover-server session.pcapng --listen tcp+listen://127.0.0.1:9001',
    },
    {
      description: 'Both protocols, on ports that the system chooses and stderr tells',
      command:
        'mdx recover-server day.pcap --listen tcp+listen://127.0.0.1:0 --listen mold+udp://127.0.0.1:0',
    },
    {
      description: 'A server that fails, to see a client try again',
      command: 'mdx recover-server day.pcap --listen tcp+listen://127.0.0.1:9001 --fail-first 2 --drop 0.1',
    },
  ];
  static override args: { captures: typeof capturesArg } = { captures: capturesArg };
  static override flags: typeof recoverServerFlags = recoverServerFlags;

  async run(): Promise<void> {
    const started = performance.now();
    const { args, flags } = await this.parse(RecoverServer);
    // Loaded here, so that help does not wait for it.
    const { parseListen, serveCaptures, serverReport } = await import('../core/pipeline/recovery/serve.ts');
    const endpoints = flags.listen.map(parseListen);
    const captures = await this.#index(args.captures, flags);
    const indexed = performance.now();
    let server: RunningServer | null = null;
    try {
      if (!captures.stopped) {
        const limits = {
          clients: flags['max-clients'],
          clientTimeoutMs: flags['client-timeout'] / 1e6,
          requestsPerSecond: flags['max-requests'],
        };
        const { 'fail-first': failFirst, drop, delay, cut, seed } = flags;
        const faults = { failFirst, drop, delayMs: delay / 1e6, cut, seed };
        server = await serveCaptures(captures, endpoints, limits, faults);
        this.#tell(captures, server);
        await this.#stopped(server);
        await server.close();
      }
    } finally {
      captures.close();
    }
    const report = serverReport(captures, server, {
      version: this.config.version,
      elapsedNs: (performance.now() - started) * 1e6,
      indexNs: (indexed - started) * 1e6,
    });
    await this.printReport(report, (style) => recoverServerTables(report, style));
    if (captures.damage.length > 0) this.exitWith(EXIT_DAMAGED);
  }

  async #index(
    paths: readonly string[],
    flags: {
      readonly feed: string | undefined;
      readonly port: number[] | undefined;
      readonly group: string[] | undefined;
    },
  ): Promise<IndexedCaptures> {
    const { FEEDS } = await import('../core/feeds/registry.ts');
    const { parseAddress } = await import('../core/capture/address.ts');
    const { indexCaptures } = await import('../core/pipeline/recovery/index-captures.ts');
    const progress = await this.startProgress('indexing');
    const captures = await indexCaptures({
      paths,
      feeds: FEEDS,
      feedName: flags.feed ?? null,
      flows: {
        ports: flags.port === undefined ? null : new Set(flags.port),
        groups: flags.group?.map((group) => parseAddress(group)!.words) ?? null,
      },
      breathe: async (path, bytes, total) => {
        progress.update(() => `indexing ${path}: ${total === 0 ? 100 : Math.floor((bytes * 100) / total)} %`);
        // Signals come between two turns.
        await new Promise((resolve) => setImmediate(resolve));
        return this.interruption.signal !== null;
      },
    }).finally(() => progress.stop());
    for (const { path, offset, problem } of captures.damage) {
      this.caution(`${path}: damaged at byte ${offset}: ${problem}; what is in front of it is served`);
    }
    const { conflicts } = captures.index;
    if (conflicts > 0) {
      this.caution(
        `${grouped(conflicts)} packets have the numbers of others and other bytes: choose one channel with --port or --group if there are several`,
      );
    }
    if (captures.otherChannel > 0) {
      this.caution(`${grouped(captures.otherChannel)} packets are of another partition and not served`);
    }
    return captures;
  }

  /** Where it listens: a line each, for whoever waits for it. */
  #tell({ index }: IndexedCaptures, { listeners }: RunningServer): void {
    const messages = index.sessions.reduce((sum, session) => sum + session.messages, 0);
    this.detail(
      `${grouped(index.packets)} packets, ${grouped(messages)} messages, ${grouped(index.bytes)} bytes of index`,
    );
    for (const { address } of listeners) this.note(`listening ${address}`);
  }

  async #stopped({ counts }: RunningServer): Promise<void> {
    process.on('SIGUSR2', () => {
      this.note(`${counts.requests} questions, ${counts.packets} packets sent, ${counts.refused} refused`);
    });
    if (this.interruption.signal !== null) return;
    await new Promise<void>((resolve) => this.interruption.onRequest(resolve));
  }
}
