import type { ReceiveOptions, Subscription, XdpOptions } from '../backend.ts';
import { Bpf, MAP_TYPE_HASH, MAP_TYPE_XSKMAP } from './bpf.ts';
import { XDP_FLAGS_GENERIC, XDP_FLAGS_NATIVE } from './constants.ts';
import { failure, type Step } from './failures.ts';
import type { NetworkInterface } from './interfaces.ts';
import type { Syscalls } from './syscalls.ts';
import { xdpProgram } from './xdp-program.ts';
import { XdpSocket } from './xdp-socket.ts';

/** More queues than any card has. */
const QUEUES_MAX = 256;
const FILTER_KEY_BYTES = 8;

/** The program on one interface, its maps, and the sockets of its queues. */
export class XdpInterface {
  readonly sockets: XdpSocket[] = [];
  readonly #calls: Syscalls;
  /** Descriptors in the order they were opened: maps, program, link. */
  readonly #fds: number[] = [];

  private constructor(calls: Syscalls) {
    this.#calls = calls;
  }

  /** Throws MdxError; then nothing is left attached. */
  static open(
    calls: Syscalls,
    device: NetworkInterface,
    subscriptions: readonly Subscription[],
    xdp: XdpOptions,
    timestamping: ReceiveOptions['timestamping'],
  ): XdpInterface {
    const opened = new XdpInterface(calls);
    try {
      opened.#open(device, subscriptions, xdp, timestamping !== 'off');
      return opened;
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  /** The program first, so that the traffic goes to the stack again; then the sockets, then the rest. */
  close(): void {
    this.#closeLast();
    for (const socket of this.sockets.splice(0)) socket.close();
    while (this.#fds.length > 0) this.#closeLast();
  }

  #open(
    device: NetworkInterface,
    subscriptions: readonly Subscription[],
    { queue, mode, zeroCopy, chunks }: XdpOptions,
    withTime: boolean,
  ): void {
    const where = `xdp on ${device.name}`;
    const bpf = new Bpf(this.#calls);
    const keep = (step: Step, fd: number, detail: string | null = null): number => {
      if (fd < 0) throw failure(where, step, fd, detail);
      this.#fds.push(fd);
      return fd;
    };
    const filter = keep('xdpMap', bpf.createMap(MAP_TYPE_HASH, FILTER_KEY_BYTES, 4, subscriptions.length));
    const sockets = keep('xdpMap', bpf.createMap(MAP_TYPE_XSKMAP, 4, 4, QUEUES_MAX));
    for (const subscription of subscriptions) {
      const result = bpf.update(filter, filterKey(subscription), 1);
      if (result < 0) throw failure(where, 'xdpMap', result);
    }
    const loaded = bpf.loadXdp(xdpProgram(filter, sockets, withTime), 'Apache-2.0');
    const program = keep('xdpProgram', loaded, bpf.log);
    const flags = mode === 'native' ? XDP_FLAGS_NATIVE : XDP_FLAGS_GENERIC;
    keep('xdpLink', bpf.attachXdp(program, device.index, flags));
    const first = queue ?? 0;
    const last = queue ?? QUEUES_MAX - 1;
    for (let number = first; number <= last; number += 1) {
      const socket = XdpSocket.open(
        this.#calls,
        device,
        number,
        subscriptions,
        {
          queue: number,
          mode,
          zeroCopy,
          chunks,
        },
        queue !== null,
      );
      if (socket === null) break;
      this.sockets.push(socket);
      const key = new Uint8Array(Uint32Array.of(number).buffer);
      const result = bpf.update(sockets, key, socket.fd);
      if (result < 0) throw failure(where, 'xdpMap', result);
    }
  }

  #closeLast(): void {
    const fd = this.#fds.pop();
    if (fd !== undefined) this.#calls.close(fd);
  }
}

/** address 4 · port 2 · 0 2, in network order. */
function filterKey({ group, port }: Subscription): Uint8Array {
  const key = new Uint8Array(FILTER_KEY_BYTES);
  const view = new DataView(key.buffer);
  view.setInt32(0, group.words[3]!);
  view.setUint16(4, port);
  return key;
}
