import { MdxError } from '../errors.ts';
import type { BackendName, BlockingBackend, ReceiveOptions } from './backend.ts';
import { MmsgBackend } from './linux/mmsg-backend.ts';
import { RingBackend } from './linux/ring-backend.ts';
import { Syscalls } from './linux/syscalls.ts';
import { XdpBackend } from './linux/xdp-backend.ts';

/** What was opened, and why this one. `dgram` calls back: it is driven by a loop of its own, `backend` is null. */
export interface OpenedBackend {
  readonly name: BackendName;
  readonly backend: BlockingBackend | null;
  /** For people: `recvmmsg works here`, `no native calls: …`. */
  readonly reason: string;
}

/**
 * Opens a backend on the thread that will receive. `auto` takes mmsg where it works, else dgram; the others are
 * never replaced. Throws MdxError with what is missing.
 */
export async function openBackend(
  name: BackendName | 'auto',
  options: ReceiveOptions,
): Promise<OpenedBackend> {
  if (name === 'dgram') return { name, backend: null, reason: 'asked for' };
  if (name !== 'auto') {
    return { name, backend: await openNative(name, options), reason: 'asked for' };
  }
  try {
    return { name: 'mmsg', backend: await openNative('mmsg', options), reason: 'recvmmsg works here' };
  } catch (error) {
    // What is wrong with the subscription is wrong with every backend.
    if (!(error instanceof MdxError) || error.code !== 'native-missing') throw error;
    return { name: 'dgram', backend: null, reason: error.message };
  }
}

async function openNative(
  name: Exclude<BackendName, 'dgram'>,
  options: ReceiveOptions,
): Promise<BlockingBackend> {
  const calls = await Syscalls.load();
  switch (name) {
    case 'mmsg':
      return MmsgBackend.open(calls, options);
    case 'ring':
      return RingBackend.open(calls, options);
    case 'xdp':
      return XdpBackend.open(calls, options);
  }
}
