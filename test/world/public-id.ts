/** FNV-1a 64 of instrument, side and id, plainly: what orders with ids of one side of a book are known by outside of it. */
export function publicId(instrument: bigint, ask: boolean, id: bigint): bigint {
  const bytes: bigint[] = [];
  for (let byte = 0n; byte < 8n; byte += 1n) bytes.push((instrument >> (byte * 8n)) & 255n);
  bytes.push(ask ? 2n : 1n);
  for (let byte = 0n; byte < 8n; byte += 1n) bytes.push((id >> (byte * 8n)) & 255n);
  const hash = bytes.reduce(
    (value, byte) => BigInt.asUintN(64, (value ^ byte) * 0x100000001b3n),
    0xcbf29ce484222325n,
  );
  return hash === 0n ? 1n : hash;
}
