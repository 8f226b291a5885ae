import type { IncomingHttpHeaders } from 'node:http';
import type { ServeConfig } from '../../config/serve-config.ts';
import { namesThisMachine, Origins } from './origin.ts';
import { type Access, type Answer, problem } from './route.ts';
import { Tokens } from './tokens.ts';

/** Says who may come in: by token, by the page that asks, and by the name under which the server was reached. */
export class Gate {
  readonly #tokens: Tokens;
  readonly origins: Origins;
  /** Only pages of this machine may ask: the server is on loopback and nothing else tells callers apart. */
  readonly #checksHost: boolean;

  constructor(http: ServeConfig['http'], security: ServeConfig['security'], isLoopback: boolean) {
    this.#tokens = new Tokens(security.tokens);
    this.origins = new Origins(http.corsOrigins);
    this.#checksHost = isLoopback && !this.#tokens.some && !security.insecure;
  }

  /** Refuses what was reached by a name that was pointed here by somebody else; null = it may go on. */
  checkHost({ host }: IncomingHttpHeaders): Answer | null {
    if (!this.#checksHost || namesThisMachine(host)) return null;
    return problem(421, 'host', 'without tokens only localhost and addresses are answered to', {
      hint: 'Ask by the address, or configure tokens.',
    });
  }

  /** Refuses a request that a page of another site makes. @param what it would do. */
  checkOrigin(headers: IncomingHttpHeaders, what: string): Answer | null {
    if (this.origins.allows(headers)) return null;
    return problem(403, 'origin', `pages of ${headers.origin} may not ${what}`, {
      hint: 'List the origin in http.cors_origins.',
    });
  }

  /** @returns the name of the token, null where none is needed, or the answer that refuses. */
  identify(access: Access, { authorization }: IncomingHttpHeaders): string | null | Answer {
    if (access === 'open') return null;
    if (this.#tokens.some) {
      return (
        this.#tokens.nameOf(authorization) ??
        problem(401, 'token', 'a token is needed', {
          hint: 'Send the header Authorization: Bearer TOKEN.',
          headers: { 'www-authenticate': 'Bearer realm="mdx"' },
        })
      );
    }
    if (access === 'read') return null;
    return problem(403, 'no-tokens', 'operators are known by their tokens, and none is configured', {
      hint: 'Configure some: security.token_file names a file of them.',
    });
  }
}
