import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Arg, OptionFlag } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.ts';
import type { Example } from '../cli/definition.ts';
import { EXIT_DAMAGED, EXIT_PROBLEM } from '../cli/exit-codes.ts';
import { feedFlag, forceFlag, groupFlag, outputFlag, portFlag, startFlag, strictFlag } from '../cli/flags.ts';
import { lineSpecs, tellListening } from '../cli/live-input.ts';
import { holeFlags, idleTimeoutFlag, recoveryFlags, recoverySettings } from '../cli/merge-flags.ts';
import { mergeLine, mergeTables } from '../cli/merge-tables.ts';
import { grouped } from '../cli/numbers.ts';
import type { Output } from '../cli/output.ts';
import { outputFormOf } from '../cli/output-form.ts';
import { lineFlag, type ReceiveFlags, receiveFlags, snapshotGroupFlag } from '../cli/rx-flags.ts';
import { MdxError } from '../core/errors.ts';
import type { Feed } from '../core/feeds/feed.ts';
import type { LiveLines } from '../core/pipeline/live-source.ts';
import type { CaptureSource } from '../core/pipeline/merge/capture-source.ts';
import type { MergeOptions, MergeProgress } from '../core/pipeline/merge/merge-options.ts';
import type { MergeReport } from '../core/pipeline/merge/merge-report.ts';
import type { PacketSource } from '../core/pipeline/packet-source.ts';

/** A and B, and what recovery brings. */
const LINES = 2;
const LINES_WITH_RECOVERY = 3;

/** Makes one stream of two lines. */
export default class Merge extends BaseCommand {
  static override summary: string = 'make one gapless stream of two lines, and tell what each of them lost';
  static override description: string =
    'Takes the packets of lines A and B, puts the numbers of each channel into order, passes each on once, and tells what both lines lost. Two captures are two lines and are merged by the times of their packets; one capture or packet pipe may hold both. What goes out is a packet pipe (docs/formats.md) that replay and book read, and tcpdump too; without -o it goes to standard output, unless that is a terminal or --json asks for the report alone. The report tells who was first and by how much (docs/merge.md).';
  static override examples: Example[] = [
    { description: 'What did each line lose?', command: 'mdx merge a.pcap b.pcap --json | jq .lines' },
    { description: 'One capture of both lines', command: 'mdx merge a.pcap b.pcap -o merged.pcapng' },
    {
      description: 'Two live lines into books',
      command: 'mdx merge udp://239.10.10.1:5001?iface=eth0 udp://239.10.20.1:5001?iface=eth1 | mdx book -',
    },
    { description: 'The books of both lines', command: 'mdx merge a.pcap b.pcap | mdx book -' },
    {
      description: 'What both lines lost comes from a server',
      command: 'mdx merge a.pcap b.pcap --recovery tcp://127.0.0.1:9001 -o merged.pcapng',
    },
    {
      description: 'A hole is given up after 20 ms or 500 numbers',
      command: 'mdx merge a.pcap b.pcap --gap-timeout 20ms --window 500',
    },
  ];
  static override args: { inputs: Arg<string[] | undefined> } = {
    inputs: Args.string({
      name: 'input',
      description:
        'captures of line A and line B, or one with both, or udp://GROUP:PORT of each; - is standard input',
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags: typeof holeFlags &
    typeof recoveryFlags &
    typeof receiveFlags & {
      line: typeof lineFlag;
      snapshot: typeof snapshotGroupFlag;
      'idle-timeout': typeof idleTimeoutFlag;
      output: typeof outputFlag;
      format: OptionFlag<string | undefined>;
      force: typeof forceFlag;
      feed: typeof feedFlag;
      port: typeof portFlag;
      group: typeof groupFlag;
      start: typeof startFlag;
      strict: typeof strictFlag;
    } = {
    output: outputFlag,
    format: Flags.string({
      summary: 'form of what is written; by the extension of -o unless given, else pcapng',
      options: ['pcap', 'pcapng'],
    }),
    force: forceFlag,
    feed: feedFlag,
    port: portFlag,
    group: groupFlag,
    start: startFlag,
    ...holeFlags,
    ...recoveryFlags,
    line: lineFlag,
    snapshot: snapshotGroupFlag,
    'idle-timeout': idleTimeoutFlag,
    ...receiveFlags,
    strict: strictFlag,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Merge);
    // Loaded here, so that help does not wait for it.
    const { merge } = await import('../core/pipeline/merge/merge-run.ts');
    const { mergeReport } = await import('../core/pipeline/merge/merge-report.ts');
    const { PacketOutput } = await import('../core/pipeline/merge/packet-output.ts');
    const { CaptureSource } = await import('../core/pipeline/merge/capture-source.ts');
    const { FEEDS } = await import('../core/feeds/registry.ts');
    const { parseAddress } = await import('../core/capture/address.ts');
    const { openRecoveryClient, openRoute } = await import('../core/net/recovery/client.ts');
    const settings = recoverySettings(flags);
    const endpoint = flags.recovery ?? null;
    if (endpoint !== null) openRoute(endpoint);
    const isStream = flags.output === undefined && process.stdout.isTTY !== true && !this.globals.json;
    const path = flags.output ?? (isStream ? '-' : null);
    const output = path === null ? null : this.#open(path, flags);
    const sources = await this.#sources(args.inputs ?? [], flags);
    if (sources === null) return;
    const files = sources.filter((source) => source instanceof CaptureSource);
    this.endsByRequest = sources.some(({ isLive }) => isLive);
    const report = await this.#run(sources, output, async (breathe) => {
      const options: MergeOptions = {
        sources,
        feeds: FEEDS.filter(({ transport }) => transport !== undefined),
        feed: feedNamed(FEEDS, flags.feed),
        filter: {
          ports: flags.port === undefined ? null : new Set(flags.port),
          groups: flags.group === undefined ? null : flags.group.map((group) => parseAddress(group)!.words),
        },
        arbiter: {
          gapTimeoutNs: flags['gap-timeout'],
          start: typeof flags.start === 'bigint' ? Number(flags.start) : 'first-seen',
          window: flags.window ?? Number.POSITIVE_INFINITY,
          waitingPacketsMax: flags['pending-cap'],
          lines: endpoint === null ? LINES : LINES_WITH_RECOVERY,
          recoveryTimeoutNs: endpoint === null ? null : flags['recovery-timeout'],
        },
        output:
          output === null
            ? null
            : ({ name }) =>
                new PacketOutput((chunk) => output.write(chunk), formOf(flags.format, path!), name),
        recovery:
          endpoint === null
            ? null
            : (feed, callbacks) =>
                openRecoveryClient(
                  endpoint,
                  { settings, backlog: flags.backlog ?? null, transport: () => feed.transport!() },
                  callbacks,
                ),
        stopsAtLoss: settings.unrecoverablePolicy === 'exit',
        idleMs: flags['idle-timeout'] ?? Number.POSITIVE_INFINITY,
        stop: () => this.interruption.signal !== null || output?.closed === true,
        breathe,
      };
      const result = await merge(options);
      return mergeReport(result, {
        version: this.config.version,
        inputs: files.map(({ input }) => input),
        damage: files.flatMap(({ damage }) => damage),
        recovery: endpoint,
        output:
          path === null
            ? null
            : { path, format: formOf(flags.format, path), written: result.packetsDelivered },
      });
    });
    for (const source of files) {
      if (source.isCut) this.caution(`${source.name}: the stream ends without its end mark: upstream ended`);
    }
    this.#tell(report);
    if (path === '-') {
      if (!output!.closed) this.note(mergeLine(report));
    } else await this.printReport(report, (style) => mergeTables(report, style));
    if (report.damage.length > 0) this.exitWith(EXIT_DAMAGED);
    else if (report.stopped === 'loss' || (flags.strict && report.delivered.lost > 0))
      this.exitWith(EXIT_PROBLEM);
    if (this.interruption.exitCode !== null && !this.endsByRequest) this.exitWith(this.interruption.exitCode);
  }

  /** Runs it with progress and SIGUSR2, and closes the sources whatever happens. */
  async #run(
    sources: readonly PacketSource[],
    output: Output | null,
    work: (breathe: MergeOptions['breathe']) => Promise<MergeReport>,
  ): Promise<MergeReport> {
    const progress = await this.startProgress('merging', output?.isTerminal === true);
    let standing: MergeProgress = { packets: 0, delivered: 0, lost: 0, waiting: 0 };
    const line = (): string => standingText(standing);
    // Without a listener SIGUSR2 ends the process.
    process.on('SIGUSR2', () => this.note(line()));
    try {
      return await work(async (now) => {
        standing = now;
        progress.update(line);
        await output?.drain();
      });
    } finally {
      progress.stop();
      for (const source of sources) await source.close();
    }
  }

  /** @returns null where somebody asked to stop before it was known what comes. */
  async #sources(
    inputs: readonly string[],
    flags: LiveFlags,
  ): Promise<readonly (CaptureSource | LiveLines)[] | null> {
    const isLive = inputs.some((input) => input.startsWith('udp:')) || flags.line !== undefined;
    return isLive ? [await this.#listen(inputs, flags)] : this.#captures(inputs);
  }

  async #listen(inputs: readonly string[], flags: LiveFlags): Promise<LiveLines> {
    const file = inputs.find((input) => !input.startsWith('udp:'));
    if (file !== undefined) {
      throw new MdxError(
        'usage',
        `${file} beside live lines: a merge is of captures, or of lines that are received now`,
      );
    }
    const { line, snapshot } = flags;
    const specs = await lineSpecs(
      { lines: line ?? [], positional: inputs, snapshots: snapshot ?? [] },
      flags,
    );
    const { LiveLines } = await import('../core/pipeline/live-source.ts');
    const live = await LiveLines.open(specs, flags.feed ?? null);
    tellListening(
      live,
      (text) => this.note(text),
      (text) => this.caution(text),
    );
    return live;
  }

  async #captures(inputs: readonly string[]): Promise<CaptureSource[] | null> {
    const { CaptureSource } = await import('../core/pipeline/merge/capture-source.ts');
    if (inputs.length === 0) {
      throw new MdxError(
        'usage',
        'an input is missing: two captures, one with both lines, - or udp://GROUP:PORT',
      );
    }
    if (inputs.length > 2) {
      throw new MdxError('usage', `${inputs.length} inputs: a merge has two lines, A and B`, {
        hint: 'Join the files of one line first: mdx replay part-1.pcap part-2.pcap -o line.pcapng.',
      });
    }
    if (inputs.length === 2 && inputs[0] === inputs[1]) {
      throw new MdxError(
        'usage',
        `${inputs[0]} is both lines: a stream can be read once, and a line needs its own`,
      );
    }
    const sources: CaptureSource[] = [];
    for (const [at, path] of inputs.entries()) {
      const source = await CaptureSource.open(
        path,
        inputs.length === 1 ? -1 : at,
        this.interruption.aborted,
        (text) => this.note(text),
      );
      if (source === null) return null;
      sources.push(source);
    }
    return sources;
  }

  #open(path: string, { force }: { readonly force: boolean }): Output {
    if (path === '-' && process.stdout.isTTY === true) {
      throw new MdxError('usage', 'writing packets to a terminal: they are binary', {
        hint: 'Name a file with -o, or pipe it into another command, such as mdx book -.',
      });
    }
    if (path === '-' && this.globals.json) {
      throw new MdxError('usage', '--json prints a report where -o - writes the packets', {
        hint: 'Name a file with -o.',
      });
    }
    return this.openOutput({ path: path === '-' ? null : path, force, unbuffered: path === '-' });
  }

  /** Says what was odd, once per kind. */
  #tell({ delivered, lines, damage }: MergeReport): void {
    if (delivered.conflicts > 0) {
      this.caution(
        `${grouped(delivered.conflicts)} numbers have other bytes on the other line; the first copy was passed on`,
      );
    }
    for (const [name, { malformed }] of Object.entries(lines)) {
      if (malformed > 0) this.caution(`line ${name}: ${grouped(malformed)} damaged packets`);
    }
    for (const { path, offset, problem } of damage)
      this.caution(`${path}: damaged at byte ${offset}: ${problem}`);
  }
}

interface LiveFlags extends ReceiveFlags {
  readonly line: string[] | undefined;
  readonly snapshot: string[] | undefined;
  readonly feed: string | undefined;
}

function standingText({ packets, delivered, lost, waiting }: MergeProgress): string {
  const parts = [`merging: ${grouped(packets)} packets`, `${grouped(delivered)} numbers`];
  if (lost > 0) parts.push(`${grouped(lost)} lost`);
  if (waiting > 0) parts.push(`${grouped(waiting)} packets wait`);
  return parts.join(' · ');
}

function formOf(format: string | undefined, path: string): 'pcap' | 'pcapng' {
  const form = path === '-' && format === undefined ? 'pcapng' : outputFormOf(format, path);
  if (form === 'pcap' || form === 'pcapng') return form;
  throw new MdxError('usage', `writing ${path}: a merge is written as pcap or pcapng`);
}

function feedNamed(feeds: readonly Feed[], name: string | undefined): Feed | null {
  if (name === undefined) return null;
  const feed = feeds.find((each) => each.name === name || each.aliases?.includes(name))!;
  if (feed.transport !== undefined) return feed;
  throw new MdxError('usage', `--feed ${name}: it does not come in packets`);
}
