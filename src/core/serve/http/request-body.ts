import type { IncomingMessage } from 'node:http';
import { type Answer, problem } from './route.ts';

/** Does a request bring a body? */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && !/^0+$/.test(length));
}

/** Reads the JSON document of a request, undefined where there is none, or says why it cannot be taken. */
export async function readDocument(
  request: IncomingMessage,
  bytesMax: number,
): Promise<{ readonly document: unknown } | { readonly refusal: Answer }> {
  if (!hasBody(request)) return { document: undefined };
  const { headers } = request;
  const encoding = headers['content-encoding'] ?? 'identity';
  const type = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  if (encoding !== 'identity' || type !== 'application/json') {
    return refusal(415, 'media-type', 'expected Content-Type: application/json, without an encoding');
  }
  const tooLong = refusal(413, 'too-large', `the document has more than ${bytesMax} bytes`);
  if (Number(headers['content-length'] ?? 0) > bytesMax) return tooLong;
  const chunks: Buffer[] = [];
  let length = 0;
  const pieces = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of pieces) {
    length += chunk.length;
    if (length > bytesMax) return tooLong;
    chunks.push(chunk);
  }
  try {
    return { document: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))) };
  } catch {
    return refusal(400, 'document', 'the document is no JSON in UTF-8');
  }
}

function refusal(status: number, code: string, message: string): { readonly refusal: Answer } {
  return { refusal: problem(status, code, message, { headers: { connection: 'close' } }) };
}
