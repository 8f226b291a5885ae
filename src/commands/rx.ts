import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Arg, BooleanFlag, OptionFlag } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.ts';
import type { Example } from '../cli/definition.ts';
import { feedFlag, forceFlag, outputFlag, parseDuration } from '../cli/flags.ts';
import { isServer, lineSpecs, tellListening } from '../cli/live-input.ts';
import { Output } from '../cli/output.ts';
import { lineFlag, type ReceiveFlags, receiveFlags, snapshotGroupFlag } from '../cli/rx-flags.ts';
import { sizeFlag } from '../cli/size-flag.ts';
import { serverToken, tokenFileFlag } from '../cli/token.ts';
import { MdxError } from '../core/errors.ts';
import type { LiveLines } from '../core/pipeline/live-source.ts';
import type { PipeTarget } from '../core/pipeline/pipe-stream.ts';
import type { ByteSource } from '../core/pipeline/raw-source.ts';
import type { RxReport } from '../core/pipeline/rx-report.ts';
import type { RxRun } from '../core/pipeline/rx-run.ts';

const SILENT_MS = 5000;
const DRAW_MS = 500;

interface RxFlags extends ReceiveFlags {
  line: string[] | undefined;
  snapshot: string[] | undefined;
  feed: string | undefined;
  output: string | undefined;
  force: boolean;
  'rotate-size': number | undefined;
  'rotate-time': number | undefined;
  'rotate-count': number | undefined;
  limit: number | undefined;
  duration: number | undefined;
  'silent-after': number;
  'token-file': string | undefined;
}

/** Receives live lines. */
export default class Rx extends BaseCommand {
  static override summary: string = 'receive lines and pass them on, or record them';
  static override description: string =
    'Joins the groups of one or two lines and writes every packet, with its line, its receive time and what the kernel lost, as pcapng to standard output or to files. tcpdump and Wireshark read it, mdx merge makes one stream of it. Says `listening` on stderr once a group is joined. The report at the end accounts for every packet: received = written + dropped by reason. SIGUSR2 prints the counts; the first SIGINT or SIGTERM ends in order.';
  static override examples: Example[] = [
    {
      description: 'Two lines into a book',
      command:
        'mdx rx --line A=udp://239.10.10.1:5001?iface=eth0 --line B=udp://239.10.10.2:5001?iface=eth1 | mdx book -',
    },
    {
      description: 'Record, a new file every hour',
      command: 'mdx rx udp://239.10.10.1:5001?iface=eth0 -o day.pcapng --rotate-time 60m',
    },
    {
      description: 'Only what one source sends to the group',
      command: "mdx rx 'udp://232.1.1.1:5001?source=10.0.0.5&iface=eth0' | tcpdump -nr -",
    },
    {
      description: 'Record what a raw-v1 server sends, over both of its lines',
      command: 'mdx rx ws://127.0.0.1:9081/ws ws://127.0.0.1:9082/ws -o frames.bin',
    },
  ];
  static override readonly longRunning: boolean = true;
  static override args: { line: Arg<string[] | undefined> } = {
    line: Args.string({
      description: 'group of line A, then of line B: udp://GROUP:PORT?iface=NAME; or ws://HOST:PORT',
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags: {
    [K in keyof RxFlags]: RxFlags[K] extends boolean ? BooleanFlag<boolean> : OptionFlag<RxFlags[K]>;
  } = {
    line: lineFlag,
    snapshot: snapshotGroupFlag,
    feed: feedFlag,
    output: outputFlag,
    force: forceFlag,
    'rotate-size': sizeFlag('rotate-size', 'begin another file when one has so many bytes'),
    'rotate-time': durationFlag('rotate-time', 'begin another file after so long'),
    'rotate-count': Flags.integer({
      summary: 'begin another file after so many packets',
      helpValue: 'PACKETS',
      min: 1,
    }),
    limit: Flags.integer({ summary: 'end after this many packets', helpValue: 'COUNT', min: 1 }),
    duration: durationFlag('duration', 'end after so long'),
    'silent-after': Flags.custom<number>({
      summary: 'a line without packets for so long is marked silent',
      helpValue: 'DURATION',
      default: SILENT_MS,
      defaultHelp: async () => '5s',
      parse: async (text) => parseDuration('silent-after', text) / 1e6,
    })(),
    'token-file': tokenFileFlag,
    ...receiveFlags,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Rx);
    if (args.line?.some(isServer) === true) {
      await this.#recordServer(args.line, flags);
      return;
    }
    const specs = await lineSpecs(
      { lines: flags.line ?? [], positional: args.line ?? [], snapshots: flags.snapshot ?? [] },
      flags,
    );
    const toStdout = flags.output === undefined || flags.output === '-';
    this.#refuseMisuse(flags, toStdout);
    const started = process.hrtime.bigint();
    const { LiveLines } = await import('../core/pipeline/live-source.ts');
    const { RxRun } = await import('../core/pipeline/rx-run.ts');
    const { rxReport } = await import('../core/pipeline/rx-report.ts');
    const feed = await this.#feed(flags.feed);
    // Opened before the first packet is taken, so that a file that cannot be written costs none.
    const first = this.#openTarget(flags, 1);
    let live: LiveLines;
    try {
      live = await LiveLines.open(specs, feed?.name ?? null);
    } catch (error) {
      await first.abandon();
      throw error;
    }
    this.interruption.onRequest(() => live.stop());
    if (this.interruption.signal !== null) live.stop();
    const run = new RxRun({
      live,
      feed,
      packetsMax: flags.limit ?? Number.POSITIVE_INFINITY,
      durationMs: flags.duration ?? Number.POSITIVE_INFINITY,
      silentMs: flags['silent-after'],
      rotation: {
        bytes: flags['rotate-size'] ?? Number.POSITIVE_INFINITY,
        ms: flags['rotate-time'] ?? Number.POSITIVE_INFINITY,
        packets: flags['rotate-count'] ?? Number.POSITIVE_INFINITY,
      },
      open: (number) => (number === 1 ? first : this.#openTarget(flags, number)),
      onSecond: () => {},
    });
    const stopShowing = await this.#show(run, toStdout);
    // Last, so that whoever waits for it can rely on signals being heard.
    tellListening(
      live,
      (text) => this.note(text),
      (text) => this.caution(text),
    );
    try {
      await run.execute();
    } finally {
      stopShowing();
      await live.close();
    }
    const elapsedNs = Number(process.hrtime.bigint() - started);
    const { renderRxReport, rxCountLine } = await import('../cli/rx-view.ts');
    const report = rxReport(run, feed?.name ?? null, this.config.version, elapsedNs);
    if (!toStdout) await this.printReport(report, (style) => renderRxReport(report, style));
    else this.#tellCounts(report, run.target, rxCountLine(report.lines));
  }

  /** Copies the frames of a raw-v1 server, with their lengths in front. */
  async #recordServer(addresses: readonly string[], flags: RxFlags): Promise<void> {
    const { joinLines } = await import('../core/pipeline/raw-v1/endpoint.ts');
    const [path, other] = joinLines(addresses);
    const lines = [...(flags.line ?? []), ...(flags.snapshot ?? [])];
    if (path === undefined || other !== undefined || lines.length > 0) {
      throw new MdxError('usage', 'the lines of a raw-v1 server and groups are not received by one command');
    }
    const toStdout = flags.output === undefined || flags.output === '-';
    this.#refuseMisuse(flags, toStdout);
    const { RawV1Source } = await import('../core/pipeline/raw-v1/source.ts');
    const { recordFrames } = await import('../core/pipeline/raw-v1/record.ts');
    const token = await serverToken(flags['token-file']);
    const signals = [this.interruption.aborted];
    if (flags.duration !== undefined) signals.push(AbortSignal.timeout(flags.duration));
    const { output: file = '-', force } = flags;
    const output = Output.open({ path: file, force, signal: this.interruption.aborted });
    const recorded = { command: 'rx', path, frames: 0, bytes: 0, stopped: null };
    let source: ByteSource | null = null;
    try {
      source = new RawV1Source(path, token, AbortSignal.any(signals), (text) => this.note(text));
      await recordFrames(source, output, flags.limit ?? Number.POSITIVE_INFINITY, recorded);
      await output.finish();
    } catch (error) {
      await output.abandon();
      throw error;
    } finally {
      await source?.close();
    }
    const counts = `${recorded.frames} frames, ${recorded.bytes} bytes`;
    if (toStdout) this.note(counts);
    else await this.printReport(recorded, () => `${file}: ${counts}\n`);
  }

  #refuseMisuse(flags: RxFlags, toStdout: boolean): void {
    const rotates = ['rotate-size', 'rotate-time', 'rotate-count'].some(
      (name) => flags[name as keyof RxFlags] !== undefined,
    );
    if (rotates && toStdout) throw new MdxError('usage', 'rotation needs a file: -o FILE');
    if (toStdout && process.stdout.isTTY) {
      throw new MdxError('usage', 'packets are not written to a terminal', {
        hint: 'Name a file with -o, or pipe them: mdx rx … | tcpdump -nr -.',
      });
    }
    if (toStdout && this.globals.json) {
      throw new MdxError('usage', '--json: the report needs standard output, where the packets go', {
        hint: 'Write the packets to a file with -o.',
      });
    }
  }

  async #feed(name: string | undefined): Promise<import('../core/feeds/feed.ts').Feed | null> {
    if (name === undefined) return null;
    const { FEEDS } = await import('../core/feeds/registry.ts');
    return FEEDS.find((feed) => feed.name === name || feed.aliases?.includes(name)) ?? null;
  }

  #openTarget(flags: RxFlags, number: number): PipeTarget {
    const { output = '-', force } = flags;
    const rotates =
      flags['rotate-size'] !== undefined ||
      flags['rotate-time'] !== undefined ||
      flags['rotate-count'] !== undefined;
    const path = rotates ? numbered(output, number, new Date()) : output;
    const options = { signal: this.interruption.aborted, tell: (text: string) => this.note(text) };
    return Output.open({ path, force, ...options });
  }

  /** Counts on SIGUSR2, and the standing of the lines where a terminal shows it. @returns what ends it. */
  async #show(run: RxRun, toStdout: boolean): Promise<() => void> {
    const { RxView, standingLine } = await import('../cli/rx-view.ts');
    const { stderr } = process;
    const { quiet, progress } = this.globals;
    const { TERM } = process.env;
    const auto = stderr.isTTY === true && TERM !== 'dumb' && (!toStdout || !process.stdout.isTTY);
    const isShown = !quiet && progress !== 'never' && auto;
    const view = isShown ? new RxView(stderr, this.styleOf(stderr)) : null;
    const onSignal = (): void => {
      view?.clear();
      process.stderr.write(`${standingLine(run)}\n`);
    };
    // Without a listener SIGUSR2 ends the process.
    process.on('SIGUSR2', onSignal);
    const timer = view === null ? null : setInterval(() => view.draw(run), DRAW_MS);
    return () => {
      if (timer !== null) clearInterval(timer);
      view?.clear();
    };
  }

  #tellCounts(
    report: RxReport,
    target: PipeTarget & { readonly undelivered?: number },
    counts: string,
  ): void {
    this.note(counts);
    const undelivered = target.undelivered ?? 0;
    if (report.stopped === 'readerLeft' || undelivered > 0) {
      this.note(
        `${target.name}: the reader left; ${report.dropped.readerLeft} packets and ${undelivered} of ${target.bytes} bytes were not delivered`,
      );
    }
  }
}

function durationFlag(name: string, summary: string): OptionFlag<number | undefined> {
  return Flags.custom<number>({
    summary,
    helpValue: 'DURATION',
    parse: async (text) => {
      const ms = parseDuration(name, text) / 1e6;
      if (ms >= 1) return ms;
      throw new MdxError('usage', `--${name} ${text}: expected at least 1ms`);
    },
  })();
}

/** `day.pcapng` → `day-00001-20260105T143000Z.pcapng`. */
function numbered(path: string, number: number, time: Date): string {
  const stamp = time.toISOString().replace(/[-:]|\.\d+/g, '');
  const match = /^(.*?)(\.[^./]+)?$/s.exec(path)!;
  return `${match[1]}-${String(number).padStart(5, '0')}-${stamp}${match[2] ?? ''}`;
}
