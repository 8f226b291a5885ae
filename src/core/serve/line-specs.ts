import type { ServeConfig } from '../config/serve-config.ts';
import { MdxError } from '../errors.ts';
import { LINE_DEFAULTS, type LineSpec, parseLines } from '../net/subscription.ts';

/** The lines that the configuration names, with processors dealt out to their threads; none where it names none. */
export function lineSpecsOf({ lines, receive }: ServeConfig): LineSpec[] {
  if (lines.a.length === 0 && lines.b.length === 0) return [];
  const named = [
    ...(lines.a.length > 0 ? [`A=${lines.a.join(',')}`] : []),
    ...(lines.b.length > 0 ? [`B=${lines.b.join(',')}`] : []),
  ];
  const specs = parseLines(
    { lines: named, positional: [], snapshots: lines.snapshot },
    {
      ...LINE_DEFAULTS,
      backend: receive.backend,
      workers: receive.workers,
      batch: receive.batch,
      slotBytes: receive.slotBytes,
      slots: receive.poolSlots,
      receiveBufferBytes: receive.receiveBufferBytes,
      busyPollUs: receive.busyPollUs,
      timestamping: receive.timestamps,
      realtime: receive.realtime,
    },
  );
  if (receive.cpus.length === 0) return specs;
  const wanted = specs.reduce((sum, { options }) => sum + options.workers, 0);
  if (receive.cpus.length !== wanted) {
    throw new MdxError(
      'usage',
      `receive.cpus: ${receive.cpus.length} processors for ${wanted} receiving threads`,
    );
  }
  let at = 0;
  return specs.map((spec) => {
    const cpus = receive.cpus.slice(at, at + spec.options.workers);
    at += spec.options.workers;
    return { ...spec, options: { ...spec.options, cpus } };
  });
}
