import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { DbnMboEncoder } from '../feeds/dbn/encoder.ts';
import { ACTION_ADD, ACTION_CANCEL, F_LAST, SIDE_CHAR_ASK, SIDE_CHAR_BID } from '../feeds/dbn/layout.ts';
import { MboRecord } from '../feeds/dbn/mbo.ts';
import {
  encodeHello,
  encodeMessage,
  HEARTBEAT_MS,
  TYPE_HEARTBEAT,
  TYPE_RECORDS,
} from '../net/ingest/layout.ts';
import { type IngestPlan, type IngestRound, LIVE_MESSAGES } from './ingest-plan.ts';

/*
 * A process of senders of events, started by the workload that measures whoever takes them. Each sender adds orders and
 * cancels the ones of two messages before; messages are made before anything is sent.
 */

const FIRST_TIME_LOW = 1_000_000;
const TIME_HIGH = 409_494_017;
const TURN_MS = 5;

let senders: Senders | null = null;

process.on('message', (told: IngestPlan | IngestRound) => {
  if ('messages' in told) void senders!.send(told.messages);
  else {
    senders = new Senders(told);
    void senders.connect().then(() => process.send!('connected'));
  }
});
// Whoever asked is gone.
process.once('disconnect', () => process.kill(process.pid));

class Senders {
  readonly #plan: IngestPlan;
  readonly #sockets: Socket[] = [];
  readonly #messages: Uint8Array[][] = [];
  /** Messages that each has sent. */
  #sent = 0;

  constructor(plan: IngestPlan) {
    this.#plan = plan;
  }

  async connect(): Promise<void> {
    const { port, senders, batch } = this.#plan;
    for (let sender = 0; sender < senders; sender += 1) {
      const socket = connect(port, '127.0.0.1');
      socket.setNoDelay(true);
      await once(socket, 'connect');
      // The server may be gone first, at the end; whoever measures sees what did not arrive.
      socket.on('error', () => {});
      socket.resume();
      socket.write(encodeHello({ source: `S${sender}`, start: 1, continues: false, kinds: 0, note: '' }));
      this.#sockets.push(socket);
      this.#messages.push(messagesOf(sender, batch));
    }
    const heartbeat = encodeMessage(TYPE_HEARTBEAT);
    setInterval(() => {
      for (const socket of this.#sockets) socket.write(heartbeat);
    }, HEARTBEAT_MS);
  }

  /** Sends so many messages of each, at the rate of the plan. */
  async send(messages: number): Promise<void> {
    const { senders, perSecond, batch } = this.#plan;
    const total = messages * senders;
    const started = performance.now();
    for (let sent = 0; sent < total; ) {
      const seconds = (performance.now() - started) / 1000;
      const due = Math.min(total, Math.floor(seconds * (perSecond / batch)));
      for (; sent < due; sent += 1) {
        const sender = sent % senders;
        const made = this.#messages[sender]!;
        const message = made[(this.#sent + Math.floor(sent / senders)) % made.length]!;
        const socket = this.#sockets[sender]!;
        if (!socket.write(message)) await once(socket, 'drain');
      }
      await new Promise((resolve) => setTimeout(resolve, TURN_MS));
    }
    this.#sent += messages;
  }
}

/** Messages of a sender that can be sent again and again: what the one adds another cancels. */
function messagesOf(sender: number, batch: number): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let message = 0; message < LIVE_MESSAGES * 2; message += 1) {
    const isAdd = message < LIVE_MESSAGES;
    const records: Uint8Array[] = [];
    const encoder = new DbnMboEncoder((chunk) => records.push(chunk.slice()));
    const record = new MboRecord();
    for (let index = 0; index < batch; index += 1) {
      const order = (message % LIVE_MESSAGES) * batch + index;
      const isBid = order % 2 === 0;
      const price = (isBid ? 9_000 - (order % 40) : 9_100 + (order % 40)) * 100_000;
      record.publisher = 1;
      record.instrument = sender + 1;
      record.orderIdLow = order + 1;
      record.priceLow = price;
      record.size = 1 + (order % 9);
      record.flags = F_LAST;
      record.action = isAdd ? ACTION_ADD : ACTION_CANCEL;
      record.side = isBid ? SIDE_CHAR_BID : SIDE_CHAR_ASK;
      record.eventTimeHigh = TIME_HIGH;
      record.eventTimeLow = FIRST_TIME_LOW + index;
      record.receiveTimeHigh = TIME_HIGH;
      record.receiveTimeLow = FIRST_TIME_LOW + index;
      encoder.record(record);
    }
    encoder.flush();
    messages.push(encodeMessage(TYPE_RECORDS, Buffer.concat(records)));
  }
  return messages;
}
