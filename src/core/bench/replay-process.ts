import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { MdxError } from '../errors.ts';
import { EventSource } from './event-stream.ts';
import { writeItchCapture } from './itch-stream.ts';
import type { Usage } from './usage-probe.ts';
import type { Measured, Prepared } from './worker.ts';
import { INSTRUMENTS, LIVE, SEED } from './workloads/synthetic.ts';

/** What of the report of `mdx replay` is looked at. */
interface ReplayReport {
  readonly feed: { readonly messages: number; readonly malformed: number };
  readonly anomalies: { readonly crossedAtLast: number };
  readonly book: { readonly orders: number; readonly levels: number; readonly stateHash: string };
}

/** Starts the whole program, `mdx replay CAPTURE --json`, on a capture that it makes. */
export class ReplayProcess {
  readonly #program: string;
  readonly #bytes: number;
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'mdx-bench-'));
  #messages = 0;

  /** @param root folder of the program; @param bytes of the capture. */
  constructor(root: string, bytes: number) {
    this.#program = join(root, 'bin/run.js');
    this.#bytes = bytes;
  }

  get #capture(): string {
    return join(this.#folder, 'itch.pcap');
  }

  async prepare(): Promise<Prepared> {
    const file = openSync(this.#capture, 'wx');
    try {
      const source = new EventSource({
        instruments: INSTRUMENTS,
        live: LIVE,
        seed: SEED,
        shape: 'touch',
        changes: 'replace',
      });
      this.#messages = writeItchCapture(source, LIVE, SEED, this.#bytes, (chunk) => {
        for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
      });
    } finally {
      closeSync(file);
    }
    // The first run brings the file into the page cache and fills the compile cache.
    await this.measure();
    const bytes = statSync(this.#capture).size;
    return { units: this.#messages, bytes, note: null, skipped: null };
  }

  async measure(): Promise<Measured & { readonly residentBytes: number }> {
    const probe = new URL(`./usage-probe${extname(fileURLToPath(import.meta.url))}`, import.meta.url);
    const child = spawn(
      process.execPath,
      ['--import', probe.href, this.#program, 'replay', this.#capture, '--json'],
      { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] },
    );
    const [report, usage] = await Promise.all([
      text(child.stdout!),
      text(child.stdio[3] as NodeJS.ReadableStream),
      new Promise<void>((resolve, reject) => {
        child.on('error', reject);
        child.on('exit', (code, signal) => {
          if (code === 0) resolve();
          else reject(new MdxError('internal', `measuring mdx replay: it ended with ${signal ?? code}`));
        });
      }),
    ]);
    const { feed, anomalies, book } = JSON.parse(report) as ReplayReport;
    if (feed.messages !== this.#messages || feed.malformed > 0) {
      throw new MdxError(
        'internal',
        `measuring mdx replay: it read ${feed.messages} messages, ${this.#messages} were written`,
      );
    }
    const { cpuNs, residentBytes } = JSON.parse(usage) as Usage;
    const { orders, levels } = book;
    const checksum = { orders, levels, crossed: anomalies.crossedAtLast, hash: BigInt(book.stateHash) };
    return { cpuNs, checksum, residentBytes, waits: null };
  }

  async inspect(): Promise<null> {
    return null;
  }

  async close(): Promise<void> {
    rmSync(this.#folder, { recursive: true });
  }
}
