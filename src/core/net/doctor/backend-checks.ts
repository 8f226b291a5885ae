import { parseAddress } from '../../capture/address.ts';
import { MdxError } from '../../errors.ts';
import type { BackendName, ReceiveOptions, XdpOptions } from '../backend.ts';
import { openBackend } from '../backends.ts';
import { RING_DEFAULTS } from '../linux/ring-defaults.ts';
import { XDP_DEFAULTS } from '../linux/xdp-backend.ts';
import type { Check } from './check.ts';

/** A group of the organisation-local scope, joined for a moment; nobody sends to it. */
const GROUP = parseAddress('239.255.77.88')!;
const PORT = 47_878;

const VERSION_2 = { ...RING_DEFAULTS, version: 2, blockBytes: 65_536, blocks: 8 } as const;
const VERSION_3 = { ...RING_DEFAULTS, blockBytes: 65_536, blocks: 8 } as const;
const XDP: XdpOptions = { ...XDP_DEFAULTS, chunks: 64 };

/**
 * Opens each backend on an interface for a moment. Native XDP is tried only where asked for: drivers restart their
 * queues for it.
 */
export async function backendChecks(iface: string, withNative: boolean): Promise<Check[]> {
  const tries: readonly [name: string, BackendName, Partial<ReceiveOptions>][] = [
    ['dgram', 'dgram', {}],
    ['mmsg', 'mmsg', {}],
    ['ring, version 2', 'ring', { ring: VERSION_2 }],
    ['ring, version 3', 'ring', { ring: VERSION_3 }],
    ['xdp, generic', 'xdp', { xdp: XDP }],
    ['xdp, native', 'xdp', { xdp: { ...XDP, mode: 'native' } }],
    ['hardware timestamps', 'mmsg', { timestamping: 'hardware' }],
  ];
  const checks: Check[] = [];
  for (const [name, backend, more] of tries) {
    const touches = name === 'xdp, native' || name === 'hardware timestamps';
    if (touches && !withNative) {
      checks.push(
        check(
          name,
          'warn',
          'not tried: drivers may restart for it',
          `mdx doctor --iface ${iface} --native tries it.`,
        ),
      );
    } else checks.push(await tryOne(name, backend, iface, more));
  }
  return checks;
}

async function tryOne(
  name: string,
  backend: BackendName,
  iface: string,
  more: Partial<ReceiveOptions>,
): Promise<Check> {
  const options: ReceiveOptions = {
    subscriptions: [{ group: GROUP, port: PORT, iface, source: null }],
    receiveBufferBytes: null,
    busyPollUs: null,
    timestamping: 'software',
    batch: 1,
    timeoutMs: 1,
    ring: null,
    xdp: null,
    ...more,
  };
  try {
    const opened = await openBackend(backend, options);
    opened.backend?.close();
    return check(name, 'ok', backend === 'dgram' ? 'works everywhere' : `opened on ${iface}`, null);
  } catch (error) {
    if (!(error instanceof MdxError)) throw error;
    return check(name, 'missing', error.message, error.hint);
  }
}

function check(name: string, state: Check['state'], found: string, advice: string | null): Check {
  return { group: 'backends', name, state, found, advice };
}
