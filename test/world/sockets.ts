import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** The endpoint that a process says it listens on. */
export async function listening(child: ChildProcess): Promise<string> {
  let said = '';
  for (;;) {
    const [chunk] = (await once(child.stderr!, 'data')) as [Buffer | string];
    said += chunk.toString();
    const match = /^listening (\S+)\n/m.exec(said);
    if (match !== null) return match[1]!;
  }
}
