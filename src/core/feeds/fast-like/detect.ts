import { RECORD_WORDS } from '../../event/record.ts';
import type { Datagram } from '../../packet/datagram.ts';
import type { Detection } from '../feed.ts';
import { NUMBER_BYTES } from './layout.ts';
import { MessageReader, READ_MALFORMED, RECORDS_PER_MESSAGE } from './messages.ts';

/** A number of 2^53 or more has one of these bits in its high half. */
const NUMBER_TOO_HIGH = 0xffe00000;

/**
 * Is it a FAST-like packet? It must hold a message at least, all of templates that there are, with bodies that their
 * fields fill to the byte. A packet of its number alone could be anything: no.
 */
export function detectFastLikeDatagram(datagram: Datagram): Detection {
  const { view, offset, length } = datagram;
  if (length <= NUMBER_BYTES || (view.getUint32(offset) & NUMBER_TOO_HIGH) !== 0) return 'no';
  const messages = new MessageReader();
  const records = new Int32Array(RECORDS_PER_MESSAGE * RECORD_WORDS);
  messages.begin(datagram);
  while (messages.next()) {
    if (messages.read(records, 0) <= READ_MALFORMED || !messages.filled) return 'no';
  }
  return messages.damageOffset < 0 ? 'yes' : 'no';
}
