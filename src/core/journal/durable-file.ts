import { join } from 'node:path';
import { DURABLE_BYTES, DURABLE_NAME, type DurableRecord, readDurable, writeDurable } from './directory.ts';
import type { Disk, DiskFile } from './disk.ts';

/** The `durable` record of a journal that is being written. */
export class DurableFile {
  /** What it said when it was opened; null where there was none that could be read. */
  readonly found: DurableRecord | null;
  readonly #file: DiskFile;
  readonly #view: DataView = new DataView(new ArrayBuffer(DURABLE_BYTES));
  readonly #bytes: Uint8Array = new Uint8Array(this.#view.buffer);

  constructor(disk: Disk, directory: string) {
    const path = join(directory, DURABLE_NAME);
    const exists = disk.list(directory).includes(DURABLE_NAME);
    this.#file = disk.open(path, exists ? 'modify' : 'create');
    const isWhole = this.#file.read(this.#bytes, 0) === DURABLE_BYTES;
    this.found = isWhole ? readDurable(this.#view) : null;
  }

  /** Writes it anew, in place. What it says has to survive a loss of power before. */
  write(record: DurableRecord): void {
    writeDurable(this.#view, record);
    this.#file.write(this.#bytes, 0);
  }

  sync(): void {
    this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }
}
