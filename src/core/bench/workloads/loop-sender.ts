import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import type { EventBatch } from '../../event/batch.ts';
import { RECORD_WORDS, WORD_ID, WORD_PRICE, WORD_QUANTITY } from '../../event/record.ts';
import type { Sender } from './senders.ts';

const FRAME_BYTES_MAX = 128;

/** What comes to mind first: a loop over the clients that makes the frame for each, and sends it. */
export function loopSender(): Sender {
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  let bytes = 0;
  let published = 0;
  const publish = (batch: EventBatch): void => {
    published += batch.count;
    for (let record = 0; record < batch.count; record += 1) {
      const at = record * RECORD_WORDS;
      bytes += 2 + 74;
      for (const client of sockets.clients) client.send(frameOf(batch, at));
    }
  };
  return {
    server,
    path: '/',
    publish,
    flush: () => {},
    published: () => published,
    bytes: () => bytes,
    isSettled: () => true,
    close() {
      for (const client of sockets.clients) client.terminate();
      server.close();
    },
  };
}

/** An add as anyone would write it. */
function frameOf({ words }: EventBatch, at: number): Buffer {
  const frame = Buffer.alloc(FRAME_BYTES_MAX);
  frame.write('OBv1', 0);
  frame.writeUInt8(1, 4);
  frame.writeUInt16LE(100, 6);
  frame.writeBigUInt64LE(BigInt(words[at + 1]!), 12);
  frame.writeBigUInt64LE(process.hrtime.bigint(), 36);
  frame.writeUInt32LE(26, 44);
  frame.writeInt32LE(words[at + WORD_ID]!, 48);
  frame.writeInt32LE(words[at + WORD_ID + 1]!, 52);
  frame.writeInt32LE(words[at + WORD_PRICE]!, 56);
  frame.writeInt32LE(words[at + WORD_PRICE + 1]!, 60);
  frame.writeInt32LE(words[at + WORD_QUANTITY]!, 64);
  frame.writeInt32LE(words[at + WORD_QUANTITY + 1]!, 68);
  return frame.subarray(0, 74);
}
