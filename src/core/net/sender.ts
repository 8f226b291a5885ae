/** Where datagrams go. */
export interface SenderOptions {
  /** An IP address: a group or a host. */
  readonly host: string;
  readonly port: number;
  /** Interface that a group is sent from, by name or by a local address on it; null = the routing table chooses. */
  readonly iface: string | null;
  /** Hops, 1 … 255: 1 stays in the local network. */
  readonly ttl: number;
  /** Whether sockets of this host receive what it sends to a group. */
  readonly loop: boolean;
  /** Datagrams that one call sends at most, 1 … 1024. */
  readonly batch: number;
}

/** Sends datagrams to one address, in order. */
export interface UdpSender {
  readonly name: 'mmsg' | 'dgram';
  /** Datagrams that the kernel took, and those that it refused. */
  readonly sent: number;
  readonly sendErrors: number;
  /** Copies a datagram into the batch; a full batch is sent first. At most 65,507 bytes. */
  send(bytes: Uint8Array, offset: number, length: number): void;
  /** Sends what is in the batch. @returns how many datagrams were handed to the kernel. */
  flush(): number;
  /** Waits until everything sent has left; there is no sending after that. */
  close(): Promise<void>;
}
