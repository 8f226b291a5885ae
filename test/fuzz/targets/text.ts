import { parseDuration } from '../../../src/cli/flags.ts';
import type { Random } from '../../../src/core/binary/random.ts';
import { formatAddress, parseAddress } from '../../../src/core/capture/address.ts';
import { MdxError } from '../../../src/core/errors.ts';
import { midnightOf } from '../../../src/core/feeds/session-date.ts';
import { mutate } from '../mutate.ts';
import { Scratch } from '../scratch.ts';
import { type Episode, holds, type Outcomes, same, type Target } from '../target.ts';

const CASES_PER_EPISODE = 1024;
const TEXT_BYTES = 256;
const TEXTS: readonly Uint8Array[] = [
  '239.10.10.1',
  '0.0.0.0',
  '255.255.255.255',
  'ff02::1:3',
  '::ffff:192.0.2.1',
  '2001:db8:0:0:1::1',
  '::',
  '5ms',
  '1.5s',
  '0',
  '250us',
  '2023-08-22',
  '2024-02-29',
  '1970-01-01',
].map((text) => Buffer.from(text, 'latin1'));
const ZONES: readonly string[] = ['America/New_York', 'Europe/Berlin'];

/** What users type: addresses, durations, days. */
export function textTarget(): Target {
  return {
    name: 'text',
    title: 'addresses, durations and days as text; refused with a catalogued error, or read back the same',
    share: 10,
    casesPerEpisode: CASES_PER_EPISODE,
    start: (random, outcomes) => new TextEpisode(random, outcomes),
  };
}

class TextEpisode implements Episode {
  readonly #random: Random;
  readonly #outcomes: Outcomes;
  readonly #text: Scratch = new Scratch(TEXT_BYTES);

  constructor(random: Random, outcomes: Outcomes) {
    this.#random = random;
    this.#outcomes = outcomes;
  }

  next(): void {
    const random = this.#random;
    this.#text.set(TEXTS[random.below(TEXTS.length)]!);
    if (random.below(8) > 0) mutate(this.#text, random, TEXTS[random.below(TEXTS.length)]!);
    const text = Buffer.from(this.#text.content()).toString('latin1');
    switch (random.below(8)) {
      case 0:
        this.#tried('duration', () => {
          const ns = parseDuration('gap-timeout', text);
          holds(Number.isSafeInteger(ns) && ns >= 0, `the duration "${text}" is ${ns}`);
        });
        break;
      case 1:
        this.#tried('day', () => {
          const midnight = midnightOf(text, ZONES[random.below(ZONES.length)]!);
          same(`ns below a second of "${text}"`, midnight % 1_000_000_000n, 0n);
        });
        break;
      default:
        this.#address(text);
    }
  }

  end(): void {
    // Every case stands alone.
  }

  #address(text: string): void {
    const address = parseAddress(text);
    this.#outcomes.add(address === null ? 'no address' : 'address');
    if (address === null) return;
    const formatted = formatAddress(address.words, address.ipVersion);
    const again = parseAddress(formatted);
    same(`"${text}" written as ${formatted} and read`, again?.words.join(), address.words.join());
  }

  #tried(what: string, attempt: () => void): void {
    try {
      attempt();
      this.#outcomes.add(what);
    } catch (error) {
      if (!(error instanceof MdxError) || error.code !== 'usage') throw error;
      this.#outcomes.add(`no ${what}`);
    }
  }
}
