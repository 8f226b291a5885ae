import type { ProbeCheck, ProbeOptions, ProbeResult } from './probe-report.ts';

type Facts = Omit<ProbeResult, 'verdict' | 'checks' | 'elapsedNs'>;

/**
 * What has to be right about a probe.
 * @param early packets that came before they were sent. @param held most buffers that a receiver holds for its next call.
 */
export function checksOf(
  facts: Facts,
  { packets, rate }: Pick<ProbeOptions, 'packets' | 'rate'>,
  early: number,
  held: number,
): ProbeCheck[] {
  const { sent, sendErrors, received, missing, gaps, outOfOrder, duplicates, latency } = facts;
  const { kernelDrops, poolFull, pool, poolAvailable, receiveBuffer } = facts;
  const slower = rate === 0 ? '; --rate sends more slowly' : '';
  const buffer = receiveBuffer.granted === null ? '' : `, receive buffer ${receiveBuffer.granted} bytes`;
  return [
    {
      name: 'sent',
      pass: sent === packets && sendErrors === 0,
      detail: `${sent} of ${packets} packets, ${sendErrors} errors`,
    },
    { name: 'received', pass: missing === 0, detail: `${received} of ${sent}, ${missing} missing` },
    {
      name: 'order',
      pass: gaps === 0 && outOfOrder === 0 && duplicates === 0,
      detail: `${gaps} gaps, ${outOfOrder} out of order, ${duplicates} twice`,
    },
    {
      name: 'kernel drops',
      pass: kernelDrops === 0,
      detail: `${kernelDrops} packets${buffer}${kernelDrops > 0 ? slower : ''}`,
    },
    {
      name: 'pool',
      pass: poolFull === 0 && pool - poolAvailable <= held,
      detail: `${poolAvailable} of ${pool} buffers free, at most ${held} with the receiver; ${poolFull} packets found none`,
    },
    {
      name: 'latency',
      pass: latency.samples === received && received > 0 && early === 0,
      detail: `${latency.samples} samples by ${facts.clock}, ${early} received before they were sent`,
    },
  ];
}
