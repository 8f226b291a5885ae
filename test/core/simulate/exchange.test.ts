import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  ACTION_ADD,
  ACTION_CROSS,
  ACTION_DIRECTORY,
  ACTION_EXECUTE,
  ACTION_REPLACE,
  ACTION_STATE,
  ACTION_SYSTEM,
  Action,
} from '../../../src/core/simulate/action.ts';
import { Exchange, type ExchangeOptions } from '../../../src/core/simulate/exchange.ts';
import { MIX_DEFAULT, parseMix } from '../../../src/core/simulate/mix.ts';
import { play } from './session.ts';

const OPTIONS: ExchangeOptions = {
  seed: 1,
  instruments: 10,
  messages: 30_000,
  ordersLive: 2000,
  zipf: 1,
  mix: MIX_DEFAULT,
  bursts: 0.3,
  rate: 100_000,
  keepsIds: false,
};

function actionsOf(wanted: Partial<ExchangeOptions> = {}): { exchange: Exchange; actions: Action[] } {
  const exchange = new Exchange({ ...OPTIONS, ...wanted });
  const actions: Action[] = [];
  for (let action = new Action(); exchange.next(action); action = new Action()) actions.push(action);
  return { exchange, actions };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

describe('the same seed', () => {
  // Changed by every change of what is simulated or how it is written: then look at what changed, and take the new ones.
  it('gives the same bytes everywhere', () => {
    const itch = play({ seed: 11, b: { loss: 0.1, duplicates: 0.1, reorder: 0.1, corrupt: 0.1 } });
    const dbn = play({ seed: 11, format: 'dbn' });
    expect([itch.a, itch.b, Buffer.from(itch.truthText), dbn.a].map(sha256)).toMatchInlineSnapshot(`
      [
        "6e9b7d98d7b51caf",
        "5f47b3098ee8786b",
        "5f2a4605069c3a77",
        "d6c5a2e8d9242c3b",
      ]
    `);
  });

  it('gives the same session twice, another seed another one', () => {
    expect(play({ seed: 2 }).a.equals(play({ seed: 2 }).a)).toBe(true);
    expect(play({ seed: 2 }).a.equals(play({ seed: 3 }).a)).toBe(false);
  });
});

describe('the exchange', () => {
  const { exchange, actions } = actionsOf();
  const traded = actions.filter(({ kind }) => kind >= ACTION_ADD && kind !== ACTION_CROSS);

  it('opens and closes like a day of ITCH', () => {
    const ceremonies = actions.filter(({ kind }) =>
      [ACTION_SYSTEM, ACTION_DIRECTORY, ACTION_STATE, ACTION_CROSS].includes(kind),
    );
    const text = ceremonies
      .map(({ kind, code }) => (kind === ACTION_SYSTEM ? String.fromCharCode(code) : kind))
      .join(' ');
    const each = (kind: number): string => `${kind} `.repeat(10);
    expect(text).toBe(`O ${each(ACTION_DIRECTORY)}${each(ACTION_STATE)}S Q ${each(ACTION_CROSS)}M E C`);
    expect(traded).toHaveLength(OPTIONS.messages);
  });

  it('never lets time stand still but within one sweep, and trades at the wanted rate', () => {
    const bad = actions.filter(
      ({ time, kind }, at) =>
        at > 0 &&
        (time < actions[at - 1]!.time || (time === actions[at - 1]!.time && kind !== ACTION_EXECUTE)),
    );
    expect(bad.length).toBeLessThan(3);
    expect(bad.every(({ kind }) => kind === ACTION_SYSTEM)).toBe(true);
    const seconds = (traded.at(-1)!.time - traded[0]!.time) / 1e9;
    expect(OPTIONS.messages / seconds).toBeGreaterThan(80_000);
    expect(OPTIONS.messages / seconds).toBeLessThan(130_000);
  });

  it('fills its books to the wanted number of orders and holds it', () => {
    expect(exchange.books.orders).toBeGreaterThan(OPTIONS.ordersLive * 0.95);
    expect(exchange.books.orders).toBeLessThan(OPTIONS.ordersLive * 1.06);
  });

  it('never gives an id twice', () => {
    const ids = actions
      .filter(({ kind }) => kind === ACTION_ADD || kind === ACTION_REPLACE)
      .map(({ kind, idHigh, idLow, newIdHigh, newIdLow }) =>
        kind === ACTION_ADD ? `${idHigh} ${idLow}` : `${newIdHigh} ${newIdLow}`,
      );
    expect(new Set(ids).size).toBe(ids.length);
    const negative = actions.filter(({ kind, idHigh }) => kind === ACTION_ADD && idHigh < 0).length;
    const adds = actions.filter(({ kind }) => kind === ACTION_ADD).length;
    expect(negative / adds).toBeGreaterThan(0.45);
    expect(negative / adds).toBeLessThan(0.55);
  });

  it('gives instruments the activity of their rank', () => {
    const counts = exchange.instruments.map(
      (_, index) => traded.filter(({ instrument }) => instrument === index).length,
    );
    expect(counts[0]! / counts[3]!).toBeGreaterThan(3);
    expect(counts[0]! / counts[3]!).toBeLessThan(5.5);
    const even = actionsOf({ zipf: 0 }).actions.filter(({ kind }) => kind >= ACTION_ADD);
    const first = even.filter(({ instrument }) => instrument === 0).length;
    expect(first / OPTIONS.messages).toBeGreaterThan(0.07);
    expect(first / OPTIONS.messages).toBeLessThan(0.14);
  });

  it('ends early when asked to, with the close', () => {
    const early = new Exchange(OPTIONS);
    const action = new Action();
    for (let count = 0; count < 1000; count += 1) early.next(action);
    early.end();
    const rest: string[] = [];
    while (early.next(action)) rest.push(String.fromCharCode(action.code));
    expect(rest).toEqual(['M', 'E', 'C']);
  });
});

describe('the mix', () => {
  it('decides what happens', () => {
    const mix = parseMix('delete=0,replace=0,modify=0,reduce=0,execute=0,trade=0,break=0');
    const kinds = new Set(
      actionsOf({ mix, messages: 500 })
        .actions.filter(({ kind }) => kind >= ACTION_ADD)
        .map(({ kind }) => kind),
    );
    expect(kinds).toEqual(new Set([ACTION_CROSS, ACTION_ADD]));
  });

  it.each([
    'nonsense',
    'add',
    'add=x',
    'sell=3',
    'add=1,',
    Object.keys(MIX_DEFAULT)
      .map((name) => `${name}=0`)
      .join(','),
  ])('refuses %s', (text) => {
    expect(() => parseMix(text)).toThrow('--mix');
  });
});
