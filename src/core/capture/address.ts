/**
 * IP addresses as four 32-bit words in network order, as `Datagram` keeps them (IPv4 in the last word), and as
 * text: dotted decimal for IPv4, the shortest form of RFC 5952 for IPv6.
 */

export interface Address {
  readonly words: Int32Array;
  readonly ipVersion: 4 | 6;
}

/** `239.10.10.1`, `ff02::1:3`; an IPv4-mapped IPv6 address ends dotted. */
export function formatAddress(words: Int32Array, ipVersion: number): string {
  if (ipVersion === 4) return formatIpv4(words[3]!);
  const mapped = words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
  if (mapped) return `::ffff:${formatIpv4(words[3]!)}`;
  const groups: number[] = [];
  for (const word of words) groups.push(word >>> 16, word & 0xffff);
  const [start, count] = longestZeroRun(groups);
  if (count < 2) return hexGroups(groups);
  return `${hexGroups(groups.slice(0, start))}::${hexGroups(groups.slice(start + count))}`;
}

/** @returns the address, or null if the text is none (no zone ids, no ports, no names). */
export function parseAddress(text: string): Address | null {
  if (text.includes(':')) return parseIpv6(text);
  const word = parseIpv4(text);
  return word === null ? null : { words: Int32Array.of(0, 0, 0, word), ipVersion: 4 };
}

/** 224.0.0.0/4 or FF00::/8. */
export function isMulticast(words: Int32Array, ipVersion: number): boolean {
  return ipVersion === 4 ? words[3]! >>> 28 === 0xe : words[0]! >>> 24 === 0xff;
}

function formatIpv4(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

function parseIpv4(text: string): number | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let word = 0;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return null;
    word = (word << 8) | Number(part);
  }
  return word;
}

function parseIpv6(text: string): Address | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const words = new Int32Array(4);
  for (let index = 0; index < 4; index += 1) {
    words[index] = (groups[index * 2]! << 16) | groups[index * 2 + 1]!;
  }
  return { words, ipVersion: 6 };
}

/** Groups of one side of `::`; the last one may be dotted decimal (two groups) where the address ends. */
function parseGroups(text: string, atEnd: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (atEnd && index === parts.length - 1 && part.includes('.')) {
      const word = parseIpv4(part);
      if (word === null) return null;
      groups.push(word >>> 16, word & 0xffff);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return null;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups.length > 8 ? null : groups;
}

function hexGroups(groups: readonly number[]): string {
  return groups.map((group) => group.toString(16)).join(':');
}

/** Start and length of the longest run of zeros, the first one if several are equal. */
function longestZeroRun(groups: readonly number[]): [number, number] {
  let start = 0;
  let count = 0;
  let run = 0;
  for (const [index, group] of groups.entries()) {
    run = group === 0 ? run + 1 : 0;
    if (run > count) {
      count = run;
      start = index - run + 1;
    }
  }
  return [start, count];
}
