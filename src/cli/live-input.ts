import { parseEndpoint } from '../core/config/endpoint.ts';
import { MdxError } from '../core/errors.ts';
import type { LineSpec, LineTexts } from '../core/net/subscription.ts';
import type { LiveLines } from '../core/pipeline/live-source.ts';
import { lineOptionsOf, processorsOf, type ReceiveFlags } from './rx-flags.ts';

/** Does an input bring what it has as it happens: a pipe, a socket? */
export function isLiveInput(input: string): boolean {
  return input === '-' || parseEndpoint(input) !== null;
}

/** Is an input a server, which has no end of its own? */
export function isServer(input: string): boolean {
  return /^wss?:/.test(input);
}

/** The lines that a user names, with processors dealt out to their threads. Throws MdxError `usage`. */
export async function lineSpecs(texts: LineTexts, flags: ReceiveFlags): Promise<LineSpec[]> {
  const { LINE_DEFAULTS, parseLines } = await import('../core/net/subscription.ts');
  const specs = parseLines(texts, lineOptionsOf(flags, LINE_DEFAULTS));
  const processors = processorsOf(flags.cpu);
  if (processors === null) return specs;
  const wanted = specs.reduce((sum, { options }) => sum + options.workers, 0);
  if (processors.length !== wanted) {
    throw new MdxError('usage', `--cpu: ${processors.length} processors for ${wanted} receiving threads`);
  }
  let at = 0;
  return specs.map((spec) => {
    const cpus = processors.slice(at, at + spec.options.workers);
    at += spec.options.workers;
    return { ...spec, options: { ...spec.options, cpus } };
  });
}

/** What is said once everything is joined: each group, and where the kernel gave less than was asked for. */
export function tellListening(
  { lines }: LiveLines,
  note: (text: string) => void,
  caution: (text: string) => void,
): void {
  for (const line of lines) {
    const { name, backend, why, groups, receiveBufferAsked, receiveBufferGranted } = line.status();
    for (const [at, group] of groups.entries()) {
      const { iface, source } = line.spec.subscriptions[at]!;
      const where = [iface === null ? '' : ` on ${iface}`, source === null ? '' : ' from its source'];
      note(`listening ${name} ${group}${where.join('')} (${backend}${why === null ? '' : `: ${why}`})`);
    }
    if (receiveBufferAsked === null || (receiveBufferGranted ?? 0) >= receiveBufferAsked) continue;
    caution(
      `line ${name}: the kernel grants a receive buffer of ${receiveBufferGranted} of ${receiveBufferAsked} bytes; net.core.rmem_max is the limit`,
    );
  }
}
