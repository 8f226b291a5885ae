import { toBigUint } from '../../binary/time.ts';
import type { Market } from '../../book/market.ts';
import type { EventBatch } from '../../event/batch.ts';
import {
  KIND_DEFINITION,
  KIND_GAP,
  KIND_NAMES,
  KIND_RESET,
  KIND_SESSION,
  KIND_STATUS,
  KIND_VENUE,
} from '../../event/record.ts';
import type { Feed } from '../../feeds/feed.ts';
import { EventFields, type Halves } from '../../pipeline/rows/event-fields.ts';
import { GAP_STATES } from '../../pipeline/rows/event-rows.ts';
import { bitOf, EVENT_KINDS, type EventKind } from '../../publish/events/kinds.ts';
import type { EventWriter } from './event-writer.ts';

/** Says what comes seldom and changes no order: the bodies of the kinds status, definition, gap and system. */
export class OtherJson {
  readonly #writer: EventWriter;
  readonly #fields: EventFields = new EventFields();
  #feed: Feed | null = null;

  constructor(writer: EventWriter) {
    this.#writer = writer;
  }

  start(feed: Feed): void {
    this.#feed = feed;
  }

  /** @param made bits of the kinds that are wanted. */
  say(batch: EventBatch, at: number, market: Market, made: number, topic: number): void {
    const fields = this.#fields;
    fields.read(batch, at, market);
    const said = kindOf(fields.kind);
    if (said === null || (made & bitOf(said)) === 0) return;
    this.#writer.document(topic, EVENT_KINDS.indexOf(said), this.#body());
  }

  #body(): object {
    const { kind, messageType: type, state, from, to, book } = this.#fields;
    const messageType = type < 0 ? null : (this.#feed?.typeName(type) ?? null);
    switch (kind) {
      case KIND_STATUS:
        return { messageType, state };
      case KIND_DEFINITION: {
        const { publisher = null, priceScale = null, quantityScale = null, tick = null } = book ?? {};
        return {
          messageType,
          publisher,
          priceScale,
          quantityScale,
          tick: tick === null ? null : String(tick),
        };
      }
      case KIND_GAP: {
        const count = from.has && to.has ? String(numberOf(to) - numberOf(from) + 1n) : null;
        return { reason: GAP_STATES[state] ?? null, first: text(from), last: text(to), count };
      }
      case KIND_VENUE:
        return { event: KIND_NAMES[kind], messageType, state };
      default:
        return { event: KIND_NAMES[kind], first: text(from) };
    }
  }
}

function kindOf(kind: number): EventKind | null {
  switch (kind) {
    case KIND_STATUS:
      return 'status';
    case KIND_DEFINITION:
      return 'definition';
    case KIND_GAP:
      return 'gap';
    case KIND_SESSION:
    case KIND_RESET:
    case KIND_VENUE:
      return 'system';
    default:
      return null;
  }
}

function numberOf({ high, low }: Halves): bigint {
  return toBigUint(high, low);
}

function text(value: Halves): string | null {
  return value.has ? String(numberOf(value)) : null;
}
