import type { ServeConfig } from '../config/serve-config.ts';
import type { ErrorCode } from '../errors.ts';
import type { LineSpec } from '../net/subscription.ts';
import type { EngineAnswer, EngineCommand, EngineStatus } from './status.ts';

/** What the thread of the engine is given. */
export interface EnginePlan {
  readonly version: string;
  readonly config: ServeConfig;
  /** Lines that are received, with their options; empty: the inputs of the configuration are read. */
  readonly lines: readonly LineSpec[];
  /** What lets it in where an input is a server that asks for a token; null = nothing. */
  readonly token: string | null;
  /** Rings to the threads that follow, by name. */
  readonly taps: readonly { readonly name: string; readonly memory: SharedArrayBuffer }[];
  /** Is one of them that does not keep up cut off? Otherwise the engine waits for it. */
  readonly cuts: boolean;
  /** Word 0: no follower is waited for any more (1). */
  readonly control: SharedArrayBuffer;
  /** Slots of the engine's thread. */
  readonly slots: SharedArrayBuffer;
}

/** What the engine says to whoever supervises it. */
export type EngineWord =
  | { readonly kind: 'status'; readonly status: EngineStatus }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: EngineAnswer }
  | { readonly kind: 'tell'; readonly level: 'info' | 'warn'; readonly text: string }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | null;
    }
  | { readonly kind: 'stopped' };

/** What is asked of the engine. */
export type EngineRequest =
  | { readonly kind: 'stop' }
  | { readonly kind: 'command'; readonly id: number; readonly command: EngineCommand };
