import type { Endpoint } from '../../config/endpoint.ts';
import { MdxError } from '../../errors.ts';

/** Why an address cannot be listened on, as an error. */
export function listenError(endpoint: Endpoint, cause: NodeJS.ErrnoException): MdxError {
  const { code = cause.message } = cause;
  const what = `listening on ${endpoint.text}`;
  if (code === 'EADDRINUSE') {
    return new MdxError('socket-busy', `${what}: another process listens there (${code})`, {
      hint: 'Choose another port, or 0 for one that the system chooses.',
      cause,
    });
  }
  const isDenied = code === 'EACCES' || code === 'EPERM';
  const isForeign = code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND';
  const found = isForeign ? `this machine has no address ${endpoint.host}` : 'the system refuses';
  return new MdxError(
    'socket-refused',
    `${what}: ${isDenied ? 'the right to is missing' : found} (${code})`,
    {
      hint: isDenied ? 'Ports below 1024 need a right; take a higher one.' : undefined,
      cause,
    },
  );
}
