/**
 * The backlog: a text file with a line for every step of every range, so that a person or a program can fetch later what
 * was not fetched now. The first words are those of the peer engine, the fields behind them are ours:
 *
 *     requested 65 1064 ts=1692712800000000000 session=000010059D channel=0
 *     fetched 65 1064 packets=34 ts=… ms=12 session=… channel=0
 *     failed 65 70 · unrecoverable 65 70 · slo_violation 65 1064
 */
export type BacklogStatus = 'requested' | 'fetched' | 'failed' | 'unrecoverable' | 'slo_violation';

/** One line as it is read; `fields` are those behind the numbers. */
export interface BacklogEntry {
  readonly status: BacklogStatus;
  readonly from: number;
  readonly to: number;
  readonly fields: Readonly<Record<string, string>>;
}

const LINE =
  /^(requested|fetched|failed|unrecoverable|slo_violation) (\d{1,16}) (\d{1,16})((?: [a-z]+=[^ ]*)*)\r?$/;

/** A line with its end. Values are percent-encoded where a blank or the like would break the line. */
export function backlogLine(
  status: BacklogStatus,
  from: number,
  to: number,
  fields: readonly (readonly [name: string, value: string])[],
): string {
  let line = `${status} ${from} ${to}`;
  for (const [name, value] of fields) line += ` ${name}=${encoded(value)}`;
  return `${line}\n`;
}

/** Reads a line without its end, with or without fields. @returns null where it is none. */
export function parseBacklogLine(line: string): BacklogEntry | null {
  const match = LINE.exec(line);
  if (match === null) return null;
  const from = Number(match[2]);
  const to = Number(match[3]);
  if (from > to || to > Number.MAX_SAFE_INTEGER) return null;
  const fields: Record<string, string> = {};
  for (const field of match[4]!.split(' ')) {
    const at = field.indexOf('=');
    if (at > 0) fields[field.slice(0, at)] = decoded(field.slice(at + 1));
  }
  return { status: match[1] as BacklogStatus, from, to, fields };
}

function encoded(value: string): string {
  return value.replace(/[%\s=]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function decoded(value: string): string {
  return value.replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}
