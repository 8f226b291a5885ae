import { isMulticast, parseAddress } from '../capture/address.ts';
import { checkOptions, parseEndpoint } from '../config/endpoint.ts';
import { MdxError } from '../errors.ts';
import type { SenderOptions } from './sender.ts';

/** Datagrams that one call sends at most. */
const BATCH = 64;

/** Reads `udp://GROUP:PORT?iface=eth0&ttl=2`. Throws MdxError `usage`. */
export function parseUdpTarget(text: string): SenderOptions {
  const endpoint = parseEndpoint(text);
  const address = endpoint === null ? null : parseAddress(endpoint.host);
  if (endpoint?.scheme !== 'udp' || address === null || endpoint.port === 0 || endpoint.path !== '') {
    throw new MdxError(
      'usage',
      `${text}: expected udp://ADDRESS:PORT such as udp://239.10.10.1:5001?iface=eth0`,
    );
  }
  checkOptions(endpoint, ['iface', 'ttl']);
  const ttl = endpoint.options.get('ttl');
  if (ttl !== undefined && !(/^[1-9]\d{0,2}$/.test(ttl) && Number(ttl) <= 255)) {
    throw new MdxError('usage', `${text}: ttl=${ttl}, expected a number from 1 to 255`);
  }
  const iface = endpoint.options.get('iface') ?? null;
  if ((iface !== null || ttl !== undefined) && !isMulticast(address.words, address.ipVersion)) {
    throw new MdxError('usage', `${text}: iface and ttl are about multicast groups`, {
      hint: 'The routing table knows the way to one machine.',
    });
  }
  const { host, port } = endpoint;
  // One's own receivers on this host hear it, too.
  return { host, port, iface, ttl: Number(ttl ?? 1), loop: true, batch: BATCH };
}
