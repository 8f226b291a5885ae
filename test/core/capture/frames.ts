import { concat, hex, u16, u32 } from './bytes.ts';

/** Frames as a test writes them down, header by header. */

export const ETHERNET: number[] = hex('01005e400101 026d64780041');

export interface Ipv4Options {
  readonly total?: number;
  readonly version?: number;
  readonly headerWords?: number;
  readonly options?: readonly number[];
  readonly fragment?: number;
  readonly protocol?: number;
}

/** 192.0.2.1 → 239.192.1.1; checksum 0. */
export function ipv4(payload: ArrayLike<number>, given: Ipv4Options = {}): Uint8Array {
  const {
    options = [],
    version = 4,
    headerWords = 5 + options.length / 4,
    fragment = 0x4000,
    protocol = 17,
  } = given;
  const { total = 20 + options.length + payload.length } = given;
  return concat(
    [(version << 4) | headerWords, 0],
    u16(total),
    u16(0x1234),
    u16(fragment),
    [64, protocol, 0, 0],
    hex('c0000201 efc00101'),
    options,
    payload,
  );
}

export interface Ipv6Options {
  readonly payloadLength?: number;
  readonly next?: number;
  readonly extensions?: ArrayLike<number>;
}

/** 2001:db8::1 → ff3e::8000:1. */
export function ipv6(payload: ArrayLike<number>, given: Ipv6Options = {}): Uint8Array {
  const { extensions = [], next = 17 } = given;
  const { payloadLength = extensions.length + payload.length } = given;
  return concat(
    u32(0x60000000),
    u16(payloadLength),
    [next, 64],
    hex('20010db8000000000000000000000001 ff3e0000000000000000000080000001'),
    extensions,
    payload,
  );
}

/** Ports 5000 → 26400; checksum 0. */
export function udp(payload: ArrayLike<number>, length: number = 8 + payload.length): Uint8Array {
  return concat(u16(5000), u16(26400), u16(length), [0, 0], payload);
}

export function ethernet(type: number, payload: ArrayLike<number>): Uint8Array {
  return concat(ETHERNET, u16(type), payload);
}
