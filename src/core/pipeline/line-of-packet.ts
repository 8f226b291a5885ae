import type { CaptureReader } from '../capture/capture-reader.ts';
import type { CaptureInterface } from '../capture/captured-packet.ts';
import { Datagram } from '../packet/datagram.ts';
import { sameFlow } from './flows.ts';

/**
 * Which line of a capture a packet is of. The name of its interface says it (`A`, `A2`, `B`), as our own captures have it;
 * else the second interface is line B. In a capture of one interface without such a name, the first flow (address and
 * port) is line A, the second one line B.
 */
export class LineOfPacket {
  readonly #flows: Datagram[] = [];
  /** The interface of the packet before, and the line that its name says. */
  #interface: CaptureInterface | null = null;
  #named: Line | null = null;

  /** @returns null for a packet of a further flow or interface. */
  of({ interfaceId, interfaces }: CaptureReader, datagram: Datagram): Line | null {
    const from = interfaces[interfaceId]!;
    if (from !== this.#interface) {
      this.#interface = from;
      this.#named = (/^([AB])\d*$/.exec(from.name ?? '')?.[1] ?? null) as Line | null;
    }
    if (this.#named !== null) return this.#named;
    return LINES[interfaces.length > 1 ? interfaceId : this.#flowOf(datagram)] ?? null;
  }

  #flowOf(datagram: Datagram): number {
    for (let flow = 0; flow < this.#flows.length; flow += 1) {
      if (sameFlow(this.#flows[flow]!, datagram)) return flow;
    }
    // A third one is neither line; there is no need to know more of them.
    if (this.#flows.length === LINES.length) return LINES.length;
    const first = new Datagram();
    first.destinationPort = datagram.destinationPort;
    first.destination.set(datagram.destination);
    return this.#flows.push(first) - 1;
  }
}

type Line = 'A' | 'B';

const LINES: readonly Line[] = ['A', 'B'];
