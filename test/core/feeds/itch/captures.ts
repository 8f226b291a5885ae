import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataPath } from '../../../world/data.ts';
import { walk } from '../../capture/walk.ts';

/** Paths of all real captures, or of those of one venue. Call it only where there are some. */
export function captures(venue = ''): string[] {
  const folder = dataPath('captures', venue);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.pcap'))
    .sort()
    .map((name) => join(folder, name));
}

export interface CapturePayload {
  /** ns since 1970. */
  readonly time: bigint;
  readonly payload: Uint8Array;
}

/** The UDP payloads of a capture; every packet of these captures has one. */
export function capturePayloads(path: string): CapturePayload[] {
  return walk(readFileSync(path)).packets.map(({ time, payload }) => {
    if (payload === null) throw new Error(`${path}: a packet without UDP`);
    return { time, payload: Uint8Array.from(Buffer.from(payload, 'hex')) };
  });
}
