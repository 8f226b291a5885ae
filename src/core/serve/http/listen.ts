import { createServer as createPlainServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parseEndpoint } from '../../config/endpoint.ts';
import type { ServeConfig } from '../../config/serve-config.ts';
import { MdxError } from '../../errors.ts';
import { type Certificate, tlsOptions } from './certificate.ts';
import { isLoopback } from './origin.ts';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST:PORT`. Throws MdxError `usage`. */
export function parseListen(text: string): ListenAddress {
  const endpoint = /^[^?/]+:\d+$/.test(text) ? parseEndpoint(`tcp://${text}`) : null;
  if (endpoint === null || endpoint.host === '') {
    throw new MdxError('usage', `http.listen is ${JSON.stringify(text)}: expected HOST:PORT`, {
      hint: '127.0.0.1:9100 is this machine only, 0.0.0.0:9100 every network; port 0 = the system chooses.',
    });
  }
  return { host: endpoint.host, port: endpoint.port };
}

/** Throws MdxError `usage` where others could reach what nobody guards. */
export function checkExposure(
  { host }: ListenAddress,
  security: ServeConfig['security'],
  what: string,
): void {
  if (isLoopback(host) || security.tokens.length > 0 || security.insecure) return;
  throw new MdxError(
    'usage',
    `${what}: listening on ${host} lets other machines in, and there are no tokens`,
    {
      hint: 'Give tokens, listen on 127.0.0.1, or say --insecure where the network itself keeps strangers out.',
    },
  );
}

/** Makes the server, with TLS where there is a certificate. */
export function createServer(certificate: Certificate | null, options: ServerOptions): Server {
  if (certificate === null) return createPlainServer(options);
  return createTlsServer({
    ...options,
    ...tlsOptions(certificate),
    handshakeTimeout: options.requestTimeout,
  });
}

/** @returns the port, once it listens. Throws MdxError where the system refuses. */
export async function listen(server: Server, { host, port }: ListenAddress): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port)));
    server.listen({ host, port }, resolve);
  });
  server.removeAllListeners('error');
  return (server.address() as AddressInfo).port;
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): MdxError {
  const { code } = error;
  const what = `listening for HTTP on ${host}:${port}`;
  if (code === 'EADDRINUSE') {
    return new MdxError('socket-busy', `${what}: another process listens there (${code})`, {
      hint: 'Choose another port, or 0 for one that the system chooses.',
      cause: error,
    });
  }
  const [found, hint] =
    code === 'EACCES' || code === 'EPERM'
      ? [
          `the right to is missing (${code})`,
          'Choose a port from 1024 on, or give the process CAP_NET_BIND_SERVICE.',
        ]
      : code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
        ? [
            `this machine has no address ${host} (${code})`,
            '`ip address` lists those it has; 0.0.0.0 is all of them.',
          ]
        : [`the system answers ${code ?? error.message}`, undefined];
  return new MdxError('socket-refused', `${what}: ${found}`, { cause: error, hint });
}
