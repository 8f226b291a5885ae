import type { Random } from '../../../src/core/binary/random.ts';
import { itch } from '../../../src/core/feeds/itch/index.ts';
import { RecoveryCounts } from '../../../src/core/merge/recovery/counts.ts';
import { Fetcher } from '../../../src/core/merge/recovery/fetcher.ts';
import {
  ANSWER_DAMAGED,
  ANSWER_END,
  ANSWER_LEFT,
  ANSWER_MORE,
  FrameReader,
  QUESTION_BYTES_MAX,
  QUESTION_MORE,
  QUESTION_READ,
  QuestionReader,
  questionLine,
} from '../../../src/core/merge/recovery/len-seq-payload.ts';
import { MoldRequest, moldRequest } from '../../../src/core/merge/recovery/mold-request.ts';
import { RECOVERY_DEFAULTS } from '../../../src/core/merge/recovery/settings.ts';
import type { Question } from '../../../src/core/merge/recovery/surroundings.ts';
import { TransportNumbers } from '../../../src/core/net/recovery/transport-numbers.ts';
import { frameOf } from '../../world/hostile-server.ts';
import { moldPacket } from '../../world/mold-session.ts';
import { VirtualTimers } from '../../world/virtual-timers.ts';
import { mutate } from '../mutate.ts';
import { Scratch } from '../scratch.ts';
import { type Episode, holds, type Outcomes, same, type Target } from '../target.ts';

const CASES_PER_EPISODE = 256;
const ANSWER_BYTES = 4096;
const NUMBERS_MAX = 24;
const SESSION = Buffer.from('000010059D');
const TWO_53 = 2n ** 53n;

/** What the two sides of recovery read: answers of a server, packets by UDP, questions and requests of clients. */
export function recoveryTarget(): Target {
  return {
    name: 'recovery',
    title:
      'answers, packets and questions of recovery → client and server; every number comes once or is told, and it ends',
    share: 15,
    casesPerEpisode: CASES_PER_EPISODE,
    start: (random, outcomes) => new RecoveryEpisode(random, outcomes),
  };
}

class RecoveryEpisode implements Episode {
  readonly #random: Random;
  readonly #outcomes: Outcomes;
  readonly #input: Scratch = new Scratch(ANSWER_BYTES);
  readonly #request: MoldRequest = new MoldRequest();
  readonly #seen: TransportNumbers = new TransportNumbers(() => itch.transport!());
  readonly #numbers: TransportNumbers = new TransportNumbers(() => itch.transport!());
  readonly #reader: FrameReader = new FrameReader({
    frame: (number, bytes, offset, length) => this.#fetcher!.packet(number, bytes, offset, length),
  });
  #fetcher: Fetcher | null = null;

  constructor(random: Random, outcomes: Outcomes) {
    this.#random = random;
    this.#outcomes = outcomes;
  }

  next(): void {
    switch (this.#random.below(8)) {
      case 0:
        this.#question();
        break;
      case 1:
        this.#moldRequest();
        break;
      default:
        this.#fetch(this.#random.below(3) === 0);
    }
  }

  end(): void {
    // Every case stands alone.
  }

  /** A hole, and a server that answers with mutants, in pieces, late, or not at all. */
  #fetch(answersOnePacket: boolean): void {
    const random = this.#random;
    const first = 1 + random.below(random.below(4) === 0 ? 2 ** 30 : 100);
    const count = 1 + random.below(NUMBERS_MAX);
    const timers = new VirtualTimers();
    const counts = new RecoveryCounts();
    const state = new Uint8Array(count);
    let questions = 0;
    const answer = (question: Question): void => {
      questions += 1;
      holds(questions <= 3 * (NUMBERS_MAX + 1), `${questions} questions for ${count} numbers`);
      holds(question.first >= first && question.last < first + count, 'asked for numbers of the hole');
      timers.after(random.below(300) * 1_000_000, () => this.#answer(question, fetcher, answersOnePacket));
    };
    const seen = this.#seen;
    const fetcher: Fetcher = new Fetcher({
      settings: RECOVERY_DEFAULTS,
      route: { answersOnePacket, ask: answer, cancel: () => {} },
      numbers: this.#numbers,
      timers,
      counts,
      sink: {
        packet: (channel, bytes, offset, length) => {
          same('a packet that was handed on', seen.read(channel, SESSION, bytes, offset, length), 0);
          let isNew = false;
          for (let number = seen.first; number < seen.first + seen.count; number += 1) {
            const at = number - first;
            if (at < 0 || at >= count) continue;
            if (state[at] === 0) isNew = true;
            state[at] = 1;
          }
          holds(isNew, `a packet with nothing new, from ${seen.first}`);
        },
        unrecoverable: (_channel, from, lost) => {
          for (let at = from - first; at < from - first + lost; at += 1) {
            same(`the number ${first + at}, which is told as lost`, state[at], 0);
            state[at] = 2;
          }
        },
        backlog: () => {},
        idle: () => {},
      },
    });
    this.#fetcher = fetcher;
    fetcher.request(0, SESSION, first, count);
    let steps = 0;
    while (timers.step()) {
      steps += 1;
      holds(steps < 2000, 'it ends');
    }
    holds(fetcher.isIdle, 'nothing is left to fetch');
    for (let at = 0; at < count; at += 1)
      holds(state[at] !== 0, `the number ${first + at} came, or was told`);
    this.#outcomes.add(counts.unrecoverableGaps > 0 ? 'unrecoverable' : 'fetched');
  }

  #answer({ first, last }: Question, fetcher: Fetcher, answersOnePacket: boolean): void {
    const random = this.#random;
    const input = this.#input;
    input.length = 0;
    for (let number = first; number <= last && input.room > 1500; ) {
      const count = Math.min(1 + random.below(6), last - number + 1);
      const packet = moldPacket(number, count);
      input.append(answersOnePacket ? packet : frameOf(number, packet));
      number += count;
      if (answersOnePacket) break;
    }
    if (!answersOnePacket && random.below(4) > 0) input.append(frameOf(0));
    if (random.below(4) > 0) mutate(input, random, moldPacket(1 + random.below(100), 2));
    if (answersOnePacket) {
      const bytes = input.content().slice();
      fetcher.packet(-1, bytes, 0, bytes.length);
      return;
    }
    const reader = this.#reader;
    reader.reset();
    const bytes = input.content();
    let state = ANSWER_MORE;
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random.below(random.below(2) === 0 ? 8 : 2000);
      state = reader.push(bytes.subarray(at, at + size));
      at += size;
    }
    if (state === ANSWER_LEFT) return;
    if (state === ANSWER_MORE) state = reader.close();
    holds(state !== ANSWER_DAMAGED || reader.problem !== '', 'a problem is told');
    fetcher.answered(state === ANSWER_END ? null : reader.problem);
  }

  /** A question as it is read in one piece and byte by byte, and by other means. */
  #question(): void {
    const random = this.#random;
    const input = this.#input;
    input.set(Buffer.from(questionLine(1 + random.below(1000), 1 + random.below(2 ** 30))));
    if (random.below(8) > 0)
      mutate(input, random, Buffer.from('REPLAY 9007199254740991 18446744073709551615\n'));
    const bytes = input.content();
    const whole = new QuestionReader();
    const answer = whole.push(bytes);
    const slow = new QuestionReader();
    let last = QUESTION_MORE;
    for (const byte of bytes) {
      last = slow.push(Uint8Array.of(byte));
      if (last !== QUESTION_MORE) break;
    }
    same('the answer byte by byte', last, answer);
    holds(
      answer !== QUESTION_MORE || bytes.length <= QUESTION_BYTES_MAX,
      'a long question is not waited for',
    );
    const line = Buffer.from(bytes).toString('latin1').split('\n')[0]!;
    const [, from, to] = /^REPLAY (\d+) (\d+)\r?$/.exec(line) ?? [];
    if (answer === QUESTION_READ) {
      same('the first number', BigInt(whole.first), BigInt(from!));
      same('the last number', BigInt(whole.last), BigInt(to!));
      holds(whole.first >= 1 && whole.first <= whole.last && BigInt(whole.last) < TWO_53, 'numbers in order');
    }
    this.#outcomes.add(answer === QUESTION_READ ? 'question' : 'no question');
  }

  #moldRequest(): void {
    const random = this.#random;
    const input = this.#input;
    input.set(moldRequest(SESSION, 1 + random.below(2 ** 30), 1 + random.below(65_534)));
    if (random.below(8) > 0) mutate(input, random, moldRequest(null, Number.MAX_SAFE_INTEGER, 2));
    const bytes = input.content();
    const problem = this.#request.read(bytes);
    let isValid = false;
    if (bytes.length === 20) {
      const first = Buffer.from(bytes).readBigUInt64BE(10);
      const count = BigInt(Buffer.from(bytes).readUInt16BE(18));
      isValid = first >= 1n && count >= 1n && count <= 65_534n && first + count <= TWO_53;
      if (isValid) same('the last number', BigInt(this.#request.last), first + count - 1n);
    }
    same(`a request is taken (${problem})`, problem === null, isValid);
    this.#outcomes.add(isValid ? 'request' : 'no request');
  }
}
