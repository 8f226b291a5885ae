import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Packets the kernel dropped because the buffer of a socket was full, since it was opened, from /proc/self/net/udp:
 * the line of the socket's inode, last column.
 *
 * @param descriptor of the socket. @returns null where the system does not tell.
 */
export function udpDrops(descriptor: number, ipVersion: 4 | 6): number | null {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${descriptor}`))?.[1];
    if (inode === undefined) return null;
    return dropsOf(readFileSync(`/proc/self/net/udp${ipVersion === 6 ? '6' : ''}`, 'utf8'), inode);
  } catch {
    return null;
  }
}

/** Columns: number, local address, remote address, state, queues, timer, retransmits, uid, timeout, inode, …, drops. */
export function dropsOf(table: string, inode: string): number | null {
  for (const line of table.split('\n')) {
    const columns = line.trim().split(/\s+/);
    if (columns[9] === inode) return Number(columns.at(-1));
  }
  return null;
}
