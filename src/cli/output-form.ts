import { extname } from 'node:path';
import type { CaptureForm } from '../core/convert/packet-copy.ts';
import { MdxError } from '../core/errors.ts';

/** Forms of rows that are text. */
export type RowFormat = 'ndjson' | 'csv' | 'pretty';

/** Forms that `mdx replay` writes. */
export type OutputForm = RowFormat | 'parquet' | 'dbn' | CaptureForm;

const BY_EXTENSION: Readonly<Record<string, OutputForm>> = {
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.csv': 'csv',
  '.parquet': 'parquet',
  '.dbn': 'dbn',
  '.pcap': 'pcap',
  '.pcapng': 'pcapng',
};

/** The form of what goes to a file: as asked, else by its extension. Throws MdxError `usage` where neither tells it. */
export function outputFormOf(asked: string | undefined, path: string): OutputForm {
  if (asked !== undefined) return asked as OutputForm;
  const form = BY_EXTENSION[extname(withoutZstd(path)).toLowerCase()];
  if (form !== undefined) return form;
  throw new MdxError('usage', `writing ${path}: its extension names no form that mdx writes`, {
    hint: `Use ${listOf(Object.keys(BY_EXTENSION))}, or say it with --format.`,
  });
}

/** The form of rows: as asked, else by the extension of the file, else NDJSON. */
export function rowFormatOf(asked: string | undefined, path: string | undefined): RowFormat {
  if (asked === undefined && (path === undefined || path === '-')) return 'ndjson';
  const form = outputFormOf(asked, path ?? '-');
  if (form === 'ndjson' || form === 'csv' || form === 'pretty') return form;
  throw new MdxError('usage', `writing ${path}: its extension names no form of rows`, {
    hint: 'Use .ndjson, .jsonl or .csv, or say it with --format.',
  });
}

/** Does the form hold packets, copied as they are? */
export function isCapture(form: OutputForm): form is CaptureForm {
  return form === 'pcap' || form === 'pcapng';
}

/** Is the file to be compressed, by its name? */
export function isZstdPath(path: string): boolean {
  return extname(path).toLowerCase() === '.zst';
}

function withoutZstd(path: string): string {
  const isDbn = /\.dbn\.zst$/i.test(path);
  return isDbn ? path.slice(0, -'.zst'.length) : path;
}

function listOf(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
