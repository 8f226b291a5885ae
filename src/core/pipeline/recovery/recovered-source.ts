import type { ByteWindow } from '../../binary/byte-window.ts';
import { type ByteSource, DamagedInput, Interrupted, type Tell } from '../byte-source.ts';
import { CaptureSource } from '../merge/capture-source.ts';
import type { MergeResult } from '../merge/merge-options.ts';
import { type MergedOptions, MergedSource } from '../merge/merged-source.ts';

/** A capture, or a pipe that brings one, with what its lines lost. */
export class RecoveredSource implements ByteSource {
  readonly path: string;
  readonly total: null = null;
  readonly #source: CaptureSource;
  readonly #merged: MergedSource;

  private constructor(source: CaptureSource, merged: MergedSource) {
    this.path = source.name;
    this.#source = source;
    this.#merged = merged;
  }

  /** Rejects with MdxError where it cannot be read or is no capture, and with Interrupted. */
  static async open(
    path: string,
    options: MergedOptions,
    signal: AbortSignal | null,
    tell: Tell,
  ): Promise<RecoveredSource> {
    const source = await CaptureSource.open(path, -1, signal, tell);
    if (source === null) throw new Interrupted(`opening ${path}`);
    return new RecoveredSource(source, new MergedSource([source], options, signal));
  }

  get bytes(): number {
    return this.#merged.bytes;
  }

  /** What the merge did, once all was read. */
  get result(): MergeResult | null {
    return this.#merged.result;
  }

  /** What was wrong with the capture is told when everything in front of it has been read. */
  async fill(window: ByteWindow): Promise<boolean> {
    if (await this.#merged.fill(window)) return true;
    const damage = this.#source.damage.shift();
    if (damage !== undefined) throw new DamagedInput(damage.path, damage.offset, damage.problem, true);
    return false;
  }

  close(): Promise<void> {
    return this.#merged.close();
  }
}
