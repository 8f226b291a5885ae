import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { started } from './real-process.ts';
import { Running } from './running.ts';

/** `mdx serve` in a process of its own, at ports of the system. */
export class ServedEngine {
  readonly folder: string;
  readonly http: number;
  /** Ports of the raw-v1 endpoints. */
  readonly rawV1: readonly number[];
  readonly #running: Running;

  /** @param config further keys, TOML, of which paths are those in `folder`. @param files by name, written there. */
  static async start(
    config: string,
    files: Readonly<Record<string, Uint8Array>> = {},
  ): Promise<ServedEngine> {
    const folder = mkdtempSync(join(tmpdir(), 'mdx-served-'));
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    const rest = '[http]\nlisten = "127.0.0.1:0"\n[raw_v1]\na = "127.0.0.1:0"\nb = "127.0.0.1:0"\n';
    writeFileSync(join(folder, 'mdx.toml'), rest + config.replaceAll('FOLDER', folder));
    const running = new Running(started(['serve', '--config', join(folder, 'mdx.toml')]));
    await running.said(/listening ws:\/\/\S+\n(.*\n)*.*listening ws:/);
    const ports = [...running.stderr.matchAll(/listening \w+:\/\/\S+:(\d+)$/gm)].map(([, port]) =>
      Number(port),
    );
    return new ServedEngine(running, folder, ports);
  }

  private constructor(running: Running, folder: string, [http, ...rawV1]: readonly number[]) {
    this.#running = running;
    this.folder = folder;
    this.http = http!;
    this.rawV1 = rawV1;
  }

  get pid(): number {
    return this.#running.child.pid!;
  }

  async json<T>(path: string): Promise<T> {
    return (await (await fetch(`http://127.0.0.1:${this.http}${path}`)).json()) as T;
  }

  async isReady(): Promise<boolean> {
    return (await this.json<{ ready: boolean }>('/ready')).ready;
  }

  /** Resolves when its input has ended, and who serves clients has all of it. */
  async hasRead(): Promise<void> {
    for (;;) {
      const { state, taps } = await this.json<{
        state: string;
        taps: readonly { waitingBytes: number }[];
      }>('/api/v1/status');
      if (state === 'ended' && taps.every(({ waitingBytes }) => waitingBytes === 0)) return;
      await pause();
    }
  }

  /** Resolves when nobody is connected any longer. */
  async alone(): Promise<void> {
    while ((await this.json<{ clients: readonly object[] }>('/api/v1/clients')).clients.length > 0)
      await pause();
  }

  /** By thread: bytes of heap in use, as it was said last. */
  async heaps(): Promise<Map<string, number>> {
    const text = await (await fetch(`http://127.0.0.1:${this.http}/metrics`)).text();
    const found = text.matchAll(/^mdx_heap_bytes\{thread="([^"]+)",part="used"\} (\S+)$/gm);
    return new Map(Array.from(found, ([, thread, bytes]) => [thread!, Number(bytes)]));
  }

  /** Value of a sample of /metrics, by its name with its labels. */
  async metric(sample: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.http}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
    return Number(line?.slice(sample.length));
  }

  /** Ends it. @returns its exit code. */
  async stop(): Promise<number | null> {
    this.#running.child.kill('SIGTERM');
    const { code } = await this.#running.end;
    rmSync(this.folder, { recursive: true });
    return code;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}
