import type { IncomingHttpHeaders } from 'node:http';
import type { Schema } from './schema.ts';

/** A part of the path or of the query that a route reads; what is given and not declared is refused. */
export type Parameter = {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly summary: string;
} & (
  | { readonly type: 'text'; readonly maxLength: number; readonly oneOf?: readonly string[] }
  | {
      readonly type: 'integer';
      readonly minimum: number;
      readonly maximum: number;
      readonly default: number | null;
    }
  | { readonly type: 'flag' }
);

/** Who may ask: everybody · who has a token, if there are any · who has a token, always. */
export type Access = 'open' | 'read' | 'operate';

/** What a handler is given: everything in it was checked against the route. */
export interface Call {
  /** Values of the parameters by name; those left out have their default, or null. */
  readonly values: Readonly<Record<string, string | number | boolean | null>>;
  readonly headers: IncomingHttpHeaders;
  /** Name of the caller's token; null = none was needed. */
  readonly token: string | null;
  /** Of the caller, `127.0.0.1:40212`. */
  readonly address: string;
  /** The document of a POST, undefined where none was sent. */
  readonly body: unknown;
}

/** An answer that is known as a whole. */
export interface Answer {
  readonly status: number;
  /** Text with its type, or a document that goes out as JSON. */
  readonly body: { readonly type: string; readonly text: string } | { readonly json: unknown };
  readonly headers?: Readonly<Record<string, string>>;
}

/** Where the bytes of a stream go. What a client does not take waits in `pendingBytes`: look before writing. */
export interface StreamSink {
  /** The bytes must stay what they are until `taken` is called. */
  write(bytes: Uint8Array, taken?: () => void): void;
  /** Bytes that were written and that the system has not taken yet. */
  readonly pendingBytes: number;
  /** Ends the stream in order. */
  end(): void;
  /** Ends it at once; what is pending is lost. */
  destroy(): void;
}

/** A stream that is under way, told what happens to it. */
export interface StreamSession {
  /** Nothing is pending any longer. */
  drained?(): void;
  /** The client has gone, or the server closes; nothing may be written any longer. */
  closed(): void;
}

export interface RouteHead {
  readonly method: 'GET' | 'POST';
  /** `/api/v1/book/{instrument}`: braces name a parameter that is one whole segment. */
  readonly path: string;
  readonly summary: string;
  readonly access: Access;
  readonly parameters: readonly Parameter[];
  /** Form of the document that a POST may bring; absent: none. */
  readonly takes?: Schema;
  /** Answers by status, each with its meaning and, where it is JSON that is not a problem, its form. */
  readonly answers: Readonly<Record<number, RouteAnswer>>;
}

export interface RouteAnswer {
  readonly summary: string;
  readonly schema?: Schema;
  /** Where it is neither JSON nor plain text. */
  readonly type?: string;
}

export interface AnsweringRoute extends RouteHead {
  handle(call: Call): Answer | Promise<Answer>;
}

/** A route whose answer has no end. */
export interface StreamingRoute extends RouteHead {
  /** Of what is sent, `text/event-stream`. */
  readonly streams: string;
  /** Opens a stream, or answers why not. What it writes at once goes out behind the head of the answer. */
  open(call: Call, sink: StreamSink): StreamSession | Answer;
}

export type Route = AnsweringRoute | StreamingRoute;

/** An answer that is no result. `code` is for programs, `message` says what was found and what was expected. */
export function problem(
  status: number,
  code: string,
  message: string,
  more: { readonly hint?: string | null; readonly headers?: Readonly<Record<string, string>> } = {},
): Answer {
  const { hint = null, headers } = more;
  return {
    status,
    body: { json: { error: { code, message, hint } } },
    ...(headers === undefined ? {} : { headers }),
  };
}

/** The answer where as many clients as may be are connected already. */
export function full(message: string): Answer {
  return problem(503, 'full', message, { headers: { 'retry-after': '5' } });
}

export function json(document: unknown, status: number = 200): Answer {
  return { status, body: { json: document } };
}

export function text(
  content: string,
  type: string = 'text/plain; charset=utf-8',
  status: number = 200,
): Answer {
  return { status, body: { type, text: content } };
}
