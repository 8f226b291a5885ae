import { expect, test } from 'vitest';
import { itch } from '../../../src/core/feeds/itch/index.ts';
import { Datagram } from '../../../src/core/packet/datagram.ts';
import { type ChannelParts, FlowTable } from '../../../src/core/pipeline/flows.ts';

const FILTER = { ports: null, groups: null, snapshots: [], detect: false };

/** A datagram to a group of its own for each pair and line. */
function to(pair: number, line: number): Datagram {
  const datagram = new Datagram();
  datagram.destination[3] = pair * 2 + line;
  datagram.destinationPort = 5001;
  return datagram;
}

function tableOf(): FlowTable {
  return new FlowTable(itch, FILTER, () => ({}) as ChannelParts);
}

function opened(table: FlowTable, pair: number, line: number): number {
  const datagram = to(pair, line);
  return table.open(datagram, line, pair, table.channelOfPair(datagram, pair))!.channel.number;
}

test('channels of pairs that a source names are numbered as the pairs are, whoever shows something first', () => {
  const table = tableOf();
  expect([2, 0, 1].map((pair) => opened(table, pair, 0))).toEqual([2, 0, 1]);
  expect(table.channels.map(({ pair, flows }) => [pair, flows.length])).toEqual([
    [0, 1],
    [1, 1],
    [2, 1],
  ]);
  expect(table.find(to(1, 0), 0)!.channel.number).toBe(1);
});

test('others are numbered as they are seen', () => {
  const table = tableOf();
  const numbers = [4, 2].map((group) => table.open(to(group, 0), -1, -1, null)!.channel.number);
  expect(numbers).toEqual([0, 1]);
});

test('a number that no line has so many groups for opens one channel', () => {
  const table = tableOf();
  expect(opened(table, 1 << 20, 0)).toBe(0);
  expect(table.channels).toHaveLength(1);
});
