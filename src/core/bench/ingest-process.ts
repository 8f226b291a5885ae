import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { DbnMboEncoder } from '../feeds/dbn/encoder.ts';
import { ACTION_ADD, ACTION_CANCEL, F_LAST, SIDE_CHAR_ASK, SIDE_CHAR_BID } from '../feeds/dbn/layout.ts';
import { MboRecord } from '../feeds/dbn/mbo.ts';
import { encodeHello, encodeMessage, TYPE_GOODBYE, TYPE_RECORDS } from '../net/ingest/layout.ts';
import type { IngestPlan, IngestWord } from './ingest-plan.ts';

/*
 * A process of senders of events, started by the workload that measures whoever takes them. Each sender adds orders and
 * cancels the ones of two messages before; messages are made before anything is sent.
 */

/** Different messages of each instrument; then they begin again with other ids. */
const LIVE_MESSAGES = 2;
const FIRST_TIME_LOW = 1_000_000;
const TIME_HIGH = 409_494_017;
const TURN_MS = 5;

process.once('message', (plan: IngestPlan) => void send(plan));
process.once('disconnect', () => process.kill(process.pid));

async function send(plan: IngestPlan): Promise<void> {
  const sockets: Socket[] = [];
  for (let sender = 0; sender < plan.senders; sender += 1) {
    const socket = connect(plan.port, '127.0.0.1');
    socket.setNoDelay(true);
    await once(socket, 'connect');
    socket.resume();
    socket.write(encodeHello({ source: `S${sender}`, start: 1, continues: false, kinds: 0, note: '' }));
    sockets.push(socket);
  }
  const go = once(process, 'message');
  say('connected');
  await go;
  const messages = sockets.map((_, sender) => messagesOf(sender, plan.batch));
  const rounds = plan.records / plan.batch;
  const total = rounds * plan.senders;
  const started = performance.now();
  for (let sent = 0; sent < total; ) {
    const due = Math.min(
      total,
      Math.floor(((performance.now() - started) / 1000) * (plan.perSecond / plan.batch)),
    );
    for (; sent < due; sent += 1) {
      const sender = sent % plan.senders;
      const round = Math.floor(sent / plan.senders);
      const socket = sockets[sender]!;
      if (!socket.write(messages[sender]![round % messages[sender]!.length]!)) await once(socket, 'drain');
    }
    await new Promise((resolve) => setTimeout(resolve, TURN_MS));
  }
  for (const socket of sockets) socket.end(encodeMessage(TYPE_GOODBYE));
  say('sent');
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

function say(word: IngestWord): void {
  process.send!(word);
}
