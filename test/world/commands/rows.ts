import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Arg, FlagInput } from '@oclif/core/interfaces';
import { BaseCommand } from '../../../src/cli/base-command.ts';
import type { Example } from '../../../src/cli/definition.ts';
import { EXIT_PROBLEM } from '../../../src/cli/exit-codes.ts';
import { forceFlag, outputFlag, unbufferedFlag } from '../../../src/cli/flags.ts';
import { MdxError } from '../../../src/core/errors.ts';

interface RowsFlags {
  count: number;
  chunk: number;
  output: string | undefined;
  force: boolean;
  unbuffered: boolean;
  problem: boolean;
  'fail-at': number;
  'wait-ms': number;
  stdin: boolean;
  fault: boolean;
  'tell-stop': boolean;
}

/**
 * A command like any other, for tests of what all of them share: writes numbered rows through the real output,
 * a chunk at a time, and says on stderr how far it got.
 */
export default class Rows extends BaseCommand {
  static override summary: string = 'write numbered rows';
  static override examples: Example[] = [{ description: 'Do it', command: 'mdx rows' }];
  static override args: { file: Arg<string | undefined> } = { file: Args.string({ ignoreStdin: true }) };
  static override flags: FlagInput<RowsFlags> = {
    count: Flags.integer({ default: 10 }),
    chunk: Flags.integer({ default: 1000 }),
    output: outputFlag,
    force: forceFlag,
    unbuffered: unbufferedFlag,
    problem: Flags.boolean<boolean>({ default: false }),
    'fail-at': Flags.integer({ default: -1 }),
    'wait-ms': Flags.integer({ default: 0 }),
    stdin: Flags.boolean<boolean>({ default: false }),
    fault: Flags.boolean<boolean>({ default: false }),
    'tell-stop': Flags.boolean<boolean>({ default: false }),
  };

  async run(): Promise<void> {
    const { flags, args } = await this.parse(Rows);
    const output = this.openOutput({
      path: flags.output ?? null,
      force: flags.force,
      unbuffered: flags.unbuffered,
    });
    if (flags['tell-stop']) this.interruption.onRequest(() => this.note('stopping'));
    let stdinBytes = 0;
    if (flags.stdin) for await (const chunk of process.stdin) stdinBytes += (chunk as Buffer).length;
    let rows = 0;
    while (rows < flags.count && !output.closed && this.interruption.signal === null) {
      const end = Math.min(rows + flags.chunk, flags.count);
      for (; rows < end; rows += 1) {
        if (rows === flags['fail-at']) {
          throw new MdxError('input-damaged', `reading row ${rows}: it is damaged`, { hint: 'Try less.' });
        }
        output.write(`{"row":${rows},"text":"some text that makes the row longer"}\n`);
      }
      await output.drain();
      if (flags['wait-ms'] > 0) await new Promise((resolve) => setTimeout(resolve, flags['wait-ms']));
    }
    if (flags.fault) (null as unknown as Rows).note('');
    if (flags.problem) this.exitWith(EXIT_PROBLEM);
    const stopped = this.interruption.signal ?? (output.closed ? 'reader left' : 'done');
    const { maxRSS } = process.resourceUsage();
    this.note(`rows=${rows} stdin=${stdinBytes} file=${args.file ?? ''} maxRssKb=${maxRSS} ${stopped}`);
  }
}
