import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { ByteWindow } from '../../../src/core/binary/byte-window.ts';
import type { Random } from '../../../src/core/binary/random.ts';
import { ERRORS, MdxError } from '../../../src/core/errors.ts';
import { FEEDS } from '../../../src/core/feeds/registry.ts';
import { DamagedInput, openByteSource } from '../../../src/core/pipeline/byte-source.ts';
import { reportOf } from '../../../src/core/pipeline/report.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import type { RunOptions } from '../../../src/core/pipeline/run-options.ts';
import { runOptions } from '../../world/run-options.ts';
import { checkMarkets } from '../books-check.ts';
import type { Corpus } from '../corpus.ts';
import { mutate } from '../mutate.ts';
import { Scratch } from '../scratch.ts';
import { Broken, type Episode, holds, type Outcomes, same, type Target } from '../target.ts';

const CASES_PER_EPISODE = 8;
const INPUT_BYTES = 32_768;
const WINDOW_BYTES = 1 << 20;
/** No mutant of inputs this small becomes more. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** Whole files, plain and compressed, through the byte source alone and through whole runs. */
export function wholeTargets(corpus: Corpus): Target[] {
  const inputs = [
    ...corpus.pcap.slice(0, 8),
    ...corpus.pcapng.slice(0, 4),
    ...corpus.soup,
    ...corpus.lengthPrefixed,
    ...corpus.dbn,
  ];
  return [
    {
      name: 'compressed',
      title: 'gzip and zstd files → byte source; what is not damaged comes out, damage is named',
      share: 1,
      casesPerEpisode: CASES_PER_EPISODE,
      start: (random, outcomes) => new CompressedEpisode(inputs, random, outcomes),
    },
    {
      name: 'file',
      title: 'whole files of every kind → run and its report, invariants checked at every group',
      share: 3,
      casesPerEpisode: CASES_PER_EPISODE,
      start: (random, outcomes) => new FileEpisode(inputs, random, outcomes),
    },
  ];
}

/** One file that every case writes anew. */
abstract class FileCase implements Episode {
  protected readonly inputs: readonly Uint8Array[];
  protected readonly random: Random;
  protected readonly outcomes: Outcomes;
  protected readonly input: Scratch = new Scratch(INPUT_BYTES);
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'mdx-fuzz-'));
  protected readonly path: string = join(this.#folder, 'input');

  constructor(inputs: readonly Uint8Array[], random: Random, outcomes: Outcomes) {
    this.inputs = inputs;
    this.random = random;
    this.outcomes = outcomes;
  }

  async next(): Promise<void> {
    try {
      await this.one();
    } catch (error) {
      this.end();
      throw error;
    }
  }

  end(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  protected abstract one(): Promise<void>;

  protected pick(): Uint8Array {
    return this.inputs[this.random.below(this.inputs.length)]!;
  }

  /** One to three members or frames of gzip or zstd with the input's bytes. */
  protected compress(plain: Uint8Array): Uint8Array {
    const pieces = 1 + this.random.below(3);
    const parts: Uint8Array[] = [];
    const gzip = this.random.below(2) === 0;
    for (let piece = 0; piece < pieces; piece += 1) {
      const part = plain.subarray((plain.length * piece) / pieces, (plain.length * (piece + 1)) / pieces);
      parts.push(gzip ? gzipSync(part) : zstdCompressSync(part));
    }
    return Buffer.concat(parts);
  }
}

class CompressedEpisode extends FileCase {
  readonly #window: ByteWindow = new ByteWindow(WINDOW_BYTES);

  protected async one(): Promise<void> {
    const { random, input } = this;
    const plain = this.pick();
    input.set(this.compress(plain));
    const intact = random.below(8) === 0;
    if (!intact) mutate(input, random, this.compress(this.pick()));
    writeFileSync(this.path, input.content());
    const outcome = await this.#read(intact ? plain : null);
    holds(!intact || outcome === 'whole', `an intact file is ${outcome}`);
    this.outcomes.add(outcome);
  }

  /** Reads to the end or to the damage. @param expected the bytes that must come out, null where nobody knows. */
  async #read(expected: Uint8Array | null): Promise<string> {
    const window = this.#window;
    window.reset();
    const source = await openByteSource(this.path);
    let bytes = 0;
    try {
      for (;;) {
        const more = await source.fill(window);
        if (!more) break;
        const { available } = window;
        holds(available > 0, 'more bytes were promised than came');
        if (expected !== null) {
          const part = Buffer.from(expected.buffer, expected.byteOffset + bytes, available);
          holds(
            part.equals(window.bytes.subarray(window.position, window.limit)),
            `other bytes than went in from ${bytes} on`,
          );
        }
        bytes += available;
        holds(bytes <= OUTPUT_BYTES_MAX, `${bytes} bytes out of a file of ${this.input.length}`);
        window.position = window.limit;
      }
    } catch (error) {
      if (!(error instanceof DamagedInput)) throw error;
      holds(
        error.offset >= 0 && error.offset <= this.input.length,
        `damage at ${error.offset} of ${this.input.length}`,
      );
      return error.truncated ? 'truncated' : 'damaged';
    } finally {
      await source.close();
    }
    if (expected !== null) same('bytes', bytes, expected.length);
    return 'whole';
  }
}

class FileEpisode extends FileCase {
  protected async one(): Promise<void> {
    const { random, input } = this;
    input.set(this.pick());
    if (random.below(8) > 0) mutate(input, random, this.pick());
    const compressed = random.below(4) === 0;
    writeFileSync(this.path, compressed ? this.compress(input.content()) : input.content());
    let steps = 0;
    const options: Partial<RunOptions> = {
      ...this.#options(),
      invariants: 'all',
      breathe: async () => {
        steps += 1;
        holds(steps <= input.length + 16, `${steps} turns over ${input.length} bytes`);
      },
    };
    try {
      const result = await run(runOptions([this.path], options));
      const report = reportOf(result, { command: 'replay', version: '0', allInstruments: true });
      JSON.stringify(report);
      const problems = result.invariants?.problems ?? [];
      if (problems.length > 0) throw new Broken(`invariants: ${problems.join('; ')}`);
      checkMarkets(result.books.markets);
      this.outcomes.add(result.damage.length > 0 ? 'damaged' : (result.stopped ?? 'whole'));
      this.outcomes.add('messages', result.counts.messages);
    } catch (error) {
      if (!(error instanceof MdxError) || error.code === 'internal' || !(error.code in ERRORS)) throw error;
      this.outcomes.add(error.code);
    }
  }

  #options(): Partial<RunOptions> {
    const { random } = this;
    const feedName =
      random.below(4) === 0
        ? random.below(2) === 0
          ? 'itch-5.0'
          : FEEDS[random.below(FEEDS.length)]!.name
        : null;
    const limited = random.below(6) === 0;
    const gated = random.below(6) === 0;
    const bounded = random.below(8) === 0;
    const time = 1_692_712_800_000_000_000n + BigInt(random.below(1 << 30));
    return {
      feedName,
      messagesMax: limited ? 1 + random.below(8) : Number.POSITIVE_INFINITY,
      stopAt: gated ? { kind: 'sequence', channel: 0, sequence: random.below(6) } : null,
      ...(bounded && { from: time - 1_000_000_000n, until: time }),
      books: random.below(8) === 0 ? (book) => book.instrument === 1n : null,
      date: random.below(4) === 0 ? '2023-08-22' : null,
    };
  }
}
