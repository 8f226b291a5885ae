import { makeCorpus } from './corpus.ts';
import type { Target } from './target.ts';
import { captureTarget } from './targets/capture.ts';
import { eobiTarget } from './targets/eobi.ts';
import { ethernetTarget } from './targets/ethernet.ts';
import { eventFramesTarget } from './targets/event-frames.ts';
import { eventsTarget } from './targets/events.ts';
import { fastLikeTarget } from './targets/fast-like.ts';
import { itchTarget } from './targets/itch.ts';
import { linesTarget } from './targets/lines.ts';
import { moldTarget } from './targets/mold.ts';
import { obsnapTarget } from './targets/obsnap.ts';
import { recoveryTarget } from './targets/recovery.ts';
import { streamTargets } from './targets/streams.ts';
import { textTarget } from './targets/text.ts';
import { verifyTarget } from './targets/verify.ts';
import { wholeTargets } from './targets/whole.ts';

/** Everything that is fuzzed. */
export function makeTargets(): Target[] {
  const corpus = makeCorpus();
  return [
    moldTarget(corpus.moldPackets),
    itchTarget(),
    eobiTarget(corpus.t7Packets),
    fastLikeTarget(corpus.fastLikePackets),
    ethernetTarget(corpus.frames),
    captureTarget('pcap', corpus.pcap),
    captureTarget('pcapng', corpus.pcapng),
    ...streamTargets(corpus),
    eventsTarget(),
    eventFramesTarget(),
    obsnapTarget(),
    linesTarget(),
    recoveryTarget(),
    verifyTarget(),
    textTarget(),
    ...wholeTargets(corpus),
  ];
}
