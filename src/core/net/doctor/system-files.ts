import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the kernel tells in files: /proc and /sys. Everything may be absent, as in containers and on other systems. */
export class SystemFiles {
  readonly #root: string;

  /** @param root where proc and sys are. */
  constructor(root: string = '/') {
    this.#root = root;
  }

  /** Without the line end; null where there is no such file or it may not be read. */
  text(path: string): string | null {
    try {
      return readFileSync(join(this.#root, path), 'utf8').trimEnd();
    } catch {
      return null;
    }
  }

  number(path: string): number | null {
    const text = this.text(path);
    return text !== null && /^-?\d+$/.test(text) ? Number(text) : null;
  }

  /** A kernel setting as sysctl names it: `net.core.rmem_max`. */
  setting(name: string): number | null {
    return this.number(`proc/sys/${name.replaceAll('.', '/')}`);
  }

  names(path: string): string[] {
    try {
      return readdirSync(join(this.#root, path)).sort();
    } catch {
      return [];
    }
  }
}
