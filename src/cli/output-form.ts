import { extname } from 'node:path';
import { type Endpoint, parseEndpoint } from '../core/config/endpoint.ts';
import type { CaptureForm } from '../core/convert/packet-copy.ts';
import { MdxError } from '../core/errors.ts';
import { isZmq } from '../core/publish/zeromq/zmq-endpoint.ts';

/** Forms of rows that are text. */
export type RowFormat = 'ndjson' | 'csv' | 'pretty';

/** Forms that `mdx replay` writes. */
export type OutputForm = RowFormat | 'parquet' | 'dbn' | 'events' | 'journal' | 'snapshot' | CaptureForm;

const BY_EXTENSION: Readonly<Record<string, OutputForm>> = {
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.csv': 'csv',
  '.parquet': 'parquet',
  '.dbn': 'dbn',
  '.mdxj': 'events',
  '.snap': 'snapshot',
  '.pcap': 'pcap',
  '.pcapng': 'pcapng',
};

/**
 * The form of what goes to a file: as asked, else by its extension; of what goes to a socket as asked, else by `?as=`, else
 * packets. Throws MdxError `usage` where nothing tells it, or two things do.
 */
export function outputFormOf(asked: string | undefined, path: string): OutputForm {
  const endpoint = parseEndpoint(path);
  if (endpoint !== null)
    return asked === undefined ? formOfEndpoint(endpoint) : endpointForm(endpoint, asked as OutputForm);
  if (asked !== undefined) return asked as OutputForm;
  if (/[/\\]$/.test(path)) return 'journal';
  const form = BY_EXTENSION[extname(withoutZstd(path)).toLowerCase()];
  if (form !== undefined) return form;
  throw new MdxError('usage', `writing ${path}: its extension names no form that mdx writes`, {
    hint: `Use ${listOf(Object.keys(BY_EXTENSION))}, or a name with / at its end for a journal, or say it with --format.`,
  });
}

const AS: Readonly<Record<string, OutputForm>> = { packets: 'pcapng', events: 'events' };

function formOfEndpoint({ text, options }: Endpoint): OutputForm {
  const as = options.get('as') ?? 'packets';
  const form = AS[as];
  if (form !== undefined) return form;
  throw new MdxError('usage', `${text}: as=${as}, expected ${Object.keys(AS).join(' or ')}`);
}

/** What was asked for, unless `?as=` asks for something else. */
function endpointForm(endpoint: Endpoint, asked: OutputForm): OutputForm {
  if (isZmq(endpoint.text) && !Object.values(AS).includes(asked)) {
    throw new MdxError('usage', `${endpoint.text}: packets (pcapng) and events are sent, not ${asked}`);
  }
  if (!endpoint.options.has('as') || formOfEndpoint(endpoint) === asked) return asked;
  throw new MdxError(
    'usage',
    `${endpoint.text}: as=${endpoint.options.get('as')} and --format ${asked} are two forms`,
  );
}

/** The form of rows: as asked, else by the extension of the file, else NDJSON, also where they go to a socket. */
export function rowFormatOf(asked: string | undefined, path: string | undefined): RowFormat {
  if (asked === undefined && (path === undefined || path === '-' || parseEndpoint(path) !== null))
    return 'ndjson';
  const form = outputFormOf(asked, path ?? '-');
  if (form === 'ndjson' || form === 'csv' || form === 'pretty') return form;
  throw new MdxError('usage', `writing ${path}: its extension names no form of rows`, {
    hint: 'Use .ndjson, .jsonl or .csv, or say it with --format.',
  });
}

/** Is a snapshot of the books asked for, or named? */
export function isSnapshot(asked: string | undefined, path: string | undefined): boolean {
  return asked === 'snapshot' || (asked === undefined && extname(path ?? '').toLowerCase() === '.snap');
}

/** Does the form hold packets, copied as they are? */
export function isCapture(form: OutputForm): form is CaptureForm {
  return form === 'pcap' || form === 'pcapng';
}

/** Is the file to be compressed, by its name? */
export function isZstdPath(path: string): boolean {
  return parseEndpoint(path) === null && extname(path).toLowerCase() === '.zst';
}

function withoutZstd(path: string): string {
  const isDbn = /\.dbn\.zst$/i.test(path);
  return isDbn ? path.slice(0, -'.zst'.length) : path;
}

function listOf(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
