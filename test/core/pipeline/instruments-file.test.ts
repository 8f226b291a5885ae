import { describe, expect, it } from 'vitest';
import { MdxError } from '../../../src/core/errors.ts';
import { parseInstruments } from '../../../src/core/pipeline/instruments-file.ts';

function parse(text: string): Record<string, object> {
  const { byInstrument } = parseInstruments('names.csv', text);
  return Object.fromEntries([...byInstrument].map(([instrument, name]) => [String(instrument), name]));
}

const NOTHING = { symbol: null, tick: null, priceScale: null, quantityScale: null };

describe('a file of instruments', () => {
  it('has its columns in any order, under any of their names, among others', () => {
    const text = 'Note, MIN-PRICE-INCREMENT ,SecID,Symbol,price_scale,Qty Scale\nx, 0.25 ,7,ES,2,0\n,,8,,,\n';
    expect(parse(text)).toEqual({
      7: { symbol: 'ES', tick: 25n, priceScale: 2, quantityScale: 0 },
      8: NOTHING,
    });
  });

  it('without a head line is instrument and tick', () => {
    expect(parse('# ticks\n\n7,100\r\n18446744073709551615, 5\n')).toEqual({
      7: { ...NOTHING, tick: 100n },
      '18446744073709551615': { ...NOTHING, tick: 5n },
    });
  });

  it('may quote its fields, begin with a byte order mark, and leave fields empty', () => {
    expect(parse('\uFEFFsymbol,id,tick\n"A ""B"", C", 1 ,\n,2,3\n')).toEqual({
      1: { ...NOTHING, symbol: 'A "B", C' },
      2: { ...NOTHING, tick: 3n },
    });
  });

  it.each([
    ['', 'expected at least one line, found none'],
    ['# only this\n', 'expected at least one line, found none'],
    ['symbol,tick\nA,1\n', 'line 1: expected a column instr or instrument or'],
    ['id,other\n1,2\n', 'line 1: expected a column symbol, tick, price_scale or quantity_scale'],
    ['id,symbol,secid\n', 'line 1: two columns are the instrument: 1 and 3'],
    ['7\n', 'line 1: expected at least two columns, found one'],
    ['\n# x\n7,1\n7,2\n', 'line 4: instrument 7 stands on line 3 already'],
    ['id,tick\n7,0\n', 'line 2: column 2 (tick): expected a tick above 0, found "0"'],
    ['id,tick\n7,-1\n', 'line 2: column 2 (tick): expected a tick above 0, found "-1"'],
    ['id,tick\n7,9223372036854775808\n', 'line 2: column 2 (tick): expected a tick above 0'],
    ['id,tick\n7,0.5\n', 'line 2: column 2 (tick): expected a whole number of price units'],
    ['id,tick,price_scale\n7,0.555,2\n', 'column 2 (tick): expected a tick above 0 of at most 2 decimals'],
    ['tick,id\n1,x\n', 'line 2: column 2 (instrument): expected the number of an instrument, found "x"'],
    [
      'id,tick\n18446744073709551616,1\n',
      'line 2: column 1 (instrument): expected the number of an instrument',
    ],
    ['id,price_scale\n7,19\n', 'line 2: column 2 (priceScale): expected a number of decimals from 0 to 18'],
  ])('%j is refused and says where and why', (text, message) => {
    expect(() => parse(text)).toThrow(MdxError);
    expect(() => parse(text)).toThrow(message);
  });
});
