import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Conversion } from '../core/convert/conversion.ts';
import type { CaptureForm, PacketCopyResult } from '../core/convert/packet-copy.ts';
import { MdxError } from '../core/errors.ts';
import type { UdpSender } from '../core/net/sender.ts';
import type { RecoveryReport } from '../core/pipeline/merge/merge-report.ts';
import type { RunResult } from '../core/pipeline/run.ts';
import type { RunOptions } from '../core/pipeline/run-options.ts';
import type { BookFilter } from '../core/pipeline/wanted-books.ts';
import type { WireReport } from '../core/pipeline/wire-report.ts';
import { BaseCommand } from './base-command.ts';
import { sentText, standingText } from './count-line.ts';
import { EXIT_PROBLEM } from './exit-codes.ts';
import { type InputFlags, inputOptions } from './input.ts';
import { isServer } from './live-input.ts';
import type { Output } from './output.ts';
import { recoveredInput, recoveryLine } from './recovered-input.ts';
import { wireClock } from './wall-clock.ts';
import type { Watching, WatchOptions } from './watch/watch.ts';
import { type WireDestination, type WireFlags, wireImpairments, wireRate } from './wire-flags.ts';

/** What a command decides about its run besides the flags that all of them have. */
interface RunChoices
  extends Pick<
    RunOptions,
    'stopAt' | 'seeks' | 'invariants' | 'observers' | 'pacer' | 'resume' | 'follow' | 'endsOpen'
  > {
  readonly writing: Writing | null;
  readonly watching?: Watching;
  /** The terminal already shows what is done. */
  readonly isBusy: boolean;
}

/** What is written while a run goes on: a slow reader is waited for, and one that left ends the run. */
export interface Writing {
  readonly output: Pick<Output, 'closed' | 'drain'>;
  readonly conversion: Conversion;
}

/** What a command decides about a run that is watched. */
interface WatchChoices
  extends Pick<WatchOptions, 'flag' | 'instead' | 'speed' | 'depth' | 'startsPaused' | 'point'>,
    Pick<RunOptions, 'invariants' | 'follow'> {}

/** Reads the input, and again as often as somebody who watches goes back in it. */
async function readThrough(
  read: (from: Pick<RunOptions, 'beginAt'>) => Promise<RunResult>,
  watching?: Watching,
): Promise<RunResult> {
  let result = await read({});
  while (watching !== undefined && (await watching.readsAgain(result.counts.messages))) {
    const { beginAt } = watching.gate;
    result = await read(beginAt === undefined ? {} : { beginAt });
  }
  return result;
}

/** What commands share that read captures and build books. */
export abstract class InputCommand extends BaseCommand {
  /** What recovery did, null where there was none. */
  protected recovery: RecoveryReport | null = null;

  /** Reads the files and says on stderr how far it is, and in the end what could not be read. */
  protected async runInput(
    paths: readonly string[],
    flags: InputFlags,
    { writing, watching, isBusy, ...choices }: RunChoices,
  ): Promise<RunResult> {
    if (choices.follow === true || paths.some(isServer)) this.endsByRequest = true;
    // Loaded here, so that help does not wait for it.
    const { run } = await import('../core/pipeline/run.ts');
    const input = await inputOptions(paths, flags);
    const recovered = await recoveredInput(flags, input);
    let line = (): string => 'nothing read yet';
    // Without a listener SIGUSR2 ends the process.
    process.on('SIGUSR2', () => {
      // A line would break what is drawn.
      if (watching === undefined) this.note(line());
    });
    const progress = await this.startProgress('reading', isBusy);
    const reading: RunOptions = {
      ...input,
      ...choices,
      // What is watched can be changed on the way, so all books are kept.
      ...(watching === undefined ? {} : { books: null }),
      steps: watching?.gate ?? null,
      signal: this.interruption.aborted,
      tell: (text) => this.note(text),
      ...(recovered === null ? {} : { open: recovered.open }),
      stop: () =>
        this.interruption.signal !== null ||
        writing?.output.closed === true ||
        watching?.gate.isClosed === true,
      breathe: async (standing) => {
        line = () => standingText(standing);
        progress.update(line);
        writing?.conversion.flush();
        if (watching !== undefined) await watching.breathe(standing);
        else await (writing === null ? nextTurn() : writing.output.drain());
      },
    };
    const result = await readThrough((beginAt) => run({ ...reading, ...beginAt }), watching)
      .catch((error: unknown) => {
        writing?.conversion.abandon?.();
        throw error;
      })
      .finally(() => progress.stop());
    this.tellProblems(result);
    this.#tellUnmatched(result, input.books);
    this.recovery = (await recovered?.report()) ?? null;
    if (this.recovery !== null) {
      this.note(recoveryLine(this.recovery));
      const isProblem = flags['unrecoverable-policy'] === 'exit' && this.recovery.unrecoverableGaps > 0;
      if (isProblem) this.exitWith(EXIT_PROBLEM);
    }
    return result;
  }

  /** Copies packets, and says on stderr how far it is. */
  protected async copyInput(
    paths: readonly string[],
    flags: InputFlags,
    form: CaptureForm,
    output: Output,
    isBusy: boolean,
  ): Promise<PacketCopyResult> {
    const { copyPackets } = await import('../core/convert/packet-copy.ts');
    const input = await inputOptions(paths, flags);
    const progress = await this.startProgress('copying', isBusy);
    const result = await copyPackets(
      {
        ...input,
        stopAt: null,
        steps: null,
        invariants: 'off',
        observers: [],
        pacer: null,
        signal: this.interruption.aborted,
        tell: (text) => this.note(text),
        stop: () => this.interruption.signal !== null || output.closed,
        breathe: async (standing) => {
          progress.update(() => standingText(standing));
          await output.drain();
        },
      },
      form,
      (chunk) => output.write(chunk),
    ).finally(() => progress.stop());
    this.#tellDamage(result);
    return result;
  }

  /** Sends the datagrams onto the wire, and says on stderr how far it is. */
  protected async sendInput(
    paths: readonly string[],
    flags: InputFlags & WireFlags & { readonly speed: number },
    destinations: readonly WireDestination[],
  ): Promise<WireReport> {
    const { parseUdpTarget } = await import('../core/net/udp-target.ts');
    const { openSender } = await import('../core/net/udp-sender.ts');
    const { replayOntoWire } = await import('../core/pipeline/wire-replay.ts');
    const { wireReport } = await import('../core/pipeline/wire-report.ts');
    const { PERFECT } = await import('../core/simulate/impairment.ts');
    const passes = flags.loop ?? 1;
    if (passes > 1 && paths.includes('-')) {
      throw new MdxError('usage', '--loop reads its input again, and standard input (-) can be read once');
    }
    const rate = wireRate(flags.speed, flags);
    const input = await inputOptions(paths, flags);
    const targets = destinations.map(({ to }) => parseUdpTarget(to));
    const senders: UdpSender[] = [];
    const progress = await this.startProgress('sending');
    try {
      for (const target of targets) senders.push(await openSender(target));
      const result = await replayOntoWire({
        input: {
          ...input,
          stopAt: null,
          steps: null,
          invariants: 'off',
          observers: [],
          pacer: null,
          signal: this.interruption.aborted,
          tell: (text) => this.note(text),
          stop: () => this.interruption.signal !== null,
          breathe: async () => {
            progress.update(() => sentText(senders));
            await nextTurn();
          },
        },
        lines: destinations.map(({ name, takes }, index) => ({
          name,
          takes,
          sender: senders[index]!,
          impairments: wireImpairments(flags, name, PERFECT),
        })),
        rate,
        passes,
        seed: flags.seed,
        clock: wireClock(this.interruption),
      });
      // What was sent is known for good when all of it has left.
      for (const sender of senders) await sender.close();
      return wireReport(result, {
        version: this.config.version,
        rate,
        targets: destinations.map(({ to }, index) => ({ to, sender: senders[index]! })),
      });
    } catch (error) {
      for (const sender of senders) await sender.close();
      throw error;
    } finally {
      progress.stop();
    }
  }

  /**
   * Reads the files before the eyes of whoever sits at the terminal, until that one leaves. No book is left out: --symbol
   * and --instrument name the one that is shown first.
   */
  protected async watchInput(
    paths: readonly string[],
    flags: InputFlags,
    choices: WatchChoices,
  ): Promise<RunResult> {
    const { watch } = await import('./watch/watch.ts');
    this.endsByRequest = true;
    return watch(
      {
        ...choices,
        paths,
        style: this.styleOf(process.stdout),
        interruption: this.interruption,
        symbols: flags.symbol,
        instruments: flags.instrument,
        isRecovered: flags.recovery !== undefined,
      },
      (watched) =>
        this.runInput(paths, flags, {
          stopAt: null,
          invariants: choices.invariants,
          follow: choices.follow ?? false,
          writing: null,
          isBusy: true,
          ...watched,
        }),
    );
  }

  /** Says what could not be read, once per kind; with --verbose also what was read and left out. */
  protected tellProblems({ inputs, counts, damage }: RunResult): void {
    for (const { path, format, bytes, packets, skipped } of inputs) {
      const facts = [format, `${bytes} bytes`, ...(packets === null ? [] : [`${packets} packets`])];
      for (const [reason, count] of skipped) facts.push(`${reason} ${count}`);
      this.detail(`${path}: ${facts.join(', ')}`);
    }
    const { messages, unknown, malformed } = counts;
    this.detail(`${messages} messages, ${unknown} of unknown type, ${malformed} malformed`);
    for (const { kind, count, packetNumber, offset } of counts.problems.values()) {
      const times = count === 1 ? 'once' : `${count} times`;
      const packet = packetNumber === 0 ? '' : `in packet ${packetNumber} `;
      this.caution(`${kind}: ${times}, first ${packet}at offset ${offset}`);
    }
    for (const { kind, count, packetNumber } of counts.remarks.values()) {
      const times = count === 1 ? 'once' : `${count} times`;
      this.caution(`${kind}: ${times}, first in packet ${packetNumber}`);
    }
    this.#tellDamage({ inputs, damage });
  }

  #tellDamage({ inputs, damage }: Pick<RunResult, 'inputs' | 'damage'>): void {
    for (const { path, offset, problem } of damage) {
      this.caution(`${path}: damaged at byte ${offset}: ${problem}`);
    }
    for (const { path, truncated } of inputs) {
      if (!truncated || damage.some((each) => each.path === path)) continue;
      this.caution(`${path}: upstream ended without saying so; what it sent was processed`);
    }
  }

  /** Says that the instruments that were chosen are none of those in the input, unless it was not read to its end. */
  #tellUnmatched({ stopped, books }: RunResult, chosen: BookFilter | null): void {
    if (chosen === null || stopped !== null) return;
    const { books: found } = books.dictionary;
    if (found.length === 0 || found.some((book) => chosen(book))) return;
    this.caution(
      `none of the ${found.length} instruments in the input is one that --symbol or --instrument names`,
    );
  }
}
