import v8 from 'node:v8';

/**
 * How V8 compiles mdx: the path of an event through a book is many small functions, and V8's own budget for
 * putting them into their callers ends half way.
 */
export const V8_FLAGS: readonly string[] = [
  '--max-inlined-bytecode-size=2000',
  '--max-inlined-bytecode-size-cumulative=5000',
];

/**
 * Sets them for this process and its threads; code that was compiled before stays as it is. V8 then refuses the
 * code that Node keeps ready for modules of its own, so this comes late: not before help is printed.
 */
export function setV8Flags(): void {
  for (const flag of V8_FLAGS) v8.setFlagsFromString(flag);
}
