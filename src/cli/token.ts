import { readFile } from 'node:fs/promises';
import * as Flags from '@oclif/core/flags';
import type { OptionFlag } from '@oclif/core/interfaces';
import { MdxError } from '../core/errors.ts';

export const tokenFileFlag: OptionFlag<string | undefined> = Flags.string({
  summary: 'file with the token for a server that is read or asked; MDX_TOKEN is another place for it',
  helpValue: 'FILE',
});

/** The token for servers that ask for one: from a file, else from MDX_TOKEN; null = there is none. Rejects with MdxError. */
export async function serverToken(file: string | undefined): Promise<string | null> {
  const text = file === undefined ? (process.env['MDX_TOKEN'] ?? '') : await readToken(file);
  const token = text.trim();
  if (file === undefined && token === '') return null;
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  const where = file === undefined ? 'MDX_TOKEN' : `--token-file ${file}`;
  throw new MdxError('usage', `${where}: expected one token of printable characters without blanks`);
}

async function readToken(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { readError } = await import('../core/pipeline/raw-source.ts');
    throw readError(`the token from ${file}`, error);
  }
}
