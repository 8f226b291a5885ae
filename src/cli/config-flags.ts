import * as Flags from '@oclif/core/flags';
import type { OptionFlag, ParserOutput } from '@oclif/core/interfaces';

/** A key of the configuration, said on the command line. */
export const setFlag: OptionFlag<string[] | undefined> = Flags.string({
  summary: 'a key of the configuration, above file and environment; may be given several times',
  helpValue: 'KEY=VALUE',
  multiple: true,
  multipleNonGreedy: true,
});

/** What was typed behind each flag, as the configuration reads it; arguments are called INPUT. */
export function typedTexts({ raw }: Pick<ParserOutput, 'raw'>): ReadonlyMap<string, readonly string[]> {
  const texts = new Map<string, string[]>();
  for (const token of raw) {
    const name = token.type === 'flag' ? token.flag : 'INPUT';
    // A switch is its own text.
    const text =
      token.input === `--no-${name}` ? 'false' : token.input === `--${name}` ? 'true' : token.input;
    texts.set(name, [...(texts.get(name) ?? []), text]);
  }
  return texts;
}
