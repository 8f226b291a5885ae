import { createHash, timingSafeEqual } from 'node:crypto';

/** A secret by which a client is known. */
export interface NamedToken {
  readonly name: string;
  readonly token: string;
}

/** Longest `Authorization` that is looked at. */
const CREDENTIALS_LENGTH_MAX = 1024;

/**
 * Tells clients by their bearer tokens. What is compared are digests, all of them every time, so the time it takes
 * says neither how much of a token was right nor which one it was.
 */
export class Tokens {
  readonly #known: readonly { readonly name: string; readonly digest: Buffer }[];

  constructor(tokens: readonly NamedToken[]) {
    this.#known = tokens.map(({ name, token }) => ({ name, digest: digestOf(token) }));
  }

  /** Are there any? */
  get some(): boolean {
    return this.#known.length > 0;
  }

  /** Name of the token in an `Authorization` header, null where it is missing or none of ours. */
  nameOf(authorization: string | undefined): string | null {
    const match = /^bearer +([^ ]+) *$/i.exec((authorization ?? '').slice(0, CREDENTIALS_LENGTH_MAX));
    const digest = digestOf(match?.[1] ?? '');
    let name: string | null = null;
    for (const known of this.#known) if (timingSafeEqual(known.digest, digest)) name = known.name;
    return match === null ? null : name;
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
