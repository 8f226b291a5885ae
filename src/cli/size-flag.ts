import * as Flags from '@oclif/core/flags';
import type { OptionFlag } from '@oclif/core/interfaces';
import { parseSize } from '../core/config/size.ts';
import { MdxError } from '../core/errors.ts';

/** A number of bytes such as `8MB` or `64KiB`. */
export function sizeFlag(name: string, summary: string): OptionFlag<number | undefined> {
  return Flags.custom<number>({
    summary,
    helpValue: 'SIZE',
    parse: async (text) => {
      const bytes = parseSize(text);
      if (bytes !== null && bytes > 0) return bytes;
      throw new MdxError('usage', `--${name} ${text}: expected a size such as 8MB or 65536`);
    },
  })();
}
