import fc from 'fast-check';
import { WORD_BYTES } from '../../../../src/core/feeds/dbn/layout.ts';
import {
  HEADER_FIELDS,
  type RecordField,
  recordTable,
  type ScalarField,
} from '../../../../src/core/feeds/dbn/record-tables.ts';
import type { RecordValues } from '../../../../src/core/feeds/dbn/records.ts';

/** Any value of a field: its bits are free, but a text ends at its first NUL and keeps room for one. */
const scalarOf = (field: ScalarField): fc.Arbitrary<string | number | bigint> => {
  const bits = field.bytes * 8;
  const isSigned = field.type === 'price' || field.type.startsWith('i');
  switch (field.type) {
    case 'char':
      return fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
    case 'text':
      return fc.string({
        unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
        maxLength: field.bytes - 1,
      });
    case 'u64':
    case 'time':
      return fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
    case 'i64':
    case 'price':
      return fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
    default:
      return isSigned
        ? fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })
        : fc.integer({ min: 0, max: 2 ** bits - 1 });
  }
};
const anyOf = (field: RecordField): fc.Arbitrary<RecordValues[string]> => {
  if (field.type !== 'levels') return scalarOf(field);
  const level = Object.fromEntries(
    field.each.filter(({ type }) => type !== 'pad').map((each) => [each.name, scalarOf(each)]),
  );
  return fc.array(fc.record(level), { minLength: field.count, maxLength: field.count });
};
/** Any record of an rtype in a version, as values. */
export const anyRecord = (rtype: number, version: number): fc.Arbitrary<RecordValues> =>
  fc.record({
    ...Object.fromEntries(
      [...HEADER_FIELDS, ...recordTable(rtype, version)!.fields]
        .filter(({ type }) => type !== 'pad')
        .map((field) => [field.name, anyOf(field)]),
    ),
    length_words: fc.constant(recordTable(rtype, version)!.bytes / WORD_BYTES),
    rtype: fc.constant(rtype),
  });
