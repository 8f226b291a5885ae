import { Fault } from '../key.ts';
import type { TomlLeaf, TomlValue } from '../toml.ts';
import { integerValue, RULES, textValue } from './rules.ts';

/** Something of the file that a key of ours says, by whatever name it stands there. */
export interface Said {
  /** Path of our key. */
  readonly key: string;
  readonly leaf: TomlLeaf;
  /** What is read; its place is that in the file. */
  readonly value: TomlValue;
}

/** What is wrong with something in the file. */
export interface Wrong {
  readonly leaf: TomlLeaf;
  readonly problem: string;
  readonly hint: string | null;
  /** Concerns the value, not the name. */
  readonly value: boolean;
}

export interface Translation {
  readonly said: readonly Said[];
  readonly wrong: readonly Wrong[];
}

/** Turns keys of the earlier engine into ours, or says why there is none. @param leaves all of which have a rule. */
export function translate(leaves: readonly TomlLeaf[]): Translation {
  const said: Said[] = [];
  const wrong: Wrong[] = [];
  const parts = new Map<string, { leaf: TomlLeaf; value: TomlValue }>();
  for (const leaf of leaves) {
    const path = leaf.path.join('.');
    const rule = RULES.get(path)!;
    if (rule.kind === 'refused') {
      const hint = rule.key === null ? 'Leave it out.' : `What comes nearest is ${rule.key}.`;
      wrong.push({ leaf, problem: `there is no such key here: ${rule.why}`, hint, value: false });
    } else if (rule.kind === 'idle') {
      const { value } = leaf;
      if (rule.only === null || (value.kind === 'boolean' && value.value === rule.only)) continue;
      wrong.push({ leaf, problem: `expected ${rule.only}: ${rule.why}`, hint: null, value: true });
    } else {
      const value = rule.read(leaf.value);
      if (value instanceof Fault) {
        wrong.push({ leaf, problem: `expected ${value.expected}`, hint: null, value: true });
      } else if (rule.kind === 'part') parts.set(path, { leaf, value });
      else said.push({ key: rule.key, leaf, value });
    }
  }
  const known: Parts = { at: (path) => parts.get(path) ?? null, said, wrong };
  line(known, 'a');
  line(known, 'b');
  processors(known);
  endpoints(known);
  token(known);
  return { said, wrong };
}

interface Parts {
  at(path: string): { readonly leaf: TomlLeaf; readonly value: TomlValue } | null;
  readonly said: Said[];
  readonly wrong: Wrong[];
}

/** Group, port and options of a channel are one URI. */
function line({ at, said, wrong }: Parts, name: 'a' | 'b'): void {
  const of = (part: string) => at(`channels.${name}.${part}`);
  const group = of('group');
  const port = of('port');
  const alone = group ?? port;
  if (alone === null) return;
  if (group === null || port === null) {
    const missing = group === null ? 'group' : 'port';
    wrong.push({
      leaf: alone.leaf,
      problem: `channels.${name}.${missing} is missing`,
      hint: null,
      value: false,
    });
    return;
  }
  const options = [
    ['iface', plain(of('iface_addr'))],
    ['rcvbuf', plain(of('recv_buffer_bytes'))],
    ['busy-poll', plain(of('busy_poll_us'))?.replace(/us$/, '') ?? null],
    ['timestamps', plain(of('timestamping'))],
    ['workers', plain(of('workers'))],
  ].filter(([, value]) => value !== null && value !== '' && value !== '0' && value !== '0.0.0.0');
  const host = plain(group)!;
  const query = options.map(([option, value]) => `${option}=${encodeURIComponent(value!)}`).join('&');
  const uri = `udp://${host.includes(':') ? `[${host}]` : host}:${plain(port)}${query === '' ? '' : `?${query}`}`;
  said.push({
    key: `lines.${name}`,
    leaf: group.leaf,
    value: listOf(group.value, [textValue(group.value, uri)]),
  });
}

/** Worker i of a channel ran on its processor + i. */
function processors({ at, said }: Parts): void {
  const cpus: TomlValue[] = [];
  let leaf: TomlLeaf | null = null;
  for (const name of ['a', 'b']) {
    const core = at(`cpu.${name}_rx_core`);
    if (core === null) continue;
    leaf ??= core.leaf;
    const workers = Number(plain(at(`channels.${name}.workers`)) ?? 1);
    if (core.value.kind !== 'integer') cpus.push(core.value);
    else
      for (let i = 0; i < workers && i < 64; i += 1)
        cpus.push(integerValue(core.value, core.value.value + i));
  }
  if (leaf !== null) said.push({ key: 'receive.cpus', leaf, value: listOf(leaf.value, cpus) });
}

/** The two addresses of the one point of presence, unless feeds are off. */
function endpoints({ at, said, wrong }: Parts): void {
  const pops = at('feeds.pops');
  const off = [at('feeds.enabled'), at('feeds.obo.enabled')].find(
    (each) => each !== null && each.value.kind === 'boolean' && !each.value.value,
  );
  for (const each of [at('feeds.enabled'), at('feeds.obo.enabled')]) {
    if (each !== null && each.value.kind !== 'boolean') {
      wrong.push({ leaf: each.leaf, problem: 'expected true or false', hint: null, value: true });
    }
  }
  if (off !== undefined && off !== null) {
    for (const key of ['raw_v1.a', 'raw_v1.b']) {
      said.push({ key, leaf: off.leaf, value: textValue(off.value, 'none') });
    }
    return;
  }
  if (pops === null || (pops.value.kind === 'list' && pops.value.items.length === 0)) return;
  const pair = pairOf(pops.value);
  if (pair === null) {
    wrong.push({
      leaf: pops.leaf,
      problem: 'expected one point of presence with two ws_endpoints',
      hint: 'Its addresses are raw_v1.a and raw_v1.b here; run an engine for each other one.',
      value: true,
    });
    return;
  }
  said.push({ key: 'raw_v1.a', leaf: pops.leaf, value: pair[0] });
  said.push({ key: 'raw_v1.b', leaf: pops.leaf, value: pair[1] });
}

function pairOf(pops: TomlValue): readonly [TomlValue, TomlValue] | null {
  const pop = pops.kind === 'list' && pops.items.length === 1 ? pops.items[0]! : null;
  if (pop?.kind !== 'table' || pop.leaves.length !== 1) return null;
  const [leaf] = pop.leaves;
  const { value } = leaf!;
  if (leaf!.path.join('.') !== 'ws_endpoints' || value.kind !== 'list' || value.items.length !== 2)
    return null;
  return [value.items[0]!, value.items[1]!];
}

function token({ at, said }: Parts): void {
  const given = at('feeds.auth_token');
  if (given === null) return;
  const value =
    given.value.kind === 'text' ? textValue(given.value, `feeds:${given.value.value}`) : given.value;
  said.push({ key: 'security.tokens', leaf: given.leaf, value: listOf(given.value, [value]) });
}

function plain(part: { readonly value: TomlValue } | null): string | null {
  if (part === null) return null;
  const { value } = part;
  return value.kind === 'text' || value.kind === 'integer' ? String(value.value) : value.text;
}

function listOf(value: TomlValue, items: readonly TomlValue[]): TomlValue {
  return { kind: 'list', items, place: value.place, text: value.text };
}
